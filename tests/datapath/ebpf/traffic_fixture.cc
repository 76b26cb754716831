#include "tests/datapath/ebpf/traffic_fixture.h"

#include <stdexcept>

#include "tests/support/test_netns.h"

namespace outrider::datapath::ebpf {
namespace {

class VethGuest final : public Guest {
 public:
  VethGuest(EbpfHost* host, const std::string& name)
      : socket_((host->AddDevice(name), host->guests()), name) {}

  void Send(const tests::Bytes& frame) override { socket_.Send(frame); }
  std::optional<tests::Bytes> Receive() override {
    return socket_.Receive([](const tests::Bytes&) { return true; });
  }
  std::vector<tests::Bytes> Drain() override { return socket_.Drain(); }

 private:
  tests::PacketSocket socket_;
};

class TapGuest final : public Guest {
 public:
  TapGuest(EbpfHost* host, const std::string& name)
      : tap_(host->In([&] { return tests::Tap::Create(name).value(); })) {}

  void Send(const tests::Bytes& frame) override {
    if (!tap_->Send(frame).ok()) throw std::runtime_error("send to tap");
  }
  std::optional<tests::Bytes> Receive() override { return tap_->Receive(5000); }
  std::vector<tests::Bytes> Drain() override {
    std::vector<tests::Bytes> frames;
    while (const auto frame = tap_->Receive(0)) frames.push_back(*frame);
    return frames;
  }

 private:
  std::unique_ptr<tests::Tap> tap_;
};

}  // namespace

std::unique_ptr<Guest> MakeGuest(GuestKind kind, EbpfHost* host, const std::string& name) {
  if (kind == GuestKind::kVeth) return std::make_unique<VethGuest>(host, name);
  return std::make_unique<TapGuest>(host, name);
}

tests::Bytes UdpFrame(int from, int to, uint16_t port, size_t payload) {
  return tests::PacketBuilder(MacOf(to), MacOf(from))
      .Ipv4({.src = IpOf(from), .dst = IpOf(to)})
      .Udp(1234, port)
      .Payload(payload)
      .Build();
}

tests::Bytes BroadcastFrame(int from) {
  return tests::PacketBuilder(tests::kBroadcast, MacOf(from))
      .Ipv4({.src = IpOf(from), .dst = "255.255.255.255"})
      .Udp(1234, 4000)
      .Payload(64)
      .Build();
}

state::Port ActivePort(int n, const std::string& device) {
  state::Port port;
  port.mac = tests::MakeMac(static_cast<uint8_t>(n));
  port.vni = kSegment;
  port.phase = state::PortPhase::kActive;
  port.epoch = Epoch{1};
  port.device = device;
  return port;
}

state::HostState EmptySegment(const std::set<IpAddress>& vteps) {
  state::HostState state;
  state.segments[kSegment] = {.mtu = 1450, .vteps = vteps};
  return state;
}

void AddPort(int n, const std::string& device, state::HostState* state) {
  const PortId id = tests::MakePortId(static_cast<uint8_t>(n));
  state->ports[id] = ActivePort(n, device);
  state->fdb.insert_or_assign({kSegment, tests::MakeMac(static_cast<uint8_t>(n))},
                              state::FdbEntry{id, Epoch{1}});
}

void AddRemote(int n, const std::string& vtep, state::HostState* state) {
  state->fdb.insert_or_assign({kSegment, tests::MakeMac(static_cast<uint8_t>(n))},
                              state::FdbEntry{tests::Ip(vtep), Epoch{1}});
}

}  // namespace outrider::datapath::ebpf
