// What policers let through of real frames, as a share of their rate.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "tests/bench/figures.h"
#include "tests/bench/lane.h"

namespace outrider::bench {
namespace {

constexpr int kSender = 2;
constexpr double kBitsPerKb = 1000;
// More than the machine ever takes to find a limit.
constexpr double kPatienceS = 5;

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
    // 40 ms of the rate at a time: reading counters takes part of a millisecond, in which nothing
    // is offered.
    const double rate = static_cast<double>(kbps) * kBitsPerKb;
    const auto batch = std::max<size_t>(64, static_cast<size_t>(rate * 0.04 / 8 / load.wire_bytes));
    Exhaust(load, batch);
    uint64_t bytes = AwaitPassed(load, Passed());
    const uint64_t first = bytes;
    const auto begin = std::chrono::steady_clock::now();
    double elapsed = 0;
    while (elapsed < seconds) {
      lane_.Send(kSender, load.ready, batch);
      bytes = AwaitPassed(load, Passed());
      elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    return static_cast<double>(bytes - first) * 8 / elapsed / rate;
  }

 private:
  uint64_t Passed() { return lane_.CountersOf(kSender).rx_bytes; }

  uint64_t Drops() {
    const auto drops = lane_.CountersOf(kSender).drops;
    const auto found = drops.find("policer");
    return found == drops.end() ? 0 : found->second;
  }

  void Exhaust(const Load& load, size_t batch) {
    const uint64_t before = Drops();
    double spent = 0;
    while (Drops() == before) {
      spent += lane_.Send(kSender, load.ready, batch);
      if (spent > kPatienceS) {
        throw std::runtime_error("policer: this machine cannot send more than it lets through");
      }
    }
  }

  // Sends until something passes after `before`; returns the counter then.
  uint64_t AwaitPassed(const Load& load, uint64_t before) {
    uint64_t now = before;
    while (now == before) {
      lane_.Send(kSender, load.ready, 1);
      now = Passed();
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
    if (kbps <= 100'000) Measure(options, &policed, SmallFrames(kSender, kReceiver), kbps);
    Measure(options, &policed, SuperPackets(kSender, kReceiver), kbps);
  }
}

}  // namespace outrider::bench
