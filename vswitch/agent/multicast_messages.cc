#include "vswitch/agent/multicast_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace outrider::agent {
namespace {

using Bytes = std::vector<uint8_t>;
using Span = std::span<const uint8_t>;

constexpr uint8_t kIgmp = 2;
constexpr uint8_t kIcmpv6 = 58;
constexpr size_t kIpv6Header = 40;
// With a hop-by-hop header of the router alert alone.
constexpr size_t kMldOffset = kIpv6Header + 8;

constexpr std::array<uint8_t, 4> kAnyGroup = {};
constexpr uint8_t kIgmpQuery = 0x11;
constexpr uint8_t kIgmpV1Report = 0x12;
constexpr uint8_t kIgmpV2Report = 0x16;
constexpr uint8_t kIgmpLeave = 0x17;
constexpr uint8_t kIgmpV3Report = 0x22;
constexpr uint8_t kMldQuery = 130;
constexpr uint8_t kMldReport = 131;
constexpr uint8_t kMldDone = 132;
constexpr uint8_t kMldV2Report = 143;

// Record types of IGMPv3 and MLDv2.
constexpr uint8_t kIsInclude = 1;
constexpr uint8_t kToInclude = 3;
constexpr uint8_t kBlockOld = 6;

absl::Status Malformed(const char* why) { return absl::InvalidArgumentError(why); }

uint16_t At16(Span bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

uint32_t Sum(Span bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
  return sum;
}

uint16_t Fold(uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Of IPv6 upper layers: addresses, length, next header.
uint32_t PseudoSum(Span packet, size_t length) {
  return Sum(packet.subspan(8, 32)) + static_cast<uint32_t>(length) + kIcmpv6;
}

IpAddress V4(Span bytes) { return IpAddress::FromV4({bytes[0], bytes[1], bytes[2], bytes[3]}); }

IpAddress V6(Span bytes) {
  std::array<uint8_t, 16> address{};
  std::copy_n(bytes.begin(), address.size(), address.begin());
  return IpAddress(address);
}

// False: not a multicast address.
absl::StatusOr<bool> IsRouted(const IpAddress& group) {
  if (group.IsV4()) {
    const auto bytes = group.v4_bytes();
    if (bytes[0] >> 4 != 14) return Malformed("the group is no multicast address");
    return bytes[0] != 224 || bytes[1] != 0 || bytes[2] != 0;
  }
  if (group.bytes()[0] != 0xff) return Malformed("the group is no multicast address");
  // Reserved, interface-local and link-local scope.
  return (group.bytes()[1] & 0x0f) > 2;
}

absl::Status AddRecord(const IpAddress& group, bool joined, MulticastMessage* message) {
  ASSIGN_OR_RETURN(const bool routed, IsRouted(group));
  if (routed) message->records.push_back({.group = group, .joined = joined});
  return absl::OkStatus();
}

// Records of IGMPv3 and MLDv2 have one form, but for the size of an address.
absl::Status ReadRecords(Span body, size_t count, bool whole, size_t address_size,
                         MulticastMessage* message) {
  const size_t head = 4 + address_size;
  for (size_t i = 0; i < count; ++i) {
    if (body.size() < head) return whole ? Malformed("a record is cut short") : absl::OkStatus();
    const uint8_t type = body[0];
    const size_t sources = At16(body, 2);
    const size_t length = head + sources * address_size + size_t{4} * body[1];
    if (body.size() < length) return whole ? Malformed("a record is cut short") : absl::OkStatus();
    const IpAddress group = address_size == 4 ? V4(body.subspan(4)) : V6(body.subspan(4));
    // Including nobody is having left. Blocking some changes nothing for a switch.
    const bool leaves = (type == kIsInclude || type == kToInclude) && sources == 0;
    if (type != kBlockOld && type >= kIsInclude && type < kBlockOld) {
      RETURN_IF_ERROR(AddRecord(group, !leaves, message));
    }
    body = body.subspan(length);
  }
  return absl::OkStatus();
}

absl::StatusOr<MulticastMessage> ParseIgmp(Span packet) {
  if (packet.size() < 20) return Malformed("the IPv4 header is cut short");
  const size_t header = size_t{4} * (packet[0] & 15);
  const size_t total = At16(packet, 2);
  if (header < 20 || total < header + 8 || packet.size() < header + 8) {
    return Malformed("the IPv4 lengths do not fit");
  }
  if (packet[9] != kIgmp) return Malformed("not IGMP");
  const bool whole = packet.size() >= total;
  const Span igmp = packet.subspan(header, std::min(packet.size(), total) - header);
  if (whole && Fold(Sum(igmp)) != 0xffff) return Malformed("the IGMP checksum is wrong");
  MulticastMessage message{.family = IpFamily::kV4, .records = {}};
  switch (igmp[0]) {
    case kIgmpQuery:
      message.is_query = V4(packet.subspan(12)) != IpAddress::FromV4({0, 0, 0, 0});
      message.is_general = message.is_query && V4(igmp.subspan(4)) == V4(kAnyGroup);
      return message;
    case kIgmpV1Report:
    case kIgmpV2Report:
    case kIgmpLeave:
      RETURN_IF_ERROR(AddRecord(V4(igmp.subspan(4)), igmp[0] != kIgmpLeave, &message));
      return message;
    case kIgmpV3Report:
      RETURN_IF_ERROR(ReadRecords(igmp.subspan(8), At16(igmp, 6), whole, 4, &message));
      return message;
    default:
      return Malformed("no IGMP message that is known");
  }
}

// RFC 3810, 5.1.14 and 5.2.13: hop limit 1, a router alert in the hop-by-hop header, and a
// link-local source (of a report also ::, RFC 3590).
absl::Status CheckMldHeader(Span packet) {
  if (packet.size() < kMldOffset + 8) return Malformed("the MLD message is cut short");
  if (packet[6] != 0 || packet[7] != 1) return Malformed("MLD without router alert or hop limit 1");
  const Span options = packet.subspan(kIpv6Header, 8);
  if (options[0] != kIcmpv6 || options[1] != 0) return Malformed("not MLD");
  const std::array<uint8_t, 4> alert = {5, 2, 0, 0};
  if (std::search(options.begin() + 2, options.end(), alert.begin(), alert.end()) ==
      options.end()) {
    return Malformed("MLD without router alert or hop limit 1");
  }
  const IpAddress source = V6(packet.subspan(8));
  const bool is_report = packet[kMldOffset] != kMldQuery;
  if (source.IsLinkLocal() || (is_report && source == IpAddress())) return absl::OkStatus();
  return Malformed("MLD from an address that is not of the link");
}

absl::StatusOr<MulticastMessage> ParseMld(Span packet) {
  RETURN_IF_ERROR(CheckMldHeader(packet));
  const size_t total = kIpv6Header + At16(packet, 4);
  if (total < kMldOffset + 8) return Malformed("the IPv6 length does not fit");
  const bool whole = packet.size() >= total;
  const Span mld = packet.subspan(kMldOffset, std::min(packet.size(), total) - kMldOffset);
  if (whole && Fold(Sum(mld) + PseudoSum(packet, mld.size())) != 0xffff) {
    return Malformed("the MLD checksum is wrong");
  }
  MulticastMessage message{.family = IpFamily::kV6, .records = {}};
  switch (mld[0]) {
    case kMldV2Report:
      RETURN_IF_ERROR(ReadRecords(mld.subspan(8), At16(mld, 6), whole, 16, &message));
      return message;
    case kMldQuery:
    case kMldReport:
    case kMldDone:
      if (mld.size() < 24) return Malformed("the MLD message is cut short");
      message.is_query = mld[0] == kMldQuery;
      message.is_general = message.is_query && V6(mld.subspan(8)) == IpAddress();
      if (message.is_query) return message;
      RETURN_IF_ERROR(AddRecord(V6(mld.subspan(8)), mld[0] == kMldReport, &message));
      return message;
    default:
      return Malformed("no MLD message that is known");
  }
}

void Append(Span from, Bytes* to) { to->insert(to->end(), from.begin(), from.end()); }

void Put16(uint16_t value, size_t at, Bytes* bytes) {
  (*bytes)[at] = static_cast<uint8_t>(value >> 8);
  (*bytes)[at + 1] = static_cast<uint8_t>(value);
}

// Of a locally administered address: no guest's.
constexpr std::array<uint8_t, 6> kOwnMac = {0x02, 0x4f, 0x52, 0xff, 0xff, 0xfe};
// The highest there is, but one.
constexpr std::array<uint8_t, 16> kOwnLinkLocal = {0xfe, 0x80, 0,    0,    0,    0,    0,    0,
                                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};

// `group` unspecified of its family: all systems. Response times 10 s in general, else 1 s.
Bytes IgmpQuery(const IpAddress& group) {
  const auto address = group.v4_bytes();
  const bool general = address == std::array<uint8_t, 4>{};
  const std::array<uint8_t, 4> dst = general ? std::array<uint8_t, 4>{224, 0, 0, 1} : address;
  Bytes ip = {0x46, 0xc0, 0, 36, 0, 0, 0, 0, 1, kIgmp, 0, 0, 0, 0, 0, 0};
  Append(dst, &ip);
  Append(std::array<uint8_t, 4>{0x94, 4, 0, 0}, &ip);
  Put16(static_cast<uint16_t>(~Fold(Sum(ip))), 10, &ip);
  Bytes igmp = {kIgmpQuery, static_cast<uint8_t>(general ? 100 : 10), 0, 0};
  Append(address, &igmp);
  Append(std::array<uint8_t, 4>{2, kQueryIntervalS, 0, 0}, &igmp);
  Put16(static_cast<uint16_t>(~Fold(Sum(igmp))), 2, &igmp);
  Bytes frame = {0x01, 0x00, 0x5e, static_cast<uint8_t>(dst[1] & 0x7f), dst[2], dst[3]};
  Append(kOwnMac, &frame);
  Append(std::array<uint8_t, 2>{0x08, 0x00}, &frame);
  Append(ip, &frame);
  Append(igmp, &frame);
  return frame;
}

Bytes MldQuery(const IpAddress& group) {
  const bool general = group == IpAddress();
  std::array<uint8_t, 16> dst = group.bytes();
  if (general) dst = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  Bytes mld = {kMldQuery, 0, 0, 0, 0, 0, 0, 0};
  Put16(general ? 10'000 : 1'000, 4, &mld);
  Append(group.bytes(), &mld);
  Append(std::array<uint8_t, 4>{2, kQueryIntervalS, 0, 0}, &mld);
  Bytes ip = {0x60, 0, 0, 0, 0, static_cast<uint8_t>(8 + mld.size()), 0, 1};
  Append(kOwnLinkLocal, &ip);
  Append(dst, &ip);
  Put16(static_cast<uint16_t>(~Fold(Sum(mld) + PseudoSum(ip, mld.size()))), 2, &mld);
  Bytes frame = {0x33, 0x33, dst[12], dst[13], dst[14], dst[15]};
  Append(kOwnMac, &frame);
  Append(std::array<uint8_t, 2>{0x86, 0xdd}, &frame);
  Append(ip, &frame);
  Append(std::array<uint8_t, 8>{kIcmpv6, 0, 5, 2, 0, 0, 1, 0}, &frame);
  Append(mld, &frame);
  return frame;
}

}  // namespace

absl::StatusOr<MulticastMessage> ParseMulticastMessage(Span packet) {
  if (packet.empty()) return Malformed("empty");
  switch (packet[0] >> 4) {
    case 4:
      return ParseIgmp(packet);
    case 6:
      return ParseMld(packet);
    default:
      return Malformed("neither IPv4 nor IPv6");
  }
}

Bytes GeneralQuery(IpFamily family) {
  return family == IpFamily::kV4 ? IgmpQuery(IpAddress::FromV4({0, 0, 0, 0})) : MldQuery({});
}

Bytes GroupQuery(const IpAddress& group) {
  return group.IsV4() ? IgmpQuery(group) : MldQuery(group);
}

}  // namespace outrider::agent
