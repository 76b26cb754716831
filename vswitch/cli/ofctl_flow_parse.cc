#include <fmt/format.h>

#include <iterator>

#include "vswitch/cli/ofctl_parse.h"

namespace outrider::cli {
namespace {

using openflow::Field;
using openflow::FieldValue;
using openflow::Match;

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

struct Protocol {
  const char* name;
  uint16_t eth_type;
  int proto;
};
constexpr Protocol kProtocols[] = {
    {"ip", 0x0800, -1},   {"ipv4", 0x0800, -1},   {"ip4", 0x0800, -1},   {"arp", 0x0806, -1},
    {"icmp", 0x0800, 1},  {"tcp", 0x0800, 6},     {"udp", 0x0800, 17},   {"sctp", 0x0800, 132},
    {"ipv6", 0x86dd, -1}, {"ip6", 0x86dd, -1},    {"icmp6", 0x86dd, 58}, {"tcp6", 0x86dd, 6},
    {"udp6", 0x86dd, 17}, {"sctp6", 0x86dd, 132}, {"rarp", 0x8035, -1},  {"mpls", 0x8847, -1},
    {"mplsm", 0x8848, -1}};

struct FlagName {
  const char* name;
  uint16_t flag;
};
constexpr FlagName kFlags[] = {{"send_flow_rem", openflow::kSendFlowRemoved},
                               {"check_overlap", openflow::kCheckOverlap},
                               {"reset_counts", openflow::k13ResetCounts},
                               {"no_packet_counts", openflow::k13NoPacketCounts},
                               {"no_byte_counts", openflow::k13NoByteCounts}};

// Where "actions=..." begins; npos: nowhere. "mod_...actions" does not count.
size_t FindActions(const std::string& text) {
  size_t at = text.find("action");
  while (at != std::string::npos && at > 0 && text[at - 1] == '_') at = text.find("action", at + 1);
  return at;
}

// Fields by names of their own that are parts of another one.
bool SetVlan(const std::string& key, uint64_t number, Match& match) {
  uint64_t value = 0;
  uint64_t mask = 0;
  if (const FieldValue* tci = match.Find(Field::kVlanTci)) {
    value = openflow::FieldNumber(Field::kVlanTci, tci->value);
    mask = openflow::FieldNumber(Field::kVlanTci, tci->mask);
  }
  if (key == "dl_vlan" && number == 0xffff) {
    match.Set(Field::kVlanTci, 0, 0xffff);
  } else if (key == "dl_vlan" || key == "vlan_vid") {
    const uint64_t vid = key == "dl_vlan" ? (number & 0x0fff) | 0x1000 : number & 0x1fff;
    match.Set(Field::kVlanTci, (value & ~uint64_t{0x1fff}) | vid, mask | 0x1fff);
  } else {
    match.Set(Field::kVlanTci, value | (number & 7) << 13 | 0x1000, mask | 0xf000);
  }
  return true;
}

class Parser {
 public:
  Parser(FlowOrder kind, const OfNumbers& numbers) : kind_(kind), numbers_(numbers) {}

  absl::StatusOr<ParsedFlow> Run(std::string text) {
    Begin();
    std::string actions;
    const bool has_actions = kind_ == FlowOrder::kAdd || kind_ == FlowOrder::kModify;
    if (has_actions) {
      const size_t at = FindActions(text);
      if (at == std::string::npos) return Invalid("must specify an action");
      const size_t equals = text.find('=', at);
      if (equals == std::string::npos) return Invalid("must specify an action");
      actions = text.substr(equals + 1);
      text.resize(at);
    }
    for (const auto& [key, value] : KeyValues(text)) RETURN_IF_ERROR(Key(key, value));
    if (kind_ == FlowOrder::kAdd && flow_.mod.cookie_mask != 0 && masked_cookie_) {
      return Invalid("flow additions cannot use a cookie mask");
    }
    if (kind_ == FlowOrder::kAdd) {
      flow_.mod.cookie = flow_.mod.match_cookie;
      flow_.mod.match_cookie = 0;
      flow_.mod.cookie_mask = 0;
    }
    Normalize();
    if (has_actions) {
      ASSIGN_OR_RETURN(flow_.mod.actions, ParseActions(actions, flow_.mod.match, numbers_));
    }
    for (const openflow::Action& action : flow_.mod.actions.apply) {
      if (std::holds_alternative<openflow::Meter>(action)) flow_.needs_13 = true;
    }
    return std::move(flow_);
  }

 private:
  void Begin() {
    switch (kind_) {
      case FlowOrder::kAdd:
        flow_.mod.command = openflow::kAdd;
        break;
      case FlowOrder::kModify:
        flow_.mod.command = openflow::kModify;
        break;
      case FlowOrder::kDeleteStrict:
        flow_.mod.command = openflow::kDeleteStrict;
        break;
      default:
        flow_.mod.command = openflow::kDelete;
    }
    if (kind_ != FlowOrder::kAdd) flow_.mod.table = openflow::kTableAll;
  }

  absl::Status Key(const std::string& key, const std::string& value) {
    for (const Protocol& protocol : kProtocols) {
      if (key != protocol.name) continue;
      flow_.mod.match.Set(Field::kEthType, protocol.eth_type);
      if (protocol.proto >= 0) {
        flow_.mod.match.Set(Field::kIpProto, static_cast<uint64_t>(protocol.proto));
      }
      return absl::OkStatus();
    }
    const bool adds = kind_ == FlowOrder::kAdd || kind_ == FlowOrder::kModify;
    for (const FlagName& flag : kFlags) {
      if (!adds || key != flag.name) continue;
      flow_.mod.flags |= flag.flag;
      return absl::OkStatus();
    }
    if (key == "eth" || key == "allow_hidden_fields" || key == "no_readonly_table") {
      return absl::OkStatus();
    }
    if (key == "dl_vlan" || key == "dl_vlan_pcp" || key == "vlan_vid" || key == "vlan_pcp") {
      return Vlan(key, value);
    }
    if (const openflow::FieldInfo* info = openflow::FindField(key)) return FieldKey(*info, value);
    if (value.empty()) return Invalid(fmt::format("field {} missing value", key));
    return Other(key, value);
  }

  absl::Status Vlan(const std::string& key, const std::string& value) {
    const openflow::FieldInfo& info =
        openflow::InfoOf(key.find("pcp") == std::string::npos ? Field::kVlanVid : Field::kVlanPcp);
    uint64_t number = 0;
    if (!ParseNumber(value, ~uint64_t{0}, &number)) {
      return Invalid(fmt::format("{}: bad syntax for {}", value, key));
    }
    if (number >> (8 * info.bytes) != 0) {
      return Invalid(
          fmt::format("{}: value too large for {}-byte field {}", value, info.bytes, key));
    }
    SetVlan(key, number, flow_.mod.match);
    return absl::OkStatus();
  }

  absl::Status FieldKey(const openflow::FieldInfo& info, const std::string& text) {
    FieldValue value;
    RETURN_IF_ERROR(ParseField(info, text, numbers_, &value));
    flow_.mod.match.Set(info.field, value.value, value.mask);
    return absl::OkStatus();
  }

  absl::Status U16(const std::string& key, const std::string& value, uint16_t* target) {
    uint64_t number = 0;
    if (!ParseNumber(value, 0xffff, &number)) {
      return Invalid(fmt::format("invalid {} \"{}\"", key, value));
    }
    *target = static_cast<uint16_t>(number);
    return absl::OkStatus();
  }

  absl::Status Other(const std::string& key, const std::string& value) {
    if (key == "table") return Table(value);
    const bool adds = kind_ == FlowOrder::kAdd || kind_ == FlowOrder::kModify;
    if (key == "out_port" && !adds) {
      const auto port = ParsePort(value, numbers_);
      if (!port.ok()) return Invalid(value + " is not a valid OpenFlow port");
      flow_.mod.out_port = *port;
      return absl::OkStatus();
    }
    if (key == "cookie") return Cookie(value);
    const bool priority = adds || kind_ == FlowOrder::kDeleteStrict;
    if (key == "priority" && priority) return U16(key, value, &flow_.mod.priority);
    if (key == "idle_timeout" && adds) return U16(key, value, &flow_.mod.idle_timeout);
    if (key == "hard_timeout" && adds) return U16(key, value, &flow_.mod.hard_timeout);
    return Invalid("unknown keyword " + key);
  }

  absl::Status Table(const std::string& value) {
    uint64_t number = 0;
    const auto named = numbers_.tables.find(value);
    if (named != numbers_.tables.end()) {
      number = named->second;
    } else if (!ParseNumber(value, 255, &number)) {
      return Invalid(fmt::format("unknown table \"{}\"", value));
    }
    flow_.mod.table = static_cast<uint8_t>(number);
    return absl::OkStatus();
  }

  absl::Status Cookie(const std::string& value) {
    const size_t slash = value.find('/');
    masked_cookie_ = slash != std::string::npos;
    flow_.mod.cookie_mask = ~uint64_t{0};
    if (!ParseNumber(value.substr(0, slash), ~uint64_t{0}, &flow_.mod.match_cookie)) {
      return Invalid(fmt::format("invalid cookie \"{}\"", value));
    }
    if (!masked_cookie_) return absl::OkStatus();
    const std::string mask = value.substr(slash + 1);
    if (mask == "-1") return absl::OkStatus();
    if (!ParseNumber(mask, ~uint64_t{0}, &flow_.mod.cookie_mask)) {
      return Invalid(fmt::format("invalid cookie mask \"{}\"", value));
    }
    return absl::OkStatus();
  }

  // Layer-4 ports are those of the protocol; what stands on nothing goes.
  void Normalize() {
    Match& match = flow_.mod.match;
    flow_.written = match;
    const uint64_t type = match.Exact(Field::kEthType).value_or(0);
    const bool v4 = type == 0x0800;
    const bool v6 = type == 0x86dd;
    const bool arp = type == 0x0806 || type == 0x8035;
    const uint64_t proto = v4 || v6 ? match.Exact(Field::kIpProto).value_or(0) : 0;
    const auto move = [&match](Field from, Field to) {
      const FieldValue* found = match.Find(from);
      if (found == nullptr || from == to) return;
      const FieldValue value = *found;
      match.Remove(from);
      match.Set(to, value.value, value.mask);
    };
    if (arp) {
      move(Field::kIpv4Src, Field::kArpSpa);
      move(Field::kIpv4Dst, Field::kArpTpa);
      move(Field::kIpProto, Field::kArpOp);
    }
    const Field source = proto == 17    ? Field::kUdpSrc
                         : proto == 132 ? Field::kSctpSrc
                                        : Field::kTcpSrc;
    const Field target = proto == 17    ? Field::kUdpDst
                         : proto == 132 ? Field::kSctpDst
                                        : Field::kTcpDst;
    move(Field::kTcpSrc, source);
    move(Field::kTcpDst, target);
    if (proto == 58) {
      move(Field::kIcmpType, Field::kIcmpv6Type);
      move(Field::kIcmpCode, Field::kIcmpv6Code);
    }
    flow_.written = match;
    const auto needs = [&](bool met, std::initializer_list<Field> fields) {
      for (const Field field : fields) {
        if (met || !match.Has(field)) continue;
        match.Remove(field);
        flow_.normalized = true;
      }
    };
    needs(v4, {Field::kIpv4Src, Field::kIpv4Dst});
    needs(v6, {Field::kIpv6Src, Field::kIpv6Dst, Field::kIpv6Label});
    needs(v4 || v6, {Field::kIpProto, Field::kIpTos, Field::kIpEcn, Field::kIpTtl, Field::kIpFrag});
    needs(arp, {Field::kArpOp, Field::kArpSpa, Field::kArpTpa, Field::kArpSha, Field::kArpTha});
    const bool ports = proto == 6 || proto == 17 || proto == 132;
    needs(ports, {source, target, Field::kTcpFlags});
    needs(proto == 1 && v4, {Field::kIcmpType, Field::kIcmpCode});
    needs(proto == 58 && v6,
          {Field::kIcmpv6Type, Field::kIcmpv6Code, Field::kNdTarget, Field::kNdSll, Field::kNdTll});
  }

  const FlowOrder kind_;
  const OfNumbers& numbers_;
  ParsedFlow flow_;
  bool masked_cookie_ = false;
};

}  // namespace

absl::StatusOr<ParsedFlow> ParseFlow(const std::string& text, FlowOrder kind,
                                     const OfNumbers& numbers) {
  return Parser(kind, numbers).Run(text);
}

}  // namespace outrider::cli
