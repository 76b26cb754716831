#include "vswitch/datapath/ebpf/trace_policy_text.h"

#include <fmt/format.h>

#include <array>

#include "vswitch/abi/or_abi.h"
#include "vswitch/abi/or_policy.h"
#include "vswitch/datapath/ebpf/acl/rule_text.h"
#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/state/acl_words.h"

namespace outrider::datapath::ebpf {
namespace {

using Step = abi::or_trace_step;

constexpr uint8_t kProtocolTcp = 6;

bool Knows(const abi::or_trace_frame& frame, uint32_t what) { return (frame.known & what) != 0; }

// "10.0.0.1 > 10.0.0.2 tcp 1000 > 22, flags SYN".
std::string PacketText(const abi::or_trace_frame& frame) {
  if (!Knows(frame, OR_TRACE_FRAME_IP | OR_TRACE_FRAME_ARP)) {
    return fmt::format("ethertype {:#06x}", frame.ether_type);
  }
  const std::string src = IpAddress(ToArray(frame.src)).ToString();
  const std::string dst = IpAddress(ToArray(frame.dst)).ToString();
  if (Knows(frame, OR_TRACE_FRAME_ARP)) return fmt::format("ARP of {} for {}", src, dst);
  std::string text = fmt::format("{} > {} {}", src, dst, ProtocolText(frame.protocol));
  if (Knows(frame, OR_TRACE_FRAME_PORTS)) {
    text += fmt::format(" {} > {}", frame.src_port, frame.dst_port);
    if (frame.protocol == kProtocolTcp) text += ", flags " + TcpFlagsText(frame.tcp_flags);
  }
  if (Knows(frame, OR_TRACE_FRAME_ICMP)) {
    text += fmt::format(" type {} code {}", frame.icmp_type, frame.icmp_code);
  }
  if (Knows(frame, OR_TRACE_FRAME_LATER)) return text + ", a later fragment";
  if (Knows(frame, OR_TRACE_FRAME_FRAGMENT)) return text + ", the first fragment";
  return text;
}

const char* StateText(uint64_t state) {
  constexpr std::array<const char*, 11> kNames = {
      "",         "new",        "replied",  "syn-sent",  "syn-received", "established",
      "fin-wait", "close-wait", "last-ack", "time-wait", "closed"};
  return state < kNames.size() ? kNames[state] : "";
}

// Name for programs, words for people.
std::pair<const char*, const char*> ConnectionWords(uint64_t found) {
  switch (found) {
    case abi::OR_TRACE_FLOW_UNKNOWN:
      return {"unknown", "of no known connection: the rules decide"};
    case abi::OR_TRACE_FLOW_PASS:
      return {"known", "of a known connection: passes without the rules"};
    case abi::OR_TRACE_FLOW_INVALID:
      return {"invalid", "does not fit its connection"};
    case abi::OR_TRACE_FLOW_STALE:
      return {"stale", "of a connection that other rules admitted: the rules decide again"};
    case abi::OR_TRACE_FLOW_OVER:
      return {"over", "its connection is over and would be forgotten"};
    case abi::OR_TRACE_FLOW_OPEN:
      return {"open", "would begin a connection"};
    case abi::OR_TRACE_FLOW_FULL:
      return {"full", "would begin a connection, of which the port has as many as it may"};
    case abi::OR_TRACE_FLOW_RENEW:
      return {"renew", "the rules of now admit its connection, too"};
    case abi::OR_TRACE_FLOW_RELATED:
      return {"related", "an error about a known connection: passes without the rules"};
    case abi::OR_TRACE_FLOW_FRAGMENT:
      return {"fragment", "a later fragment of a datagram that passed"};
    default:
      return {"untracked", "no connection can be of it: the rules decide"};
  }
}

const char* LimitWords(uint64_t kind) {
  switch (kind) {
    case abi::OR_LIMIT_INGRESS:
      return "ingress";
    case abi::OR_LIMIT_EGRESS:
      return "egress";
    case abi::OR_LIMIT_BROADCAST:
      return "broadcast";
    case abi::OR_LIMIT_MULTICAST:
      return "multicast";
    default:
      return "unknown-unicast";
  }
}

std::string Left(uint64_t tokens) {
  return tokens == OR_TRACE_NO_LIMIT ? "unlimited" : std::to_string(tokens);
}

// The rule at `place` (from 1) as it was given, or the default action of the set.
std::string DecisionText(const LoadedRuleSet& loaded, uint32_t place, uint32_t number) {
  if (place == 0) return std::string("default action: ") + state::WordOf(loaded.set.default_action);
  if (place > loaded.set.rules.size()) return fmt::format("rule {}", number);
  return fmt::format("rule {}: {}", number, RuleText(loaded.set.rules[place - 1]));
}

}  // namespace

std::string MacText(const uint8_t (&mac)[6]) { return MacAddress(ToArray(mac)).ToString(); }

std::string MacText(uint64_t mac) {
  std::array<uint8_t, 6> bytes;
  for (size_t i = 0; i < 6; ++i) bytes[i] = static_cast<uint8_t>(mac >> (40 - 8 * i));
  return MacAddress(bytes).ToString();
}

TraceStep DescribeHeaders(const abi::or_trace_frame& frame) {
  const std::string src = MacText(frame.eth_src);
  const std::string dst = MacText(frame.eth_dst);
  TraceStep said = {
      .stage = "parse",
      .text = fmt::format("{} > {}, {}, {} bytes", src, dst, PacketText(frame), frame.wire_bytes),
      .fields = {{"src_mac", src},
                 {"dst_mac", dst},
                 {"ethertype", fmt::format("{:#06x}", frame.ether_type)},
                 {"bytes", std::to_string(frame.wire_bytes)},
                 {"l3_bytes", std::to_string(frame.l3_length)}}};
  if (Knows(frame, OR_TRACE_FRAME_IP | OR_TRACE_FRAME_ARP)) {
    said.fields["src"] = IpAddress(ToArray(frame.src)).ToString();
    said.fields["dst"] = IpAddress(ToArray(frame.dst)).ToString();
  }
  if (Knows(frame, OR_TRACE_FRAME_IP)) said.fields["protocol"] = std::to_string(frame.protocol);
  if (Knows(frame, OR_TRACE_FRAME_PORTS)) {
    said.fields["src_port"] = std::to_string(frame.src_port);
    said.fields["dst_port"] = std::to_string(frame.dst_port);
  }
  return said;
}

TraceStep DescribeSecurity(const Step& step) {
  std::string checks;
  const auto add = [&checks](bool applies, const char* name) {
    if (applies) checks += (checks.empty() ? "" : ", ") + std::string(name);
  };
  add((step.b & OR_PORT_ANTI_SPOOF) != 0, "MAC anti-spoof");
  add((step.a & OR_POLICY_IP_ANTI_SPOOF) != 0, "IP anti-spoof");
  add((step.a & OR_POLICY_DHCP_GUARD) != 0, "DHCP guard");
  add((step.a & OR_POLICY_RA_GUARD) != 0, "RA guard");
  add(true, "tunnel end points");
  add(step.c != 0 && (step.b & OR_PORT_ANTI_SPOOF) == 0, "source MACs");
  return {.stage = "security", .text = "passes: " + checks, .fields = {{"checks", checks}}};
}

TraceStep DescribeConnection(const Step& step) {
  const auto [name, words] = ConnectionWords(step.a);
  const std::string state = StateText(step.b);
  return {.stage = "conntrack",
          .text = state.empty() ? std::string(words) : fmt::format("{} ({})", words, state),
          .fields = {{"found", name}, {"state", state}}};
}

TraceStep DescribeAcl(const Step& step, const TraceNames& names) {
  const char* direction = (step.c & OR_TRACE_TO_GUEST) != 0 ? "egress" : "ingress";
  const auto place =
      static_cast<uint32_t>(step.c & ~uint64_t{OR_TRACE_TO_GUEST | OR_TRACE_UNDECIDED});
  const auto number = static_cast<uint32_t>(step.b >> OR_ACL_DECISION_NUMBER_SHIFT);
  TraceStep said = {.stage = fmt::format("acl-{}", direction), .text = {}, .fields = {}};
  const auto set = static_cast<uint32_t>(step.a);
  if (set == 0) {
    said.text = fmt::format("no {} list: all may pass", direction);
    said.fields = {{"action", "allow"}};
    return said;
  }
  const std::optional<LoadedRuleSet>& loaded = names.RuleSet(set);
  if (!loaded) {
    said.text = fmt::format("the {} list is not loaded", direction);
    return said;
  }
  const std::string digest = loaded->digest.ToString();
  said.fields["rule_set"] = digest;
  if ((step.c & OR_TRACE_UNDECIDED) != 0) {
    said.text = "passes: no rule names what every network needs (ARP, RARP, neighbour discovery)";
    said.fields["action"] = "allow";
    return said;
  }
  said.fields["action"] = state::WordOf(DecodeAction(step.b & OR_ACL_DECISION_ACTION));
  said.fields["rule"] = std::to_string(number);
  said.text = fmt::format("{} list {}, {}", direction, digest.substr(0, 12),
                          DecisionText(*loaded, place, number));
  return said;
}

TraceStep DescribeLimit(const Step& step) {
  const uint64_t kind = step.a & 0xff;
  const bool within = step.a >> 8 == 0;
  const bool policer = kind == abi::OR_LIMIT_INGRESS || kind == abi::OR_LIMIT_EGRESS;
  return {.stage = policer ? "policer" : "storm",
          .text = fmt::format("{} limit: {}; left: bytes {}, frames {}", LimitWords(kind),
                              within ? "would pass" : "exceeded", Left(step.b), Left(step.c)),
          .fields = {{"limit", LimitWords(kind)},
                     {"within", within ? "true" : "false"},
                     {"bytes_left", Left(step.b)},
                     {"frames_left", Left(step.c)}}};
}

TraceStep DescribeMark(const Step& step) {
  return {.stage = "mark",
          .text = fmt::format("DSCP {}, of a tunnel's header {}; traffic class {}", step.a >> 2,
                              step.b >> 2, step.c),
          .fields = {{"dscp", std::to_string(step.a >> 2)},
                     {"outer_dscp", std::to_string(step.b >> 2)},
                     {"traffic_class", std::to_string(step.c)}}};
}

}  // namespace outrider::datapath::ebpf
