#include "tests/bench/lane.h"

#include <algorithm>
#include <stdexcept>

#include "tests/bench/figures.h"
#include "tests/support/state_generator.h"

namespace outrider::bench {
namespace {

const Vni kVni = tests::MakeVni(7);

PortId IdOf(int n) { return tests::MakePortId(static_cast<uint8_t>(n)); }

void AddPort(int n, const std::string& device, state::HostState* state) {
  state::Port& port = state->ports[IdOf(n)];
  port.mac = tests::MakeMac(static_cast<uint8_t>(n));
  port.vni = kVni;
  port.phase = state::PortPhase::kActive;
  port.epoch = Epoch{1};
  port.device = device;
  state->fdb.insert_or_assign({kVni, port.mac}, state::FdbEntry{IdOf(n), Epoch{1}});
}

}  // namespace

std::string MacOf(int n) { return tests::MakeMac(static_cast<uint8_t>(n)).ToString(); }

std::string IpOf(int n) { return "10.0.0." + std::to_string(n); }

Bytes UdpFrom(int n, uint16_t src_port, uint16_t dst_port, size_t length,
              const std::string& dst_ip) {
  constexpr size_t kHeaders = 42;
  return tests::PacketBuilder(MacOf(kReceiver), MacOf(n))
      .Ipv4({.src = IpOf(n), .dst = dst_ip})
      .Udp(src_port, dst_port)
      .Payload(std::max<size_t>(length, 60) - kHeaders)
      .Build();
}

Load SmallFrames(int from, int to) {
  constexpr size_t kLength = 64;
  constexpr size_t kHeaders = 42;
  const Bytes frame = tests::PacketBuilder(MacOf(to), MacOf(from))
                          .Ipv4({.src = IpOf(from), .dst = IpOf(to)})
                          .Udp(5000, 6000)
                          .Payload(kLength - kHeaders)
                          .Build();
  return {"64b", Lane::Ready({frame}), kLength};
}

Load SuperPackets(int from, int to) {
  // Of 1450 bytes layer 3.
  constexpr uint16_t kSegment = 1410;
  constexpr uint16_t kHeaders = 54;
  constexpr size_t kSegments = 45;
  const Bytes frame = tests::PacketBuilder(MacOf(to), MacOf(from))
                          .Ipv4({.src = IpOf(from), .dst = IpOf(to)})
                          .Tcp(5000, 6000)
                          .Payload(kSegments * kSegment)
                          .Build();
  return {"64kb",
          {tests::Tap::WithHeader(frame, {.gso_size = kSegment, .header_length = kHeaders})},
          static_cast<double>(kSegments * (kSegment + kHeaders))};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Lane::Lane(int senders) {
  state_.segments[kVni] = {.mtu = 1450, .vteps = {}};
  host_.AddDevice("receiver");
  AddPort(kReceiver, "receiver", &state_);
  for (int n = kReceiver + 1; n <= kReceiver + senders; ++n) {
    const std::string device = "sender" + std::to_string(n);
    taps_.push_back(host_.In([&] { return tests::Tap::Create(device).value(); }));
    AddPort(n, device, &state_);
  }
  host_.Start();
}

state::Port& Lane::PortOf(int n) { return state_.ports.at(IdOf(n)); }

void Lane::Enforce() {
  const auto result = host_.Apply(state::ComputeDelta(in_force_, state_));
  if (!result.failures.empty()) {
    throw std::runtime_error(std::string(result.failures.front().status.message()));
  }
  in_force_ = state_;
}

std::vector<Bytes> Lane::Ready(const std::vector<Bytes>& frames) {
  std::vector<Bytes> ready;
  ready.reserve(frames.size());
  for (const Bytes& frame : frames) ready.push_back(tests::Tap::WithHeader(frame));
  return ready;
}

double Lane::Send(int n, const std::vector<Bytes>& ready, size_t count) {
  tests::Tap& from = tap(n);
  return SecondsOf([&] {
    for (size_t i = 0; i < count; ++i) {
      if (!from.Write(ready[i % ready.size()]).ok()) throw std::runtime_error("tap: frame refused");
    }
  });
}

datapath::PortCounters Lane::CountersOf(int n) {
  return host_.In([&] { return host_.datapath().ReadPorts().value().at(IdOf(n)); });
}

}  // namespace outrider::bench
