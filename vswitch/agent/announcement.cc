#include "vswitch/agent/announcement.h"

#include <algorithm>
#include <array>
#include <span>

namespace outrider::agent {
namespace {

using MacBytes = std::array<uint8_t, 6>;

constexpr MacBytes kBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
// ff02::1 and its MAC (RFC 2464, 7): all nodes of the link.
constexpr MacBytes kAllNodesMac = {0x33, 0x33, 0, 0, 0, 1};
constexpr std::array<uint8_t, 16> kAllNodes = {0xff, 0x02, 0, 0, 0, 0, 0, 0,
                                               0,    0,    0, 0, 0, 0, 0, 1};
constexpr size_t kMinFrame = 60;
constexpr size_t kTag = 4;
constexpr uint16_t kArpRequest = 1;
constexpr uint16_t kReverseRequest = 3;
constexpr uint8_t kIcmpv6 = 58;
constexpr size_t kIpv6Header = 40;
constexpr size_t kAdvertisement = 32;  // with the link-layer address

void Put16(Frame* frame, uint16_t value) {
  frame->push_back(static_cast<uint8_t>(value >> 8));
  frame->push_back(static_cast<uint8_t>(value));
}

template <typename Bytes>
void Put(Frame* frame, const Bytes& bytes) {
  frame->insert(frame->end(), bytes.begin(), bytes.end());
}

Frame Ethernet(const MacBytes& to, const MacAddress& from, uint16_t vlan, uint16_t type) {
  Frame frame;
  Put(&frame, to);
  Put(&frame, from.bytes());
  if (vlan != 0) {
    Put16(&frame, 0x8100);
    Put16(&frame, vlan);
  }
  Put16(&frame, type);
  return frame;
}

Frame Padded(Frame frame, uint16_t vlan) {
  const size_t least = kMinFrame + (vlan == 0 ? 0 : kTag);
  frame.resize(std::max(frame.size(), least));
  return frame;
}

void PutArp(Frame* frame, uint16_t operation, const MacAddress& sender,
            std::span<const uint8_t> sender_ip, const MacAddress& target,
            std::span<const uint8_t> target_ip) {
  Put16(frame, 1);       // Ethernet
  Put16(frame, 0x0800);  // IPv4
  frame->push_back(6);
  frame->push_back(4);
  Put16(frame, operation);
  Put(frame, sender.bytes());
  Put(frame, sender_ip);
  Put(frame, target.bytes());
  Put(frame, target_ip);
}

// RFC 8200, 8.1: over the pseudo header and the message, whose checksum field is zero.
uint16_t Icmpv6Checksum(const std::array<uint8_t, 16>& src, std::span<const uint8_t> message) {
  uint32_t sum = static_cast<uint32_t>(message.size()) + kIcmpv6;
  const auto add = [&sum](std::span<const uint8_t> bytes) {
    for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
      sum += static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    }
  };
  add(src);
  add(kAllNodes);
  add(message);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Frame Advertisement(const MacAddress& mac, const IpAddress& ip, uint16_t vlan) {
  Frame message = {136, 0, 0, 0, 0x20, 0, 0, 0};
  Put(&message, ip.bytes());
  message.push_back(2);  // target link-layer address
  message.push_back(1);  // in units of 8 bytes
  Put(&message, mac.bytes());
  const uint16_t checksum = Icmpv6Checksum(ip.bytes(), message);
  message[2] = static_cast<uint8_t>(checksum >> 8);
  message[3] = static_cast<uint8_t>(checksum);
  Frame frame = Ethernet(kAllNodesMac, mac, vlan, 0x86dd);
  frame.reserve(frame.size() + kIpv6Header + kAdvertisement);
  Put(&frame, std::array<uint8_t, 4>{0x60, 0, 0, 0});
  Put16(&frame, static_cast<uint16_t>(message.size()));
  frame.push_back(kIcmpv6);
  frame.push_back(255);
  Put(&frame, ip.bytes());
  Put(&frame, kAllNodes);
  Put(&frame, message);
  return frame;
}

}  // namespace

Frame ReverseArp(const MacAddress& mac, uint16_t vlan) {
  constexpr std::array<uint8_t, 4> kNone = {};
  Frame frame = Ethernet(kBroadcast, mac, vlan, 0x8035);
  PutArp(&frame, kReverseRequest, mac, kNone, mac, kNone);
  return Padded(std::move(frame), vlan);
}

Frame AddressAnnouncement(const MacAddress& mac, const IpAddress& ip, uint16_t vlan) {
  if (!ip.IsV4()) return Padded(Advertisement(mac, ip, vlan), vlan);
  const std::span<const uint8_t> address = std::span(ip.bytes()).last<4>();
  Frame frame = Ethernet(kBroadcast, mac, vlan, 0x0806);
  PutArp(&frame, kArpRequest, mac, address, MacAddress(), address);
  return Padded(std::move(frame), vlan);
}

}  // namespace outrider::agent
