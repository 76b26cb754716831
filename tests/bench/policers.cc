// What policers let through of real frames, as a share of their rate.
#include <fmt/format.h>

#include <algorithm>

#include "tests/bench/figures.h"
#include "tests/bench/lane.h"

namespace outrider::bench {
namespace {

constexpr int kSender = 2;
constexpr double kBitsPerKb = 1000;
// A segment of 1450 bytes layer 3, and how many are in a super-packet of about 64 KB.
constexpr uint16_t kSegmentSize = 1410;
constexpr size_t kSuperPayload = size_t{kSegmentSize} * 45;
constexpr uint16_t kTcpHeaders = 54;

struct Load {
  const char* name;
  std::vector<Bytes> frames;
};

Load SmallFrames() { return {"64b", Lane::Ready({UdpFrom(kSender, 5000, 6000, 64)})}; }

Load SuperPackets() {
  const Bytes frame = tests::PacketBuilder(MacOf(kReceiver), MacOf(kSender))
                          .Ipv4({.src = IpOf(kSender), .dst = IpOf(kReceiver)})
                          .Tcp(5000, 6000)
                          .Payload(kSuperPayload)
                          .Build();
  return {
      "64kb",
      {tests::Tap::WithHeader(frame, {.gso_size = kSegmentSize, .header_length = kTcpHeaders})}};
}

class Policed {
 public:
  Policed() : lane_(1) {}

  void Limit(uint64_t kbps) {
    // 10 ms, or a super-packet.
    const uint64_t burst = std::max<uint64_t>(kbps / 100, 1049);
    lane_.PortOf(kSender).ingress_policer = {.rate_kbps = kbps, .burst_kb = burst};
    lane_.Enforce();
  }

  // Share of the rate that passes while more is offered. From one frame that passed to another, so
  // that neither the burst nor the size of a frame is in it.
  double Share(const Load& load, uint64_t kbps, double seconds) {
    Exhaust(load);
    uint64_t bytes = AwaitPassed(load, lane_.CountersOf(kSender).rx_bytes);
    const uint64_t first = bytes;
    const auto begin = std::chrono::steady_clock::now();
    double elapsed = 0;
    while (elapsed < seconds) {
      lane_.Send(kSender, load.frames, 64);
      bytes = AwaitPassed(load, lane_.CountersOf(kSender).rx_bytes);
      elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    return static_cast<double>(bytes - first) * 8 / kBitsPerKb / elapsed /
           static_cast<double>(kbps);
  }

 private:
  uint64_t Drops() {
    const auto drops = lane_.CountersOf(kSender).drops;
    const auto found = drops.find("policer");
    return found == drops.end() ? 0 : found->second;
  }

  void Exhaust(const Load& load) {
    const uint64_t before = Drops();
    while (Drops() == before) lane_.Send(kSender, load.frames, 64);
  }

  // Sends until something passes after `before`; returns the counter then.
  uint64_t AwaitPassed(const Load& load, uint64_t before) {
    uint64_t now = before;
    while (now == before) {
      lane_.Send(kSender, load.frames, 1);
      now = lane_.CountersOf(kSender).rx_bytes;
    }
    return now;
  }

  Lane lane_;
};

void Measure(const Options& options, Policed* policed, const Load& load, uint64_t kbps) {
  std::vector<double> shares;
  policed->Limit(kbps);
  const double seconds = kbps <= 1000 ? 4 : 1;
  for (size_t i = 0; i < options.Rounds(10); ++i) {
    shares.push_back(policed->Share(load, kbps, seconds));
  }
  Print(fmt::format("qos_policer_{}_{}mbps", load.name, kbps / 1000), "ratio", shares);
}

}  // namespace

void MeasurePolicers(const Options& options) {
  Policed policed;
  for (const uint64_t kbps : {1'000, 10'000, 100'000, 1'000'000}) {
    // A tap takes less than a million small frames a second.
    if (kbps <= 100'000) Measure(options, &policed, SmallFrames(), kbps);
    Measure(options, &policed, SuperPackets(), kbps);
  }
}

}  // namespace outrider::bench
