// Builds Ethernet frames for tests, layer by layer from the outside in. Lengths, next headers and
// checksums are right unless a field overrides them. Knows nothing of the switch: what it writes
// comes from the RFCs named below, so that our own parser is never its own judge.
//
// Thread rule: a value.
#ifndef OUTRIDER_TESTS_SUPPORT_PACKET_BUILDER_H_
#define OUTRIDER_TESTS_SUPPORT_PACKET_BUILDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::tests {

using Bytes = std::vector<uint8_t>;

// Parse or die: for literals in tests.
MacAddress Mac(const std::string& text);
IpAddress Ip(const std::string& text);

inline constexpr char kBroadcast[] = "ff:ff:ff:ff:ff:ff";

// RFC 826.
struct ArpFields {
  uint16_t operation = 1;  // 1 request, 2 reply
  MacAddress sender_mac = {};
  std::string sender_ip = "0.0.0.0";
  MacAddress target_mac = {};
  std::string target_ip = "0.0.0.0";
  uint16_t hardware = 1;
};

// RFC 791.
struct Ipv4Fields {
  std::string src = {};
  std::string dst = {};
  uint8_t ttl = 64;
  bool dont_fragment = false;
  bool more_fragments = false;
  // In units of 8 bytes.
  uint16_t fragment_offset = 0;
  // Multiple of 4 bytes, at most 40.
  Bytes options = {};
  // Overrides: what the following layers say otherwise.
  std::optional<uint8_t> protocol = {};
  std::optional<uint16_t> total_length = {};
  std::optional<uint8_t> version = {};
  uint16_t id = 1;
  // DSCP and ECN (RFC 2474, RFC 3168).
  uint8_t tos = 0;
};

// RFC 8200.
struct Ipv6Fields {
  std::string src = {};
  std::string dst = {};
  uint8_t hop_limit = 64;
  std::optional<uint8_t> next_header = {};
  std::optional<uint16_t> payload_length = {};
  // Traffic class: DSCP and ECN.
  uint8_t tos = 0;
  uint32_t flow_label = 0;
};

// RFC 8200, 4.5.
struct Fragment6Fields {
  uint16_t offset = 0;  // in units of 8 bytes
  bool more = false;
  std::optional<uint8_t> next_header = {};
  uint32_t id = 1;
};

// RFC 9293.
struct TcpFields {
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint8_t flags = 0x10;
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint16_t window = 0xff00;
  // Multiple of 4 bytes, at most 40.
  Bytes options = {};
};

class PacketBuilder {
 public:
  PacketBuilder(const std::string& dst, const std::string& src);

  // 802.1Q tag in the frame.
  PacketBuilder& Vlan(uint16_t id, uint16_t tpid = 0x8100);
  // Ethertype of a payload that no layer below describes.
  PacketBuilder& EtherType(uint16_t type);
  PacketBuilder& Arp(const ArpFields& fields);
  PacketBuilder& Ipv4(const Ipv4Fields& fields);
  PacketBuilder& Ipv6(const Ipv6Fields& fields);
  // IPv6 extension header `type` of 8 * `units` bytes (units >= 1); authentication (51) has its own
  // length rule (RFC 4302), which is kept.
  PacketBuilder& Extension(uint8_t type, int units = 1);
  PacketBuilder& Fragment6(const Fragment6Fields& fields);
  PacketBuilder& Tcp(uint16_t src_port, uint16_t dst_port, uint8_t flags = 0x10);
  PacketBuilder& Tcp(const TcpFields& fields);
  PacketBuilder& Udp(uint16_t src_port, uint16_t dst_port);
  PacketBuilder& Sctp(uint16_t src_port, uint16_t dst_port);
  // Type, code, and of an echo the id; the rest of the 8-byte header is zero.
  PacketBuilder& Icmp(uint8_t type, uint8_t code = 0, uint16_t id = 0);
  PacketBuilder& Icmpv6(uint8_t type, uint8_t code = 0, uint16_t id = 0);
  PacketBuilder& Payload(size_t size, uint8_t value = 0xab);
  PacketBuilder& Payload(Bytes bytes);

  // The whole frame; not padded to the Ethernet minimum.
  Bytes Build() const;
  // Its first `length` bytes.
  Bytes BuildTruncated(size_t length) const;

 private:
  enum class Kind { kRaw, kVlan, kIpv4, kIpv6, kExtension, kTcp, kUdp, kSctp, kIcmp, kIcmpv6 };
  struct Layer {
    Kind kind;
    // The header with zero where Build() computes.
    Bytes header;
    // What the layer outside calls this one: an ethertype or an IP protocol.
    uint16_t name;
    // Overrides of what this layer says of the next one and of lengths.
    std::optional<uint16_t> next;
    std::optional<uint16_t> length;
  };

  PacketBuilder& Add(Layer layer);
  static void Finish(const Layer& layer, uint16_t next, const Layer* ip, Bytes* packet);

  Bytes ethernet_;
  std::optional<uint16_t> ether_type_;
  std::vector<Layer> layers_;
};

// Internet checksum (RFC 1071) of `bytes`.
uint16_t InternetChecksum(const Bytes& bytes);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_SUPPORT_PACKET_BUILDER_H_
