// What a copy costs that head-end replication makes for another host, beside a unicast frame to
// one: from the guest's write to the underlay's device, which counts the frame. There is nothing
// behind that, for the receiver's part would be in both.
#include <fmt/format.h>

#include <stdexcept>

#include "tests/bench/figures.h"
#include "tests/bench/lane.h"
#include "tests/support/run_ip.h"
#include "tests/support/state_generator.h"
#include "vswitch/sys/netlink/device_counters.h"

namespace outrider::bench {
namespace {

constexpr size_t kVteps = 64;
constexpr int kGuest = 2;
constexpr int kRemote = 9;
// Of a round: as many copies as unicast frames.
constexpr size_t kBroadcasts = 500;
constexpr size_t kFrames = kBroadcasts * kVteps;
constexpr char kUnderlay[] = "underlay";
constexpr uint32_t kUnderlayMtu = 1600;

const Vni kVni = tests::MakeVni(7);

std::string VtepOf(size_t n) { return fmt::format("10.99.0.{}", n + 2); }

// All of the segment's other hosts have a copy of everything; one has the remote guest.
state::HostState Replicating(const std::string& device) {
  const PortId id = tests::MakePortId(kGuest);
  state::HostState state;
  state.segments[kVni].mtu = 1450;
  for (size_t n = 0; n < kVteps; ++n) state.segments[kVni].vteps.insert(tests::Ip(VtepOf(n)));
  state::Port& port = state.ports[id];
  port.mac = tests::MakeMac(kGuest);
  port.vni = kVni;
  port.phase = state::PortPhase::kActive;
  port.epoch = Epoch{1};
  port.device = device;
  state.fdb.insert_or_assign({kVni, port.mac}, state::FdbEntry{id, Epoch{1}});
  state.fdb.insert_or_assign({kVni, tests::MakeMac(kRemote)},
                             state::FdbEntry{tests::Ip(VtepOf(0)), Epoch{1}});
  return state;
}

Bytes Udp(const std::string& mac, const std::string& ip, size_t flow, size_t length) {
  constexpr size_t kHeaders = 42;
  constexpr size_t kPorts = 60000;
  return tests::PacketBuilder(mac, MacOf(kGuest))
      .Ipv4({.src = IpOf(kGuest), .dst = ip})
      .Udp(static_cast<uint16_t>(1000 + flow % kPorts), static_cast<uint16_t>(1000 + flow / kPorts))
      .Payload(length - kHeaders)
      .Build();
}

Bytes Unicast(size_t flow, size_t length) {
  return Udp(MacOf(kRemote), IpOf(kRemote), flow, length);
}

Bytes Broadcast(size_t length) { return Udp(tests::kBroadcast, "255.255.255.255", 0, length); }

// A guest in a segment of 65 hosts.
class Replication {
 public:
  Replication() {
    AddUnderlay();
    host_.options().underlay_mtu = kUnderlayMtu;
    guest_ = host_.In([] { return tests::Tap::Create("guest").value(); });
    nobody_ = host_.In([] { return tests::Tap::Create("nobody").value(); });
    host_.Start();
    const auto result = host_.Apply(state::ComputeDelta({}, Replicating("guest")));
    if (!result.failures.empty()) {
      throw std::runtime_error(std::string(result.failures.front().status.message()));
    }
    host_.FindWays();
  }

  // Nanoseconds for each of kFrames on the wire, after `count` that the guest writes. All of them
  // have to get there without the tunnel device; `hits`: by the flow cache, or none.
  double Send(const std::vector<Bytes>& frames, size_t count, bool hits) {
    const uint64_t before = Left();
    const datapath::UnderlayCounters counted = Counters();
    const double ns = Write(guest_.get(), frames, count) / kFrames;
    const datapath::UnderlayCounters now = Counters();
    if (Left() - before != kFrames) {
      throw std::runtime_error(fmt::format("replication: {} frames left", Left() - before));
    }
    if (now.detours != counted.detours) {
      throw std::runtime_error("replication: frames went by the tunnel device");
    }
    // A flow is looked up once in a while all the same.
    const double share = static_cast<double>(now.cache_hits - counted.cache_hits) / kFrames;
    if (hits ? share < 0.99 : share > 0.01) {
      throw std::runtime_error(fmt::format("replication: {} of the frames cached", share));
    }
    return ns;
  }

  // Nanoseconds of a write alone: to a device that is no port, whose frames are for nobody.
  double Entry(const std::vector<Bytes>& frames) {
    return Write(nobody_.get(), frames, kFrames) / kFrames;
  }

 private:
  // A bridge that floods nothing and has heard of nobody. It has a carrier by its port.
  void AddUnderlay() {
    const auto ip = [&](const std::string& words) { tests::RunIp(host_.netns(), words); };
    host_.AddDevice("port");
    ip(fmt::format("link add {} type bridge", kUnderlay));
    ip(fmt::format("link set port mtu {} master {}", kUnderlayMtu, kUnderlay));
    ip("link set port type bridge_slave flood off mcast_flood off bcast_flood off");
    ip(fmt::format("link set {} up", kUnderlay));
    tests::AddAddress(host_.netns(), kUnderlay, "10.99.0.1/24");
    for (size_t n = 0; n < kVteps; ++n) {
      ip(fmt::format("neigh add {} dev {} lladdr 52:54:01:00:00:{:02x}", VtepOf(n), kUnderlay, n));
    }
  }

  static double Write(tests::Tap* to, const std::vector<Bytes>& frames, size_t count) {
    const std::vector<Bytes> ready = Lane::Ready(frames);
    const double seconds = SecondsOf([&] {
      for (size_t i = 0; i < count; ++i) {
        if (!to->Write(ready[i % ready.size()]).ok()) throw std::runtime_error("tap: refused");
      }
    });
    return seconds * 1e9;
  }

  uint64_t Left() {
    return host_.In([] {
      return sys::DeviceCounterReader::Create().value()->Read(kUnderlay)->counters.tx_packets;
    });
  }

  datapath::UnderlayCounters Counters() { return host_.datapath().ReadUnderlay().value(); }

  datapath::ebpf::EbpfHost host_;
  std::unique_ptr<tests::Tap> guest_;
  std::unique_ptr<tests::Tap> nobody_;
};

// Nanoseconds, but for the ratios.
struct Found {
  std::vector<double> copy, unicast, new_flow, entry;
  // All that a broadcast costs, by its copies, to a unicast frame of a known flow.
  std::vector<double> ratio;
  // The same without the write, which a unicast frame has to itself: of 64 copies one has it.
  std::vector<double> ratio_after_entry;
};

void PrintAll(size_t length, const Found& found) {
  const auto print = [&](const char* what, const char* unit, const std::vector<double>& samples) {
    Print(fmt::format("replication_{}b_{}", length, what), unit, samples);
  };
  print("copy", "ns", found.copy);
  print("unicast", "ns", found.unicast);
  print("unicast_new_flow", "ns", found.new_flow);
  print("entry", "ns", found.entry);
  print("copy_to_unicast", "ratio", found.ratio);
  print("copy_to_unicast_after_entry", "ratio", found.ratio_after_entry);
}

void Measure(const Options& options, size_t length) {
  Replication replication;
  Found found;
  size_t flow = 0;
  const std::vector<Bytes> broadcast = {Broadcast(length)}, unicast = {Unicast(flow++, length)};
  for (size_t round = 0; round < options.Rounds(40); ++round) {
    std::vector<Bytes> new_flows;
    for (size_t i = 0; i < kFrames; ++i) new_flows.push_back(Unicast(flow++, length));
    const double copy = replication.Send(broadcast, kBroadcasts, false);
    const double one = replication.Send(unicast, kFrames, true);
    const double entry = replication.Entry(unicast);
    found.copy.push_back(copy);
    found.unicast.push_back(one);
    found.new_flow.push_back(replication.Send(new_flows, kFrames, false));
    found.entry.push_back(entry);
    found.ratio.push_back(copy / one);
    found.ratio_after_entry.push_back((copy - entry / kVteps) / (one - entry));
  }
  PrintAll(length, found);
}

}  // namespace

void MeasureReplication(const Options& options) {
  for (const size_t length : {64, 1400}) Measure(options, length);
}

}  // namespace outrider::bench
