#include "controller/cli/frame_builder.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "controller/cli/protocol_numbers.h"
#include "controller/model/status.h"

namespace outrider::controller::cli {
namespace {

constexpr uint16_t kTypeVlan = 0x8100;
constexpr uint16_t kTypeArp = 0x0806;
constexpr uint16_t kTypeIpv4 = 0x0800;
constexpr uint16_t kTypeIpv6 = 0x86dd;
// IEEE 802's numbers of no protocol: for experiments (RFC 7042).
constexpr uint16_t kTypeExperiment = 0x88b5;
constexpr uint8_t kNeighbourSolicitation = 135;
constexpr size_t kShortestFrame = 60;

using Mac = std::array<uint8_t, 6>;
struct Ip {
  bool v6 = false;
  // Of IPv4 the first four.
  std::array<uint8_t, 16> bytes{};
  std::string Wire() const {
    return std::string(reinterpret_cast<const char*>(bytes.data()), v6 ? 16 : 4);
  }
};

void Put8(std::string* to, uint32_t value) { to->push_back(static_cast<char>(value & 0xff)); }
void Put16(std::string* to, uint32_t value) {
  Put8(to, value >> 8);
  Put8(to, value);
}
void Put32(std::string* to, uint32_t value) {
  Put16(to, value >> 16);
  Put16(to, value);
}
void PutMac(std::string* to, const Mac& mac) {
  to->append(reinterpret_cast<const char*>(mac.data()), mac.size());
}
void Set16(std::string* in, size_t at, uint32_t value) {
  (*in)[at] = static_cast<char>(value >> 8 & 0xff);
  (*in)[at + 1] = static_cast<char>(value & 0xff);
}

// RFC 1071.
uint16_t Checksum(const std::string& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint32_t byte = static_cast<uint8_t>(bytes[i]);
    sum += i % 2 == 0 ? byte << 8 : byte;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum & 0xffff);
}

absl::StatusOr<Mac> ParseMac(const std::string& option, const std::string& text) {
  Mac mac{};
  unsigned int b[6] = {};
  char rest = 0;
  if (text.size() != 17 || std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1],
                                       &b[2], &b[3], &b[4], &b[5], &rest) != 6) {
    return absl::InvalidArgumentError(
        fmt::format("{}: \"{}\" is no MAC like 52:54:00:00:00:01", option, text));
  }
  for (size_t i = 0; i < mac.size(); ++i) mac[i] = static_cast<uint8_t>(b[i]);
  return mac;
}

absl::StatusOr<Ip> ParseIp(const std::string& option, const std::string& text) {
  Ip ip;
  ip.v6 = IsIpv6Text(text);
  if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, text.c_str(), ip.bytes.data()) == 1) return ip;
  return absl::InvalidArgumentError(fmt::format("{}: \"{}\" is no IP address", option, text));
}

absl::StatusOr<uint8_t> ParseProtocol(const FrameSpec& spec) {
  const std::string& text = spec.protocol;
  if (text == "tcp") return kTcp;
  if (text == "udp") return kUdp;
  if (text == "sctp") return kSctp;
  if (text == "icmp" || text == "icmp6" || text == "nd") {
    return IsIpv6Text(spec.dst_ip) ? kIcmpv6 : kIcmp;
  }
  if (!text.empty() && text.size() <= 3 && std::all_of(text.begin(), text.end(), ::isdigit) &&
      std::stoi(text) <= 255) {
    return static_cast<uint8_t>(std::stoi(text));
  }
  return absl::InvalidArgumentError(
      fmt::format("--proto: \"{}\" is none of tcp, udp, sctp, icmp, icmp6, arp, nd, 0..255", text));
}

absl::StatusOr<uint8_t> ParseTcpFlags(const std::string& letters) {
  constexpr char kLetters[] = "FSRPAUEC";
  uint32_t flags = 0;
  for (const char letter : letters) {
    const char* at = std::strchr(kLetters, std::toupper(static_cast<unsigned char>(letter)));
    if (at == nullptr) {
      return absl::InvalidArgumentError(
          fmt::format("--tcp-flags: \"{}\" has other letters than F S R P A U E C", letters));
    }
    flags |= 1U << (at - kLetters);
  }
  return static_cast<uint8_t>(flags);
}

// The layer-4 header with its payload; the checksum is zero where it covers a pseudo header.
struct Segment {
  std::string bytes;
  // Where the checksum belongs; npos: nowhere.
  size_t checksum_at = std::string::npos;
};

absl::StatusOr<Segment> TcpSegment(const FrameSpec& spec, const std::string& payload) {
  ASSIGN_OR_RETURN(const uint8_t flags, ParseTcpFlags(spec.tcp_flags.value_or("S")));
  Segment segment;
  Put16(&segment.bytes, spec.src_port.value_or(49152));
  Put16(&segment.bytes, spec.dst_port.value_or(80));
  Put32(&segment.bytes, 1);                             // sequence number
  Put32(&segment.bytes, (flags & 0x10) != 0 ? 1U : 0);  // acknowledgement
  Put8(&segment.bytes, 5U << 4);
  Put8(&segment.bytes, flags);
  Put16(&segment.bytes, 65535);  // window
  Put32(&segment.bytes, 0);      // checksum, urgent pointer
  segment.checksum_at = 16;
  segment.bytes += payload;
  return segment;
}

Segment UdpSegment(const FrameSpec& spec, const std::string& payload) {
  Segment segment;
  Put16(&segment.bytes, spec.src_port.value_or(49152));
  Put16(&segment.bytes, spec.dst_port.value_or(80));
  Put16(&segment.bytes, static_cast<uint32_t>(8 + payload.size()));
  Put16(&segment.bytes, 0);
  segment.checksum_at = 6;
  segment.bytes += payload;
  return segment;
}

// RFC 4443, and RFC 4861 with the source's link-layer address.
Segment SolicitationSegment(const Ip& target, const Mac& sender) {
  Segment segment;
  Put8(&segment.bytes, kNeighbourSolicitation);
  Put8(&segment.bytes, 0);
  Put16(&segment.bytes, 0);
  Put32(&segment.bytes, 0);
  segment.bytes += target.Wire();
  Put8(&segment.bytes, 1);
  Put8(&segment.bytes, 1);
  PutMac(&segment.bytes, sender);
  segment.checksum_at = 2;
  return segment;
}

Segment IcmpSegment(const FrameSpec& spec, bool v6, const std::string& payload) {
  Segment segment;
  Put8(&segment.bytes, spec.icmp_type.value_or(v6 ? 128 : 8));
  Put8(&segment.bytes, spec.icmp_code.value_or(0));
  Put16(&segment.bytes, 0);
  Put16(&segment.bytes, 1);  // id
  Put16(&segment.bytes, 1);  // sequence number
  segment.checksum_at = 2;
  segment.bytes += payload;
  return segment;
}

// RFC 9260; its CRC is not computed, and nobody between two guests looks at it.
Segment SctpSegment(const FrameSpec& spec, const std::string& payload) {
  Segment segment;
  Put16(&segment.bytes, spec.src_port.value_or(49152));
  Put16(&segment.bytes, spec.dst_port.value_or(80));
  Put32(&segment.bytes, 0);
  Put32(&segment.bytes, 0);
  segment.bytes += payload;
  return segment;
}

struct Packet {
  Ip src;
  Ip dst;
  uint8_t protocol = 0;
  bool solicitation = false;
};

absl::StatusOr<Segment> Layer4(const FrameSpec& spec, const Packet& packet, const Mac& sender,
                               const std::string& payload) {
  if (packet.solicitation) return SolicitationSegment(packet.dst, sender);
  switch (packet.protocol) {
    case kTcp:
      return TcpSegment(spec, payload);
    case kUdp:
      return UdpSegment(spec, payload);
    case kSctp:
      return SctpSegment(spec, payload);
    case kIcmp:
    case kIcmpv6:
      return IcmpSegment(spec, packet.dst.v6, payload);
    default:
      return Segment{payload, std::string::npos};
  }
}

void FinishChecksum(const Packet& packet, Segment* segment) {
  if (segment->checksum_at == std::string::npos) return;
  std::string covered;
  if (packet.protocol != kIcmp) {
    covered = packet.src.Wire() + packet.dst.Wire();
    Put32(&covered, static_cast<uint32_t>(segment->bytes.size()));
    Put32(&covered, packet.protocol);
  }
  Set16(&segment->bytes, segment->checksum_at, Checksum(covered + segment->bytes));
}

std::string Ipv4Header(const FrameSpec& spec, const Packet& packet, size_t length) {
  std::string ip;
  Put8(&ip, 0x45);
  Put8(&ip, static_cast<uint32_t>(spec.dscp.value_or(0)) << 2);
  Put16(&ip, static_cast<uint32_t>(20 + length));
  Put16(&ip, 1);       // identification
  Put16(&ip, 0x4000);  // do not fragment
  Put8(&ip, spec.ttl.value_or(64));
  Put8(&ip, packet.protocol);
  Put16(&ip, 0);
  ip += packet.src.Wire() + packet.dst.Wire();
  Set16(&ip, 10, Checksum(ip));
  return ip;
}

std::string Ipv6Header(const FrameSpec& spec, const Packet& packet, size_t length) {
  std::string ip;
  Put32(&ip, 6U << 28 | static_cast<uint32_t>(spec.dscp.value_or(0)) << 22);
  Put16(&ip, static_cast<uint32_t>(length));
  Put8(&ip, packet.protocol);
  Put8(&ip, spec.ttl.value_or(packet.solicitation ? 255 : 64));
  ip += packet.src.Wire();
  std::string dst = packet.dst.Wire();
  // To the solicited-node address of the target (RFC 4291, 2.7.1).
  if (packet.solicitation)
    dst = std::string("\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff", 13) + dst.substr(13);
  return ip + dst;
}

std::string ArpBody(const Ip& src, const Ip& dst, const Mac& sender) {
  std::string arp;
  Put16(&arp, 1);
  Put16(&arp, kTypeIpv4);
  Put8(&arp, 6);
  Put8(&arp, 4);
  Put16(&arp, 1);  // request
  PutMac(&arp, sender);
  arp += src.Wire();
  PutMac(&arp, {});
  return arp + dst.Wire();
}

struct Body {
  uint16_t type = kTypeExperiment;
  std::string bytes;
};

// Everything behind the Ethernet header, with `payload` bytes of data.
absl::StatusOr<Body> BuildBody(const FrameSpec& spec, const Mac& sender, size_t payload) {
  if (spec.src_ip.empty() && spec.dst_ip.empty()) {
    return Body{kTypeExperiment, std::string(payload, '\0')};
  }
  Packet packet;
  ASSIGN_OR_RETURN(packet.src, ParseIp("--ip-src", spec.src_ip));
  ASSIGN_OR_RETURN(packet.dst, ParseIp("--ip-dst", spec.dst_ip));
  if (packet.src.v6 != packet.dst.v6) {
    return absl::InvalidArgumentError(
        fmt::format("--ip-src {} and --ip-dst {}: not of one family", spec.src_ip, spec.dst_ip));
  }
  if (spec.protocol == "arp") {
    if (!packet.dst.v6) return Body{kTypeArp, ArpBody(packet.src, packet.dst, sender)};
    return absl::InvalidArgumentError("--proto arp: IPv6 asks by --proto nd");
  }
  packet.solicitation = spec.protocol == "nd";
  if (packet.solicitation && !packet.dst.v6) {
    return absl::InvalidArgumentError("--proto nd: IPv4 asks by --proto arp");
  }
  ASSIGN_OR_RETURN(packet.protocol, ParseProtocol(spec));
  ASSIGN_OR_RETURN(Segment segment, Layer4(spec, packet, sender, std::string(payload, '\0')));
  Packet covered = packet;
  if (packet.solicitation) {
    const std::string header = Ipv6Header(spec, packet, segment.bytes.size());
    std::memcpy(covered.dst.bytes.data(), header.data() + 24, 16);
  }
  FinishChecksum(covered, &segment);
  if (packet.dst.v6) {
    return Body{kTypeIpv6, Ipv6Header(spec, packet, segment.bytes.size()) + segment.bytes};
  }
  return Body{kTypeIpv4, Ipv4Header(spec, packet, segment.bytes.size()) + segment.bytes};
}

}  // namespace

bool IsIpv6Text(const std::string& address) { return address.find(':') != std::string::npos; }

absl::StatusOr<std::string> BuildFrame(const FrameSpec& spec) {
  ASSIGN_OR_RETURN(const Mac src, ParseMac("--src-mac", spec.src_mac));
  ASSIGN_OR_RETURN(const Mac dst, ParseMac("--dst-mac", spec.dst_mac));
  if (spec.vlan && *spec.vlan > 4095) {
    return absl::InvalidArgumentError(fmt::format("--vlan: {} is not 0..4095", *spec.vlan));
  }
  std::string frame;
  PutMac(&frame, dst);
  PutMac(&frame, src);
  if (spec.vlan) {
    Put16(&frame, kTypeVlan);
    Put16(&frame, *spec.vlan);
  }
  ASSIGN_OR_RETURN(Body body, BuildBody(spec, src, 0));
  const size_t shortest = frame.size() + 2 + body.bytes.size();
  if (spec.length && (*spec.length < shortest || *spec.length > kMaxFrame)) {
    return absl::InvalidArgumentError(fmt::format("--length: {} is not {}..{}, headers included",
                                                  *spec.length, shortest, kMaxFrame));
  }
  if (spec.length) {
    ASSIGN_OR_RETURN(body, BuildBody(spec, src, *spec.length - shortest));
  }
  Put16(&frame, body.type);
  frame += body.bytes;
  // Of ARP and the like the rest is padding; so it is below Ethernet's minimum.
  frame.resize(std::max<size_t>(frame.size(), spec.length.value_or(kShortestFrame)));
  return frame;
}

absl::StatusOr<std::string> FrameFromHex(const std::string& digits) {
  std::string frame;
  int high = -1;
  for (const char c : digits) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0 || c == ':') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
      return absl::InvalidArgumentError(
          fmt::format("--hex: '{}' is no hexadecimal digit", std::isprint(c) != 0 ? c : '?'));
    }
    const int value = std::stoi(std::string(1, c), nullptr, 16);
    if (high >= 0) Put8(&frame, static_cast<uint32_t>(high << 4 | value));
    high = high >= 0 ? -1 : value;
  }
  if (high >= 0) return absl::InvalidArgumentError("--hex: an odd number of digits");
  return frame;
}

}  // namespace outrider::controller::cli
