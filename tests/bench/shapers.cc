// What shapers hand on, as a share of their rate: frames from a port without limits to one with a
// shaper, whose guest reads all it gets.
#include <fmt/format.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "tests/bench/figures.h"
#include "tests/bench/lane.h"

namespace outrider::bench {
namespace {

constexpr int kSender = 2;
constexpr int kShaped = 3;

using Clock = std::chrono::steady_clock;

class Shaped {
 public:
  Shaped() : lane_(2) {}

  // Without a shaper in between, what waits in the queue of the one before would come out of this.
  void Limit(uint64_t kbps) {
    lane_.PortOf(kShaped).shaper = {};
    lane_.Enforce();
    lane_.PortOf(kShaped).shaper = {.max_kbps = kbps,
                                    .burst_kb = std::max<uint64_t>(kbps / 100, 1049)};
    lane_.Enforce();
  }

  // Share of the rate between the first frame after the burst (a second's at 1 Mb/s) and the last
  // of `seconds` more.
  double Share(const Load& load, uint64_t kbps, double seconds) {
    std::atomic<bool> stop = false;
    std::thread sender([&] { Offer(load, kbps, &stop); });
    while (lane_.tap(kShaped).Discard()) {
    }
    AwaitUntil(Clock::now() + std::chrono::milliseconds(1500));
    const auto [first, none] = AwaitUntil(Clock::now());
    const auto [last, frames] =
        AwaitUntil(first + std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6)));
    stop = true;
    sender.join();
    const double elapsed = std::chrono::duration<double>(last - first).count();
    return static_cast<double>(frames) * load.wire_bytes * 8 / 1000 / elapsed /
           static_cast<double>(kbps);
  }

 private:
  // Twice the rate, so that the queue is never empty and the machine never busy with drops alone.
  void Offer(const Load& load, uint64_t kbps, const std::atomic<bool>* stop) {
    const double per_second = 2.0 * static_cast<double>(kbps) * 1000 / 8 / load.wire_bytes;
    const auto begin = Clock::now();
    double sent = 0;
    while (!*stop) {
      const double due = std::chrono::duration<double>(Clock::now() - begin).count() * per_second;
      for (; sent < due; ++sent) lane_.Send(kSender, load.ready, 1);
      // Nothing is waited for: frames are due at a rate.
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  // The first frame after `until`: when it came, and how many came, it among them.
  std::pair<Clock::time_point, uint64_t> AwaitUntil(Clock::time_point until) {
    uint64_t frames = 0;
    for (;;) {
      if (!lane_.tap(kShaped).Discard(5000)) {
        throw std::runtime_error("shaper: nothing came for 5 s");
      }
      ++frames;
      const auto now = Clock::now();
      if (now >= until) return {now, frames};
    }
  }

  Lane lane_;
};

}  // namespace

void MeasureShapers(const Options& options) {
  Shaped shaped;
  for (const uint64_t kbps : {1'000, 10'000, 100'000, 1'000'000}) {
    for (const Load& load : {SmallFrames(kSender, kShaped), SuperPackets(kSender, kShaped)}) {
      // A tap takes less than a million small frames a second.
      if (kbps > 100'000 && load.wire_bytes < 100) continue;
      shaped.Limit(kbps);
      std::vector<double> shares;
      for (size_t i = 0; i < options.Rounds(10); ++i) {
        shares.push_back(shaped.Share(load, kbps, kbps <= 1000 ? 5 : 1));
      }
      Print(fmt::format("qos_shaper_{}_{}mbps", load.name, kbps / 1000), "ratio", shares);
    }
  }
}

}  // namespace outrider::bench
