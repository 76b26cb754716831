#include <fmt/format.h>

#include "vswitch/sys/openflow/flow.h"
#include "vswitch/sys/openflow/nxm_match.h"

namespace outrider::openflow {
namespace {

absl::Status CutShort(const char* what) {
  return absl::InvalidArgumentError(fmt::format("{} is cut short", what));
}

// Nicira's ages are one more than the seconds; 0: not known.
uint16_t WireAge(int32_t age) { return static_cast<uint16_t>(age < 0 ? 0 : age + 1); }

// idle_age and hard_age in the old field of padding.
void EncodeNiciraFlow(const FlowStats& flow, WireWriter& out) {
  out.U16(flow.priority);
  out.U16(flow.idle_timeout);
  out.U16(flow.hard_timeout);
  const size_t match_length = out.size();
  out.U16(0);
  out.U16(WireAge(flow.idle_age));
  out.U16(WireAge(flow.hard_age));
  out.U64(flow.cookie);
  out.U64(flow.packets);
  out.U64(flow.bytes);
  EncodeNxm({.match = flow.match}, match_length, out);
  EncodeActions10(flow.actions, out);
}

void Encode10Flow(const FlowStats& flow, WireWriter& out) {
  // The match stands before the duration: written by the caller.
  out.U16(flow.priority);
  out.U16(flow.idle_timeout);
  out.U16(flow.hard_timeout);
  out.Zeros(6);
  out.U64(flow.cookie);
  out.U64(flow.packets);
  out.U64(flow.bytes);
  EncodeActions10(flow.actions, out);
}

void Encode13Flow(const FlowStats& flow, WireWriter& out) {
  out.U16(flow.priority);
  out.U16(flow.idle_timeout);
  out.U16(flow.hard_timeout);
  out.U16(flow.flags);
  out.Zeros(4);
  out.U64(flow.cookie);
  out.U64(flow.packets);
  out.U64(flow.bytes);
  EncodeOxmMatch(flow.match, out);
  EncodeInstructions(flow.actions, out);
}

absl::Status DecodeTail(FlowForm form, WireReader& in, FlowStats& flow) {
  flow.priority = in.U16();
  flow.idle_timeout = in.U16();
  flow.hard_timeout = in.U16();
  uint16_t match_length = 0;
  if (form == FlowForm::kNicira) {
    match_length = in.U16();
    flow.idle_age = in.U16() - 1;
    flow.hard_age = in.U16() - 1;
  } else if (form == FlowForm::kOpenFlow10) {
    in.Skip(6);
  } else {
    flow.flags = in.U16();
    in.Skip(4);
  }
  flow.cookie = in.U64();
  flow.packets = in.U64();
  flow.bytes = in.U64();
  if (!in.ok()) return CutShort("flow");
  if (form == FlowForm::kNicira) {
    ASSIGN_OR_RETURN(NxmMatch nxm, DecodeNxm(in, match_length));
    flow.match = std::move(nxm.match);
  } else if (form == FlowForm::kOpenFlow13) {
    ASSIGN_OR_RETURN(flow.match, DecodeOxmMatch(in));
    ASSIGN_OR_RETURN(flow.actions, DecodeInstructions(in.Rest()));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(flow.actions, DecodeActions10(in.Rest()));
  return absl::OkStatus();
}

}  // namespace

void Encode(const FlowStatsRequest& request, WireWriter& out) {
  switch (request.form) {
    case FlowForm::kOpenFlow10:
      EncodeMatch10(request.match, out);
      out.U8(request.table);
      out.Zeros(1);
      out.U16(Port10(request.out_port));
      return;
    case FlowForm::kNicira: {
      out.U16(Port10(request.out_port));
      const size_t length = out.size();
      out.U16(0);
      out.U8(request.table);
      out.Zeros(3);
      EncodeNxm({request.match, request.cookie, request.cookie_mask}, length, out);
      return;
    }
    case FlowForm::kOpenFlow13:
      out.U8(request.table);
      out.Zeros(3);
      out.U32(request.out_port);
      out.U32(request.out_group);
      out.Zeros(4);
      out.U64(request.cookie);
      out.U64(request.cookie_mask);
      EncodeOxmMatch(request.match, out);
  }
}

absl::StatusOr<FlowStatsRequest> DecodeFlowStatsRequest(FlowForm form, bool aggregate,
                                                        WireReader& in) {
  FlowStatsRequest request{.form = form, .aggregate = aggregate};
  if (form == FlowForm::kOpenFlow10) {
    request.match = DecodeMatch10(in);
    request.table = in.U8();
    in.Skip(1);
    request.out_port = PortFrom10(in.U16());
  } else if (form == FlowForm::kNicira) {
    request.out_port = PortFrom10(in.U16());
    const uint16_t length = in.U16();
    request.table = in.U8();
    in.Skip(3);
    ASSIGN_OR_RETURN(NxmMatch nxm, DecodeNxm(in, length));
    request.match = std::move(nxm.match);
    request.cookie = nxm.cookie;
    request.cookie_mask = nxm.cookie_mask;
  } else {
    request.table = in.U8();
    in.Skip(3);
    request.out_port = in.U32();
    request.out_group = in.U32();
    in.Skip(4);
    request.cookie = in.U64();
    request.cookie_mask = in.U64();
    ASSIGN_OR_RETURN(request.match, DecodeOxmMatch(in));
  }
  if (!in.ok()) return CutShort("flow stats request");
  return request;
}

void Encode(const FlowStats& flow, FlowForm form, WireWriter& out) {
  const size_t start = out.size();
  out.U16(0);
  out.U8(flow.table);
  out.Zeros(1);
  if (form == FlowForm::kOpenFlow10) EncodeMatch10(flow.match, out);
  out.U32(flow.duration_s);
  out.U32(flow.duration_ns);
  if (form == FlowForm::kOpenFlow10) Encode10Flow(flow, out);
  if (form == FlowForm::kNicira) EncodeNiciraFlow(flow, out);
  if (form == FlowForm::kOpenFlow13) Encode13Flow(flow, out);
  out.PatchU16(start, out.size() - start);
}

absl::StatusOr<FlowStats> DecodeFlowStats(FlowForm form, WireReader& in) {
  const uint16_t length = in.U16();
  if (length < 2) return CutShort("flow");
  WireReader body(in.Take(length - 2));
  if (!in.ok()) return CutShort("flow");
  FlowStats flow;
  flow.table = body.U8();
  body.Skip(1);
  if (form == FlowForm::kOpenFlow10) flow.match = DecodeMatch10(body);
  flow.duration_s = body.U32();
  flow.duration_ns = body.U32();
  RETURN_IF_ERROR(DecodeTail(form, body, flow));
  if (!body.ok()) return CutShort("flow");
  return flow;
}

}  // namespace outrider::openflow
