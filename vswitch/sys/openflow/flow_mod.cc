#include <fmt/format.h>

#include <utility>

#include "vswitch/sys/openflow/flow.h"
#include "vswitch/sys/openflow/nxm_match.h"

namespace outrider::openflow {
namespace {

// 1.0's command word: Nicira's extension has the table in its upper byte.
uint16_t Command10(const FlowMod& mod) {
  return static_cast<uint16_t>(mod.table << 8 | mod.command);
}

void Encode13(const FlowMod& mod, WireWriter& out) {
  out.U64(mod.cookie_mask != 0 ? mod.match_cookie : mod.cookie);
  out.U64(mod.cookie_mask);
  out.U8(mod.table);
  out.U8(mod.command);
  out.U16(mod.idle_timeout);
  out.U16(mod.hard_timeout);
  out.U16(mod.priority);
  out.U32(mod.buffer);
  out.U32(mod.out_port);
  out.U32(mod.out_group);
  out.U16(mod.flags);
  out.Zeros(2);
  EncodeOxmMatch(mod.match, out);
  EncodeInstructions(mod.actions, out);
}

void EncodeShared10(const FlowMod& mod, WireWriter& out) {
  out.U64(mod.cookie);
  out.U16(Command10(mod));
  out.U16(mod.idle_timeout);
  out.U16(mod.hard_timeout);
  out.U16(mod.priority);
  out.U32(mod.buffer);
  out.U16(Port10(mod.out_port));
  out.U16(mod.flags);
}

absl::Status DecodeCommand(uint16_t command, FlowMod& mod) {
  if ((command & 0xff) > kDeleteStrict) {
    return absl::InvalidArgumentError(fmt::format("flow-mod command {} is not known", command));
  }
  mod.command = static_cast<FlowModCommand>(command & 0xff);
  mod.table = static_cast<uint8_t>(command >> 8);
  return absl::OkStatus();
}

}  // namespace

void Encode(const FlowMod& mod, WireWriter& out) {
  if (mod.form == FlowForm::kOpenFlow13) {
    Encode13(mod, out);
    return;
  }
  if (mod.form == FlowForm::kOpenFlow10) {
    EncodeMatch10(mod.match, out);
    EncodeShared10(mod, out);
  } else {
    EncodeShared10(mod, out);
    const size_t length = out.size();
    out.U16(0);
    out.Zeros(6);
    EncodeNxm({mod.match, mod.match_cookie, mod.cookie_mask}, length, out);
  }
  EncodeActions10(mod.actions, out);
}

absl::StatusOr<FlowMod> DecodeFlowMod(FlowForm form, WireReader& in) {
  FlowMod mod{.form = form};
  uint16_t command = 0;
  if (form == FlowForm::kOpenFlow10) mod.match = DecodeMatch10(in);
  mod.cookie = in.U64();
  if (form == FlowForm::kOpenFlow13) {
    mod.cookie_mask = in.U64();
    if (mod.cookie_mask != 0) std::swap(mod.cookie, mod.match_cookie);
    const uint8_t table = in.U8();
    command = static_cast<uint16_t>(table << 8 | in.U8());
  } else {
    command = in.U16();
  }
  mod.idle_timeout = in.U16();
  mod.hard_timeout = in.U16();
  mod.priority = in.U16();
  mod.buffer = in.U32();
  mod.out_port = form == FlowForm::kOpenFlow13 ? in.U32() : PortFrom10(in.U16());
  if (form == FlowForm::kOpenFlow13) mod.out_group = in.U32();
  mod.flags = in.U16();
  RETURN_IF_ERROR(DecodeCommand(command, mod));
  if (form == FlowForm::kNicira) {
    const uint16_t length = in.U16();
    in.Skip(6);
    ASSIGN_OR_RETURN(NxmMatch nxm, DecodeNxm(in, length));
    mod.match = std::move(nxm.match);
    mod.cookie_mask = nxm.cookie_mask;
    mod.match_cookie = nxm.cookie;
  } else if (form == FlowForm::kOpenFlow13) {
    in.Skip(2);
    ASSIGN_OR_RETURN(mod.match, DecodeOxmMatch(in));
    ASSIGN_OR_RETURN(mod.actions, DecodeInstructions(in.Rest()));
  }
  if (!in.ok()) return absl::InvalidArgumentError("flow-mod is cut short");
  if (form != FlowForm::kOpenFlow13) {
    ASSIGN_OR_RETURN(mod.actions, DecodeActions10(in.Rest()));
  }
  return mod;
}

}  // namespace outrider::openflow
