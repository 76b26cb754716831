#include "tests/support/packet_builder.h"

#include <algorithm>
#include <utility>

namespace outrider::tests {
namespace {

constexpr uint16_t kEtherTypeArp = 0x0806;
constexpr uint16_t kEtherTypeIpv4 = 0x0800;
constexpr uint16_t kEtherTypeIpv6 = 0x86dd;
// Of a layer that nothing outside it names (payload).
constexpr uint16_t kUnnamed = 0xffff;
constexpr uint8_t kNoNextHeader = 59;
constexpr uint8_t kAuthentication = 51;
constexpr uint8_t kFragmentHeader = 44;

void Append16(Bytes* to, uint16_t value) {
  to->push_back(static_cast<uint8_t>(value >> 8));
  to->push_back(static_cast<uint8_t>(value));
}

void Put16(Bytes* to, size_t offset, uint16_t value) {
  (*to)[offset] = static_cast<uint8_t>(value >> 8);
  (*to)[offset + 1] = static_cast<uint8_t>(value);
}

template <typename Container>
void Append(Bytes* to, const Container& bytes) {
  to->insert(to->end(), bytes.begin(), bytes.end());
}

// RFC 792, RFC 4443.
Bytes EchoHeader(uint8_t type, uint8_t code, uint16_t id) {
  Bytes header = {type, code, 0, 0};
  Append16(&header, id);
  Append16(&header, 0);
  return header;
}

// Addresses of an IP header as they enter checksums.
Bytes PseudoHeader(const Bytes& ip, bool v4, uint8_t protocol, size_t length) {
  Bytes pseudo =
      v4 ? Bytes(ip.begin() + 12, ip.begin() + 20) : Bytes(ip.begin() + 8, ip.begin() + 40);
  Append16(&pseudo, protocol);
  Append16(&pseudo, static_cast<uint16_t>(length));
  return pseudo;
}

}  // namespace

MacAddress Mac(const std::string& text) { return MacAddress::Parse(text).value(); }
IpAddress Ip(const std::string& text) { return IpAddress::Parse(text).value(); }

uint16_t InternetChecksum(const Bytes& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += (i % 2 == 0) ? bytes[i] << 8 : bytes[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

PacketBuilder::PacketBuilder(const std::string& dst, const std::string& src) {
  Append(&ethernet_, Mac(dst).bytes());
  Append(&ethernet_, Mac(src).bytes());
}

PacketBuilder& PacketBuilder::Add(Layer layer) {
  layers_.push_back(std::move(layer));
  return *this;
}

PacketBuilder& PacketBuilder::Vlan(uint16_t id, uint16_t tpid) {
  Bytes header;
  Append16(&header, id);
  Append16(&header, 0);
  return Add({Kind::kVlan, header, tpid, {}, {}});
}

PacketBuilder& PacketBuilder::EtherType(uint16_t type) {
  ether_type_ = type;
  return *this;
}

PacketBuilder& PacketBuilder::Arp(const ArpFields& fields) {
  Bytes header;
  Append16(&header, fields.hardware);
  Append16(&header, kEtherTypeIpv4);
  header.push_back(6);
  header.push_back(4);
  Append16(&header, fields.operation);
  Append(&header, fields.sender_mac.bytes());
  Append(&header, Ip(fields.sender_ip).v4_bytes());
  Append(&header, fields.target_mac.bytes());
  Append(&header, Ip(fields.target_ip).v4_bytes());
  return Add({Kind::kRaw, header, kEtherTypeArp, {}, {}});
}

PacketBuilder& PacketBuilder::Ipv4(const Ipv4Fields& fields) {
  const size_t words = 5 + fields.options.size() / 4;
  Bytes header = {static_cast<uint8_t>(fields.version.value_or(4) << 4 | words), fields.tos, 0, 0};
  Append16(&header, fields.id);
  Append16(&header,
           static_cast<uint16_t>((fields.dont_fragment ? 0x4000 : 0) |
                                 (fields.more_fragments ? 0x2000 : 0) | fields.fragment_offset));
  header.push_back(fields.ttl);
  header.push_back(0);
  Append16(&header, 0);
  Append(&header, Ip(fields.src).v4_bytes());
  Append(&header, Ip(fields.dst).v4_bytes());
  Append(&header, fields.options);
  return Add({Kind::kIpv4, header, kEtherTypeIpv4, fields.protocol, fields.total_length});
}

PacketBuilder& PacketBuilder::Ipv6(const Ipv6Fields& fields) {
  Bytes header = {static_cast<uint8_t>(0x60 | fields.tos >> 4),
                  static_cast<uint8_t>(fields.tos << 4 | fields.flow_label >> 16),
                  static_cast<uint8_t>(fields.flow_label >> 8),
                  static_cast<uint8_t>(fields.flow_label),
                  0,
                  0,
                  0,
                  fields.hop_limit};
  Append(&header, Ip(fields.src).bytes());
  Append(&header, Ip(fields.dst).bytes());
  return Add({Kind::kIpv6, header, kEtherTypeIpv6, fields.next_header, fields.payload_length});
}

PacketBuilder& PacketBuilder::Extension(uint8_t type, int units) {
  Bytes header(static_cast<size_t>(units) * 8);
  header[1] = static_cast<uint8_t>(type == kAuthentication ? units * 2 - 2 : units - 1);
  return Add({Kind::kExtension, header, type, {}, {}});
}

PacketBuilder& PacketBuilder::Fragment6(const Fragment6Fields& fields) {
  Bytes header(8);
  Put16(&header, 2, static_cast<uint16_t>(fields.offset << 3 | (fields.more ? 1 : 0)));
  Put16(&header, 4, static_cast<uint16_t>(fields.id >> 16));
  Put16(&header, 6, static_cast<uint16_t>(fields.id));
  return Add({Kind::kExtension, header, kFragmentHeader, fields.next_header, {}});
}

PacketBuilder& PacketBuilder::Tcp(uint16_t src_port, uint16_t dst_port, uint8_t flags) {
  return Tcp({.src_port = src_port, .dst_port = dst_port, .flags = flags});
}

PacketBuilder& PacketBuilder::Tcp(const TcpFields& fields) {
  Bytes header;
  Append16(&header, fields.src_port);
  Append16(&header, fields.dst_port);
  Append16(&header, static_cast<uint16_t>(fields.seq >> 16));
  Append16(&header, static_cast<uint16_t>(fields.seq));
  Append16(&header, static_cast<uint16_t>(fields.ack >> 16));
  Append16(&header, static_cast<uint16_t>(fields.ack));
  header.push_back(static_cast<uint8_t>((5 + fields.options.size() / 4) << 4));
  header.push_back(fields.flags);
  Append16(&header, fields.window);
  header.resize(20);
  Append(&header, fields.options);
  return Add({Kind::kTcp, header, 6, {}, {}});
}

PacketBuilder& PacketBuilder::Udp(uint16_t src_port, uint16_t dst_port) {
  Bytes header;
  Append16(&header, src_port);
  Append16(&header, dst_port);
  header.resize(8);
  return Add({Kind::kUdp, header, 17, {}, {}});
}

PacketBuilder& PacketBuilder::Sctp(uint16_t src_port, uint16_t dst_port) {
  Bytes header;
  Append16(&header, src_port);
  Append16(&header, dst_port);
  header.resize(12);
  return Add({Kind::kSctp, header, 132, {}, {}});
}

PacketBuilder& PacketBuilder::Icmp(uint8_t type, uint8_t code, uint16_t id) {
  return Add({Kind::kIcmp, EchoHeader(type, code, id), 1, {}, {}});
}

PacketBuilder& PacketBuilder::Icmpv6(uint8_t type, uint8_t code, uint16_t id) {
  return Add({Kind::kIcmpv6, EchoHeader(type, code, id), 58, {}, {}});
}

PacketBuilder& PacketBuilder::Payload(size_t size, uint8_t value) {
  return Payload(Bytes(size, value));
}

PacketBuilder& PacketBuilder::Payload(Bytes bytes) {
  return Add({Kind::kRaw, std::move(bytes), kUnnamed, {}, {}});
}

// `packet` is the layer's header and everything behind it.
void PacketBuilder::Finish(const Layer& layer, uint16_t next, const Layer* ip, Bytes* packet) {
  const auto length = static_cast<uint16_t>(packet->size());
  const bool over_v4 = ip != nullptr && ip->kind == Kind::kIpv4;
  auto checksum = [&](size_t offset, bool pseudo) {
    Bytes covered;
    if (pseudo && ip != nullptr) {
      covered = PseudoHeader(ip->header, over_v4, static_cast<uint8_t>(layer.name), packet->size());
    }
    Append(&covered, *packet);
    Put16(packet, offset, InternetChecksum(covered));
  };
  switch (layer.kind) {
    case Kind::kRaw:
    case Kind::kSctp:  // its CRC32c is nobody's concern here
      return;
    case Kind::kVlan:
      return Put16(packet, 2, next);
    case Kind::kIpv4: {
      Put16(packet, 2, layer.length.value_or(length));
      (*packet)[9] = static_cast<uint8_t>(next);
      const Bytes header(packet->begin(),
                         packet->begin() + static_cast<ptrdiff_t>(layer.header.size()));
      return Put16(packet, 10, InternetChecksum(header));
    }
    case Kind::kIpv6:
      Put16(packet, 4, layer.length.value_or(static_cast<uint16_t>(length - 40)));
      (*packet)[6] = static_cast<uint8_t>(next);
      return;
    case Kind::kExtension:
      (*packet)[0] = static_cast<uint8_t>(next);
      return;
    case Kind::kTcp:
      return checksum(16, true);
    case Kind::kUdp:
      Put16(packet, 4, length);
      return checksum(6, true);
    case Kind::kIcmp:
      return checksum(2, false);
    case Kind::kIcmpv6:
      return checksum(2, true);
  }
}

Bytes PacketBuilder::Build() const {
  Bytes packet;
  uint16_t next = kUnnamed;
  for (size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    const Layer* ip = nullptr;
    for (size_t j = 0; j < i; ++j) {
      if (layers_[j].kind == Kind::kIpv4 || layers_[j].kind == Kind::kIpv6) ip = &layers_[j];
    }
    if (next == kUnnamed && layer.name != kUnnamed) next = kNoNextHeader;
    packet.insert(packet.begin(), layer.header.begin(), layer.header.end());
    Finish(layer, layer.next.value_or(next), ip, &packet);
    next = layer.name;
  }
  Bytes frame = ethernet_;
  Append16(&frame, ether_type_.value_or(next));
  Append(&frame, packet);
  return frame;
}

Bytes PacketBuilder::BuildTruncated(size_t length) const {
  Bytes frame = Build();
  frame.resize(std::min(length, frame.size()));
  return frame;
}

}  // namespace outrider::tests
