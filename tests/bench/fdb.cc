// What a million MACs behind other hosts cost: the time to put them in force, kernel memory, and
// the rate of a guest that sends to them, as a share of what it is with a thousand.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>

#include "tests/bench/figures.h"
#include "tests/bench/lane.h"
#include "tests/support/run_ip.h"
#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::bench {
namespace {

const Vni kVni = tests::MakeVni(7);
constexpr int kGuest = 2;
constexpr uint32_t kVteps = 64;
constexpr uint32_t kFew = 1000;
constexpr uint32_t kMany = 1000000;
constexpr size_t kFrames = 100000;

// 0 .. 2^24 - 1, no two alike and in no order.
std::array<uint8_t, 6> RemoteMac(uint32_t n) {
  const uint32_t bits = n * 0x9e3779b1u;
  return {0x06,
          0,
          0,
          static_cast<uint8_t>(bits >> 16),
          static_cast<uint8_t>(bits >> 8),
          static_cast<uint8_t>(bits)};
}

IpAddress RemoteVtep(uint32_t n) { return tests::Ip(fmt::format("10.98.0.{}", 1 + n % kVteps)); }

void Check(const datapath::ApplyResult& result) {
  if (result.failures.empty()) return;
  throw std::runtime_error(std::string(result.failures.front().status.message()));
}

// A guest on a host with MACs of other hosts, behind a router whose MAC nobody on the wire has:
// what is sent there ends with who looks at it first.
class Host {
 public:
  Host() : lane_(1) {
    tests::NetworkNamespace& netns = lane_.host().netns();
    lane_.host().AddDevice("underlay");
    tests::RunIp(netns, "address add 10.99.0.1/24 dev underlay");
    tests::RunIp(netns, "neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev underlay nud permanent");
    tests::RunIp(netns, "route add 10.98.0.0/16 via 10.99.0.2");
    state::Segment& segment = lane_.state().segments.at(kVni);
    for (uint32_t n = 0; n < kVteps; ++n) segment.vteps.insert(RemoteVtep(n));
    lane_.Enforce();
    lane_.host().FindWays();
  }

  // Seconds it took to put so many in force.
  double Load(uint32_t count) {
    macs_ = count;
    state::HostState to = lane_.state();
    std::vector<IpAddress> vteps;
    for (uint32_t n = 0; n < kVteps; ++n) vteps.push_back(RemoteVtep(n));
    for (uint32_t n = 0; n < count; ++n) {
      to.fdb.insert_or_assign({kVni, MacAddress(RemoteMac(n))},
                              state::FdbEntry{vteps[n % kVteps], Epoch{1}});
    }
    const state::StateDelta delta = state::ComputeDelta(lane_.state(), to);
    datapath::ApplyResult result;
    const double seconds = SecondsOf([&] { result = lane_.host().Apply(delta); });
    Check(result);
    return seconds;
  }

  // Seconds for frames to MACs drawn at random, each of a flow of its own.
  double Send(std::mt19937* random) {
    const uint64_t before = lane_.CountersOf(kGuest).rx_packets;
    const double seconds = SecondsOf([&] {
      for (size_t i = 0; i < kFrames; ++i) SendTo((*random)() % macs_);
    });
    if (lane_.CountersOf(kGuest).rx_packets - before != kFrames) {
      throw std::runtime_error("fdb: not all frames were sent on");
    }
    return seconds;
  }

  // Arrays whole, whatever is in them; of the hash its buckets, and what an element takes of a
  // slab.
  double KernelBytes() {
    constexpr double kHashBucket = 16;
    constexpr double kHashElement = 96;
    const auto maps =
        sys::KernelBpfMaps::OpenPinned(datapath::ebpf::PinnedMapsDir(lane_.host().options().bpffs),
                                       {"or_fdb_more"})
            .value();
    const auto spilled = maps->Keys("or_fdb_more").value().size();
    return static_cast<double>(sizeof(abi::or_fdb_bucket) + sizeof(abi::or_fdb_epochs)) *
               OR_FDB_BUCKETS +
           kHashBucket * OR_MAX_FDB_MORE + kHashElement * static_cast<double>(spilled);
  }

  // None may have gone by the kernel's tunnel device, or a way that was remembered.
  void CheckWays() {
    const auto counters =
        lane_.host().In([&] { return lane_.host().datapath().ReadUnderlay().value(); });
    for (const auto& [reason, frames] : counters.detours) {
      if (frames != 0) throw std::runtime_error("fdb: frames took a detour: " + reason);
    }
    if (counters.cache_hits != 0) throw std::runtime_error("fdb: the flow cache took part");
  }

 private:
  static constexpr size_t kMacAt = 10;      // behind the tap's header
  static constexpr size_t kSrcPortAt = 44;  // of UDP behind IPv4

  void SendTo(uint32_t mac) {
    const auto bytes = RemoteMac(mac);
    std::copy(bytes.begin(), bytes.end(), frame_.begin() + kMacAt);
    // Both ports are above those of services, which are not for guests to offer.
    const uint32_t ports = 0x80008000u | (flow_ % (1u << 15)) << 16 | (flow_ >> 15) % (1u << 15);
    ++flow_;
    for (size_t i = 0; i < sizeof(ports); ++i) {
      frame_[kSrcPortAt + i] = static_cast<uint8_t>(ports >> (24 - 8 * i));
    }
    if (!lane_.tap(kGuest).Write(frame_).ok()) throw std::runtime_error("tap: frame refused");
  }

  Lane lane_;
  Bytes frame_ = tests::Tap::WithHeader(UdpFrom(kGuest, 5000, 6000));
  uint32_t flow_ = 0;
  uint32_t macs_ = 0;
};

// Millions a second.
double Rate(double seconds) { return kMany / seconds / 1e6; }

}  // namespace

void MeasureFdb(const Options& options) {
  std::vector<double> loads;
  for (size_t i = 1; i < options.Rounds(5); ++i) loads.push_back(Rate(Host().Load(kMany)));
  Host few;
  Host many;
  few.Load(kFew);
  loads.push_back(Rate(many.Load(kMany)));
  Print("fdb_load", "M/s", loads);
  Print("fdb_memory_per_mac", "B", {many.KernelBytes() / kMany});
  std::mt19937 random(1);
  std::vector<double> ratios;
  few.Send(&random);
  many.Send(&random);
  for (size_t round = 0; round < options.Rounds(40); ++round) {
    // Whoever is first has the colder caches.
    double seconds[2] = {};
    for (const bool second : {false, true}) {
      const bool is_many = second != (round % 2 == 1);
      seconds[is_many ? 1 : 0] = (is_many ? many : few).Send(&random);
    }
    ratios.push_back(seconds[0] / seconds[1]);
  }
  few.CheckWays();
  many.CheckWays();
  Print("fdb_rate_million", "ratio", ratios);
}

}  // namespace outrider::bench
