#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "vswitch/cli/ofctl_text.h"

namespace outrider::cli {
namespace {

using openflow::Field;
using openflow::FieldValue;
using openflow::InfoOf;
using openflow::Match;

struct Protocol {
  const char* name;
  uint16_t eth_type;
  // -1: any.
  int proto;
};
constexpr Protocol kProtocols[] = {
    {"icmp", 0x0800, 1},   {"igmp", 0x0800, 2},    {"tcp", 0x0800, 6},    {"udp", 0x0800, 17},
    {"sctp", 0x0800, 132}, {"ip", 0x0800, -1},     {"icmp6", 0x86dd, 58}, {"tcp6", 0x86dd, 6},
    {"udp6", 0x86dd, 17},  {"sctp6", 0x86dd, 132}, {"ipv6", 0x86dd, -1},  {"arp", 0x0806, -1},
    {"rarp", 0x8035, -1},  {"mpls", 0x8847, -1},   {"mplsm", 0x8848, -1}};

constexpr const char* kTcpFlags[] = {"fin", "syn", "rst", "psh",   "ack",   "urg",
                                     "ece", "cwr", "ns",  "[200]", "[400]", "[800]"};
constexpr const char* kCtFlags[] = {"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"};

// "+syn-ack".
std::string FlagsText(uint64_t value, uint64_t mask, const char* const* names, size_t count) {
  std::string text;
  for (size_t bit = 0; bit < count; ++bit) {
    if ((mask >> bit & 1) == 0) continue;
    text += (value >> bit & 1) != 0 ? "+" : "-";
    text += names[bit];
  }
  return text;
}

std::string FragText(uint64_t value, uint64_t mask) {
  if (mask == 3) return value == 0 ? "no" : value == 1 ? "first" : value == 3 ? "later" : "<error>";
  if (mask == 1) return value == 0 ? "no" : "yes";
  return value == 0 ? "not_later" : "later";
}

std::string MacText(const std::array<uint8_t, 16>& bytes) {
  std::array<uint8_t, 6> mac{};
  std::copy_n(bytes.begin(), mac.size(), mac.begin());
  return MacAddress(mac).ToString();
}

std::string AddressText(Field field, const std::array<uint8_t, 16>& bytes) {
  if (InfoOf(field).bytes == 16) return IpAddress(bytes).ToString();
  return IpAddress::FromV4({bytes[0], bytes[1], bytes[2], bytes[3]}).ToString();
}

// A mask of leading ones as a length, another one as an address.
std::string PrefixText(Field field, const FieldValue& value) {
  const size_t bits = InfoOf(field).bytes * size_t{8};
  const auto bit = [&](size_t i) { return (value.mask[i / 8] >> (7 - i % 8) & 1) != 0; };
  size_t length = 0;
  while (length < bits && bit(length)) ++length;
  bool prefix = true;
  for (size_t i = length; i < bits; ++i) prefix = prefix && !bit(i);
  const std::string address = AddressText(field, value.value);
  if (length == bits) return address;
  if (prefix) return fmt::format("{}/{}", address, length);
  return address + "/" + AddressText(field, value.mask);
}

std::string NumberText(Field field, const FieldValue& value, bool hex) {
  const uint64_t number = openflow::FieldNumber(field, value.value);
  const uint64_t mask = openflow::FieldNumber(field, value.mask);
  const bool exact = value.mask == openflow::ExactMask(field);
  if (!exact) return fmt::format("{:#x}/{:#x}", number, mask);
  return hex ? fmt::format("{:#x}", number) : fmt::format("{}", number);
}

// The fields that stand behind the protocol in ovs-ofctl's own order; parts that depend on the
// protocol are written by hand below.
constexpr Field kBeforeType[] = {Field::kPktMark, Field::kConjId, Field::kCtState,
                                 Field::kCtZone,  Field::kCtMark, Field::kCtLabel};
constexpr Field kTunnel[] = {Field::kTunId,      Field::kTunSrc,     Field::kTunDst,
                             Field::kTunIpv6Src, Field::kTunIpv6Dst, Field::kMetadata,
                             Field::kInPort};
constexpr Field kAfterType[] = {Field::kIpv4Src, Field::kIpv4Dst,   Field::kIpv6Src,
                                Field::kIpv6Dst, Field::kIpv6Label, Field::kArpSpa,
                                Field::kArpTpa};
constexpr Field kTransport[] = {
    Field::kArpOp,    Field::kArpSha,    Field::kArpTha,     Field::kIpTos,      Field::kIpEcn,
    Field::kIpTtl,    Field::kMplsLabel, Field::kMplsTc,     Field::kMplsBos,    Field::kIpFrag,
    Field::kIcmpType, Field::kIcmpCode,  Field::kIcmpv6Type, Field::kIcmpv6Code, Field::kNdTarget,
    Field::kNdSll,    Field::kNdTll,     Field::kTcpSrc,     Field::kTcpDst,     Field::kUdpSrc,
    Field::kUdpDst,   Field::kSctpSrc,   Field::kSctpDst,    Field::kTcpFlags};

// "tp_dst" whatever the protocol, "icmp_type" in both versions.
std::string NameText(Field field) {
  switch (field) {
    case Field::kUdpSrc:
    case Field::kSctpSrc:
      return "tp_src";
    case Field::kUdpDst:
    case Field::kSctpDst:
      return "tp_dst";
    case Field::kIcmpv6Type:
      return "icmp_type";
    case Field::kIcmpv6Code:
      return "icmp_code";
    default:
      return InfoOf(field).name;
  }
}

class Writer {
 public:
  Writer(const Match& match, const OfNames& names) : match_(match), names_(names) {}

  void Text(const std::string& text) { text_ += text + ","; }
  void One(Field field) {
    const FieldValue* value = match_.Find(field);
    if (value == nullptr) return;
    Text(NameText(field) + "=" + ValueText(field, *value, names_));
  }
  void Vlan() {
    const FieldValue* tci = match_.Find(Field::kVlanTci);
    if (tci == nullptr) return;
    const uint64_t value = openflow::FieldNumber(Field::kVlanTci, tci->value);
    const uint64_t mask = openflow::FieldNumber(Field::kVlanTci, tci->mask);
    const uint64_t vid = mask & 0x0fff;
    const uint64_t pcp = mask & 0xe000;
    const bool tag = (mask & value & 0x1000) != 0;
    const bool whole = (vid == 0 || vid == 0x0fff) && (pcp == 0 || pcp == 0xe000);
    if (tag && whole && (vid != 0 || pcp != 0)) {
      if (vid != 0) Text(fmt::format("dl_vlan={}", value & 0x0fff));
      if (pcp != 0) Text(fmt::format("dl_vlan_pcp={}", value >> 13));
    } else if (mask == 0xffff) {
      Text(fmt::format("vlan_tci={:#06x}", value));
    } else {
      Text(fmt::format("vlan_tci={:#06x}/{:#06x}", value, mask));
    }
  }
  std::string Finish() {
    if (!text_.empty()) text_.pop_back();
    return text_;
  }

 private:
  const Match& match_;
  const OfNames& names_;
  std::string text_;
};

const Protocol* ProtocolOf(const Match& match) {
  const auto eth_type = match.Exact(Field::kEthType);
  const auto proto = match.Exact(Field::kIpProto);
  for (const Protocol& one : kProtocols) {
    if (eth_type != one.eth_type) continue;
    if (one.proto < 0 || (proto.has_value() && *proto == static_cast<uint64_t>(one.proto))) {
      return &one;
    }
  }
  return nullptr;
}

}  // namespace

std::string ValueText(Field field, const FieldValue& value, const OfNames& names) {
  const uint64_t number = openflow::FieldNumber(field, value.value);
  const uint64_t mask = openflow::FieldNumber(field, value.mask);
  switch (InfoOf(field).format) {
    case openflow::FieldFormat::kMac: {
      const std::string mac = MacText(value.value);
      return value.mask == openflow::ExactMask(field) ? mac : mac + "/" + MacText(value.mask);
    }
    case openflow::FieldFormat::kIpv4:
    case openflow::FieldFormat::kIpv6:
      return PrefixText(field, value);
    case openflow::FieldFormat::kPort:
      return PortText(static_cast<uint32_t>(number), names);
    case openflow::FieldFormat::kFrag:
      return FragText(number, mask);
    case openflow::FieldFormat::kTcpFlags:
      return FlagsText(number, mask, kTcpFlags, std::size(kTcpFlags));
    case openflow::FieldFormat::kCtState:
      return FlagsText(number, mask, kCtFlags, std::size(kCtFlags));
    case openflow::FieldFormat::kHex:
      return NumberText(field, value, true);
    case openflow::FieldFormat::kDecimal:
      break;
  }
  return NumberText(field, value, false);
}

std::string MatchText(const Match& match, int priority, int default_priority,
                      const OfNames& names) {
  Writer out(match, names);
  if (priority != default_priority) out.Text(fmt::format("priority={}", priority));
  // Frames are Ethernet unless a flow says otherwise.
  if (match.Exact(Field::kPacketType).value_or(0) != 0) out.One(Field::kPacketType);
  for (const Field field : kBeforeType) out.One(field);
  const Protocol* protocol = ProtocolOf(match);
  if (protocol != nullptr) out.Text(protocol->name);
  for (int i = 0; i < 16; ++i) {
    out.One(static_cast<Field>(static_cast<int>(Field::kReg0) + i));
  }
  for (const Field field : kTunnel) out.One(field);
  out.Vlan();
  out.One(Field::kEthSrc);
  out.One(Field::kEthDst);
  if (const auto type = match.Exact(Field::kEthType); type && protocol == nullptr) {
    out.Text(fmt::format("dl_type={:#06x}", *type));
  }
  for (const Field field : kAfterType) out.One(field);
  if (protocol == nullptr || protocol->proto < 0) out.One(Field::kIpProto);
  for (const Field field : kTransport) out.One(field);
  return out.Finish();
}

}  // namespace outrider::cli
