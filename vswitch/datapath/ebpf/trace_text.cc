#include "vswitch/datapath/ebpf/trace_text.h"

#include <fmt/format.h>
#include <linux/pkt_cls.h>

#include <string_view>
#include <utility>

#include "vswitch/abi/or_drop.h"
#include "vswitch/datapath/ebpf/counters.h"
#include "vswitch/datapath/ebpf/trace_policy_text.h"

namespace outrider::datapath::ebpf {
namespace {

using Step = abi::or_trace_step;

std::string VniText(uint64_t value) {
  const auto vni = Vni::FromValue(static_cast<uint32_t>(value));
  return vni.ok() ? vni->ToString() : std::to_string(value);
}

std::string PhaseText(uint64_t phase) {
  switch (phase) {
    case abi::OR_PORT_ACTIVE:
      return "active";
    case abi::OR_PORT_ARMED:
      return "armed";
    case abi::OR_PORT_DEPARTED:
      return "departed";
    default:
      return "blocked";
  }
}

std::string DropText(uint64_t reason) {
  switch (reason) {
#define OR_DROP_TEXT(code, number, name, text) \
  case number:                                 \
    return text;
    OR_DROP_REASONS(OR_DROP_TEXT)
#undef OR_DROP_TEXT
    default:
      return "unknown";
  }
}

TraceStep DescribePort(const Step& step, const TraceNames& names) {
  const std::string profile = names.Profile(step.port);
  return {.stage = "port",
          .text = fmt::format("from port {}, profile {}, {}", names.Port(step.port),
                              profile.empty() ? "none" : profile, PhaseText(step.a)),
          .fields = {{"port", names.PortUuid(step.port)},
                     {"device", names.Device(step.port)},
                     {"profile", profile},
                     {"phase", PhaseText(step.a)}}};
}

TraceStep DescribeTunnel(const Step& step, const TraceNames& names) {
  const std::string vtep = names.Vtep(static_cast<uint32_t>(step.a));
  return {.stage = "tunnel",
          .text = fmt::format("from VTEP {}, a member of VNI {}", vtep, step.b),
          .fields = {{"vtep", vtep}, {"vni", std::to_string(step.b)}}};
}

TraceStep DescribeSegment(const Step& step) {
  const std::string tag = step.a == 0 ? "untagged" : fmt::format("VLAN {}", step.a);
  const std::string below = step.b == 0 ? "" : fmt::format(", customer VLAN {}", step.b);
  const std::string segment = step.c == 0 ? "no segment" : "VNI " + VniText(step.c);
  return {.stage = "vlan",
          .text = fmt::format("{}{}: {}", tag, below, segment),
          .fields = {{"vlan", std::to_string(step.a)},
                     {"customer_vlan", std::to_string(step.b)},
                     {"vni", std::to_string(step.c)}}};
}

TraceStep DescribeFdb(const Step& step, const abi::or_trace_frame& frame, const TraceNames& names) {
  const std::string mac = MacText(frame.eth_dst);
  const auto index = static_cast<uint32_t>(step.c);
  TraceStep said = {.stage = "fdb", .text = {}, .fields = {{"vni", std::to_string(step.a)}}};
  said.fields["mac"] = mac;
  std::string where = "unknown";
  said.fields["kind"] = where;
  if (step.b == abi::OR_FDB_LOCAL) {
    where = "local port " + names.Port(index);
    said.fields["kind"] = "local";
    said.fields["port"] = names.PortUuid(index);
  } else if (step.b == abi::OR_FDB_REMOTE) {
    where = "behind VTEP " + names.Vtep(index);
    said.fields["kind"] = "remote";
    said.fields["vtep"] = names.Vtep(index);
  }
  said.text = fmt::format("{} in VNI {}: {}", mac, VniText(step.a), where);
  return said;
}

TraceStep DescribeStation(const Step& step, const abi::or_trace_frame& frame,
                          const TraceNames& names) {
  const std::string mac = MacText(frame.eth_dst);
  const auto index = static_cast<uint32_t>(step.b);
  return {
      .stage = "station",
      .text = fmt::format("{} was heard behind local port {}", mac, names.Port(index)),
      .fields = {{"vni", std::to_string(step.a)}, {"mac", mac}, {"port", names.PortUuid(index)}}};
}

TraceStep DescribeReplicate(const Step& step) {
  const auto remote = static_cast<uint32_t>(step.c);
  const uint64_t scope = step.c >> OR_TRACE_SCOPE_SHIFT;
  std::string_view whom = "all";
  std::string_view only;
  if (scope == abi::OR_SCOPE_MEMBERS) {
    whom = "members";
    only = "; of them only to those that joined the group, or have a multicast router";
  } else if (scope == abi::OR_SCOPE_ROUTERS) {
    whom = "routers";
    only = "; of them only to those with a multicast router";
  }
  return {.stage = "replicate",
          .text = fmt::format("a copy for each of {} local ports but the sender, and {} VTEPs{}",
                              step.b, remote, only),
          .fields = {{"list", std::to_string(step.a)},
                     {"local", std::to_string(step.b)},
                     {"remote", std::to_string(remote)},
                     {"scope", std::string(whom)}}};
}

TraceStep DescribeDeliver(const Step& step, const TraceNames& names) {
  const std::string profile = names.Profile(step.port);
  return {.stage = "deliver",
          .text = fmt::format("to port {}, profile {}", names.Port(step.port),
                              profile.empty() ? "none" : profile),
          .fields = {{"port", names.PortUuid(step.port)}, {"profile", profile}}};
}

TraceStep DescribeOutput(const Step& step, const TraceNames& names) {
  const std::string device = names.Device(step.port);
  return {.stage = "output",
          .text = fmt::format(
              "into device {}, {}", device.empty() ? fmt::format("index {}", step.a) : device,
              step.b == 0 ? "without a tag" : fmt::format("with a tag of VLAN {}", step.b)),
          .fields = {{"port", names.PortUuid(step.port)},
                     {"device", device},
                     {"ifindex", std::to_string(step.a)},
                     {"vlan", std::to_string(step.b)}}};
}

TraceStep DescribeEncap(const Step& step, const TraceNames& names) {
  const std::string vtep = names.Vtep(static_cast<uint32_t>(step.a));
  return {
      .stage = "encap",
      .text = fmt::format("VXLAN to {}, VNI {}, DSCP {}", vtep, step.b, step.c >> 2),
      .fields = {
          {"vtep", vtep}, {"vni", std::to_string(step.b)}, {"dscp", std::to_string(step.c >> 2)}}};
}

TraceStep DescribeUplink(const Step& step) {
  return {.stage = "uplink",
          .text = fmt::format(
              "out of the segment's uplink, device index {}, {}", step.a,
              step.b == 0 ? "without a tag" : fmt::format("with a tag of VLAN {}", step.b)),
          .fields = {{"ifindex", std::to_string(step.a)}, {"vlan", std::to_string(step.b)}}};
}

TraceStep DescribeAnswer(const Step& step) {
  const std::string mac = MacText(step.a);
  return {.stage = "answer",
          .text = fmt::format("answered here, in the name of {}", mac),
          .fields = {{"mac", mac}}};
}

TraceStep DescribeReject(const Step& step) {
  const bool answered = step.a != 0;
  return {.stage = "reject",
          .text = answered ? "its sender would get an answer" : "without an answer to the sender",
          .fields = {{"answered", answered ? "true" : "false"}}};
}

TraceStep DescribeFirstFrame(const Step& step, const TraceNames& names) {
  return {.stage = "first-frame",
          .text = fmt::format("the agent would be told of the guest's first frame ({})",
                              PhaseText(step.a)),
          .fields = {{"port", names.PortUuid(step.port)}}};
}

TraceStep DescribeDrop(const Step& step, const TraceNames& names) {
  const std::string where = step.port == 0 ? "at no port" : "at port " + names.Port(step.port);
  const std::string reason = DropReasonName(static_cast<uint32_t>(step.a));
  return {
      .stage = "drop",
      .text = fmt::format("{} {}: {}", where, reason, DropText(step.a)),
      .fields = {{"port", step.port == 0 ? "" : names.PortUuid(step.port)}, {"reason", reason}}};
}

std::vector<TraceStep> Describe(const Step& step, const abi::or_trace_frame& frame,
                                const TraceNames& names) {
  switch (step.stage) {
    case abi::OR_TRACE_PORT:
      return {DescribePort(step, names)};
    case abi::OR_TRACE_TUNNEL:
      return {DescribeTunnel(step, names)};
    case abi::OR_TRACE_PARSE:
      return {DescribeHeaders(frame), DescribeSegment(step)};
    case abi::OR_TRACE_SECURITY:
      return {DescribeSecurity(step)};
    case abi::OR_TRACE_CONNECTION:
      return {DescribeConnection(step)};
    case abi::OR_TRACE_ACL:
      return {DescribeAcl(step, names)};
    case abi::OR_TRACE_LIMIT:
      return {DescribeLimit(step)};
    case abi::OR_TRACE_MARK:
      return {DescribeMark(step)};
    case abi::OR_TRACE_FDB:
      return {DescribeFdb(step, frame, names)};
    case abi::OR_TRACE_ANSWER:
      return {DescribeAnswer(step)};
    case abi::OR_TRACE_REPLICATE:
      return {DescribeReplicate(step)};
    case abi::OR_TRACE_DELIVER:
      return {DescribeDeliver(step, names)};
    case abi::OR_TRACE_OUTPUT:
      return {DescribeOutput(step, names)};
    case abi::OR_TRACE_ENCAP:
      return {DescribeEncap(step, names)};
    case abi::OR_TRACE_REJECT:
      return {DescribeReject(step)};
    case abi::OR_TRACE_FIRST_FRAME:
      return {DescribeFirstFrame(step, names)};
    case abi::OR_TRACE_DROP:
      return {DescribeDrop(step, names)};
    case abi::OR_TRACE_UPLINK:
      return {DescribeUplink(step)};
    case abi::OR_TRACE_STATION:
      return {DescribeStation(step, frame, names)};
    default:
      return {{.stage = fmt::format("stage {}", step.stage), .text = {}, .fields = {}}};
  }
}

// What becomes of the frame itself; of copies their own steps tell.
std::string Verdict(const RawTrace& raw) {
  if (raw.verdict == TC_ACT_STOLEN) return "replicated";
  bool answered = false;
  uint32_t last = 0;
  for (const Step& step : raw.steps) {
    if (step.stage == abi::OR_TRACE_ANSWER) answered = true;
    last = step.stage;
  }
  // The last copy of a broadcast, whatever became of the others.
  if (last == abi::OR_TRACE_UPLINK) return "delivered";
  // What a rule rejects is gone, whatever its sender is told.
  for (const Step& step : raw.steps) {
    if (step.stage == abi::OR_TRACE_DROP) return "dropped";
  }
  if (raw.verdict != TC_ACT_REDIRECT) return "dropped";
  if (answered) return "answered";
  return last == abi::OR_TRACE_ENCAP ? "encapsulated" : "delivered";
}

}  // namespace

Trace DescribeTrace(const RawTrace& raw, const TraceNames& names) {
  Trace trace;
  for (const Step& step : raw.steps) {
    for (TraceStep& said : Describe(step, raw.head.frame, names)) {
      trace.steps.push_back(std::move(said));
    }
    if (step.stage == abi::OR_TRACE_DROP) {
      trace.drop_reason = DropReasonName(static_cast<uint32_t>(step.a));
    }
  }
  if (raw.head.steps > raw.steps.size()) {
    trace.steps.push_back(
        {.stage = "more",
         .text = fmt::format("{} further steps", raw.head.steps - raw.steps.size()),
         .fields = {}});
  }
  trace.verdict = Verdict(raw);
  if (trace.verdict != "dropped") trace.drop_reason.clear();
  return trace;
}

}  // namespace outrider::datapath::ebpf
