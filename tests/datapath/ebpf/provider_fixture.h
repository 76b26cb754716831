// A host whose segments VLANs of a physical network carry: taps as guests, the far end of the
// uplink's veth as the network.
#ifndef OUTRIDER_TESTS_DATAPATH_EBPF_PROVIDER_FIXTURE_H_
#define OUTRIDER_TESTS_DATAPATH_EBPF_PROVIDER_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/datapath/ebpf/traffic_fixture.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {

inline constexpr uint16_t kVlan = 100;
// A station of the physical network.
inline constexpr int kStation = 99;

// Unicast or broadcast of `from` to MAC `dst`, with a tag unless `vlan` is 0.
inline tests::Bytes Tagged(int from, const std::string& dst, uint16_t vlan, size_t payload = 64) {
  tests::PacketBuilder packet(dst, MacOf(from));
  if (vlan != 0) packet.Vlan(vlan);
  return packet.Ipv4({.src = IpOf(from), .dst = "10.0.0.255"}).Udp(1, 2).Payload(payload).Build();
}

class ProviderHost : public ::testing::Test {
 protected:
  ProviderHost() {
    for (int n = 1; n <= 2; ++n) {
      guests_.push_back(MakeGuest(GuestKind::kTap, &host_, "port" + std::to_string(n)));
    }
    Connect();
    host_.Start();
  }

  // Segment 7 is VLAN `vlan`, and ports 1 and 2 are in it.
  static state::HostState Carried(uint16_t vlan = kVlan, bool flood = true) {
    state::HostState state = EmptySegment();
    state.segments[kSegment].flood_unknown_unicast = flood;
    state.segments[kSegment].provider = {.uplink = kUplink, .vlan = vlan};
    AddPort(1, "port1", &state);
    AddPort(2, "port2", &state);
    return state;
  }

  Guest& guest(int n) { return *guests_[static_cast<size_t>(n - 1)]; }
  tests::PacketSocket& network() { return *network_; }
  // The far end of the uplink, as it is now.
  void Connect() {
    network_ = std::make_unique<tests::PacketSocket>(host_.guests(), kUplinkDevice);
  }
  // What of a test's own came out of the uplink until now: neither the kernel's IPv6 nor its ARP.
  std::vector<tests::Bytes> FromHost() {
    std::vector<tests::Bytes> frames;
    for (tests::Bytes& frame : network_->Drain()) {
      if (IsOurs(frame)) frames.push_back(std::move(frame));
    }
    return frames;
  }
  std::optional<tests::Bytes> NextFromHost() { return network_->Receive(IsOurs); }
  static bool IsOurs(const tests::Bytes& frame) {
    return frame.size() > 12 && frame[6] == 0x52 && frame[7] == 0x54;
  }

  uint64_t AwaitHostDrops(const std::string& reason, uint64_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    uint64_t drops = host_.HostDrops(reason);
    while (drops < count && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
      drops = host_.HostDrops(reason);
    }
    return drops;
  }

  template <typename Key, typename Value>
  std::vector<std::pair<Key, Value>> Rows(const std::string& map) {
    return sys::TypedMap<Key, Value>(Maps(map), map).Dump().value();
  }
  // VLANs that are taken from the uplink.
  std::set<uint32_t> Vlans() {
    std::set<uint32_t> vlans;
    for (const auto& [key, vni] : Rows<abi::or_uplink_vlan, uint32_t>("or_uplink_vlans")) {
      vlans.insert(key.vlan);
    }
    return vlans;
  }
  sys::KernelBpfMaps* Maps(const std::string& map) {
    maps_ = sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(host_.options().bpffs), {map}).value();
    return maps_.get();
  }

  EbpfHost host_;
  std::vector<std::unique_ptr<Guest>> guests_;
  std::unique_ptr<tests::PacketSocket> network_;
  std::unique_ptr<sys::KernelBpfMaps> maps_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_TESTS_DATAPATH_EBPF_PROVIDER_FIXTURE_H_
