// What a port keeps of its packet rate beside a neighbour that misbehaves, both on one host, each
// on a processor of its own. With the neighbour and without it in turn.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <thread>

#include "tests/bench/figures.h"
#include "tests/bench/lane.h"
#include "tests/support/state_generator.h"

namespace outrider::bench {
namespace {

constexpr int kVictim = 2;
constexpr int kNeighbor = 3;
constexpr size_t kFrames = 60000;
constexpr double kRate = 50000;  // frames per second of the neighbour

using Clock = std::chrono::steady_clock;

void PinTo(unsigned processor) {
  if (std::thread::hardware_concurrency() < 2) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

class Street {
 public:
  Street() : lane_(2) {
    state::RuleSet& set = lane_.state().rule_sets[tests::MakeDigest(1)];
    set.rules.resize(1);
    set.rules[0].action = state::AclAction::kAllowRelated;
    for (const int n : {kVictim, kNeighbor}) {
      lane_.PortOf(n).ingress_rule_set = tests::MakeDigest(1);
      lane_.PortOf(n).max_connections = 16384;
      lane_.PortOf(n).max_macs = 64;
      lane_.PortOf(n).storm.broadcast = {.rate_pps = 100, .burst_packets = 100};
    }
    lane_.Enforce();
  }

  void Measure(const Options& options, const std::string& name, const std::vector<Bytes>& frames) {
    PinTo(0);
    const auto mine = Lane::Ready({UdpFrom(kVictim, 5000, 6000)});
    const auto ready = Lane::Ready(frames);
    std::vector<double> ratios;
    for (size_t i = 0; i < options.Rounds(30); ++i) {
      const double alone = lane_.Send(kVictim, mine, kFrames);
      std::atomic<bool> stop = false;
      std::thread neighbor([&] { Bother(ready, &stop); });
      const double beside = lane_.Send(kVictim, mine, kFrames);
      stop = true;
      neighbor.join();
      ratios.push_back(alone / beside);
    }
    Print(name, "ratio", ratios);
  }

 private:
  void Bother(const std::vector<Bytes>& ready, const std::atomic<bool>* stop) {
    PinTo(1);
    const auto begin = Clock::now();
    for (size_t sent = 0; !*stop; ++sent) {
      const auto due = begin + std::chrono::nanoseconds(
                                   static_cast<int64_t>(static_cast<double>(sent) / kRate * 1e9));
      while (Clock::now() < due) {
      }
      (void)lane_.tap(kNeighbor).Write(ready[next_++ % ready.size()]);
    }
  }

  Lane lane_;
  size_t next_ = 0;
};

std::vector<Bytes> NewFlows() {
  std::vector<Bytes> frames;
  for (uint32_t i = 0; i < 200'000; ++i) {
    frames.push_back(UdpFrom(kNeighbor, static_cast<uint16_t>(i % 60000 + 1000),
                             static_cast<uint16_t>(1000 + i / 60000)));
  }
  return frames;
}

std::vector<Bytes> Macs() {
  std::vector<Bytes> frames;
  for (uint32_t i = 0; i < 1'000'000; ++i) {
    Bytes frame = UdpFrom(kNeighbor, 5000, 6000);
    for (size_t byte = 0; byte < 3; ++byte) {
      frame[9 + byte] = static_cast<uint8_t>(i >> (16 - 8 * byte));
    }
    frames.push_back(std::move(frame));
  }
  return frames;
}

std::vector<Bytes> Broadcasts() {
  return {tests::PacketBuilder(tests::kBroadcast, MacOf(kNeighbor))
              .Ipv4({.src = IpOf(kNeighbor), .dst = "255.255.255.255"})
              .Udp(5000, 6000)
              .Payload(100)
              .Build()};
}

}  // namespace

void MeasureVictim(const Options& options) {
  Street street;
  street.Measure(options, "qos_victim_new_flows", NewFlows());
  street.Measure(options, "qos_victim_source_macs", Macs());
  street.Measure(options, "qos_victim_broadcast_storm", Broadcasts());
}

}  // namespace outrider::bench
