// Flows: what switches tell of them and what controllers ask and order. Values; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_FLOW_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_FLOW_H_

#include "vswitch/sys/openflow/actions.h"
#include "vswitch/sys/openflow/match.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {

// How flows are written: 1.0's own structures, 1.0 with Nicira's (NXST_FLOW, NXT_FLOW_MOD), 1.3.
enum class FlowForm : uint8_t { kOpenFlow10, kNicira, kOpenFlow13 };

// A flow-stats or aggregate request.
struct FlowStatsRequest {
  FlowForm form = FlowForm::kOpenFlow13;
  bool aggregate = false;
  uint8_t table = kTableAll;
  uint32_t out_port = kPortAny;
  // Only in 1.3; so are cookies.
  uint32_t out_group = kGroupAny;
  uint64_t cookie = 0;
  uint64_t cookie_mask = 0;
  Match match = {};
  bool operator==(const FlowStatsRequest&) const = default;
};
void Encode(const FlowStatsRequest& request, WireWriter& out);
absl::StatusOr<FlowStatsRequest> DecodeFlowStatsRequest(FlowForm form, bool aggregate,
                                                        WireReader& in);

struct FlowStats {
  uint8_t table = 0;
  uint32_t duration_s = 0, duration_ns = 0;
  uint16_t priority = 0x8000;
  // Seconds; 0: none.
  uint16_t idle_timeout = 0, hard_timeout = 0;
  // Nicira's: seconds since the last packet and since the last change. -1: not known.
  int32_t idle_age = -1, hard_age = -1;
  // FlowFlag; only in 1.3.
  uint16_t flags = 0;
  uint64_t cookie = 0;
  uint64_t packets = 0, bytes = 0;
  Match match = {};
  ActionList actions = {};
  bool operator==(const FlowStats&) const = default;
};
void Encode(const FlowStats& flow, FlowForm form, WireWriter& out);
absl::StatusOr<FlowStats> DecodeFlowStats(FlowForm form, WireReader& in);

struct AggregateStats {
  uint64_t packets = 0, bytes = 0;
  uint32_t flows = 0;
  bool operator==(const AggregateStats&) const = default;
};

struct FlowMod {
  FlowForm form = FlowForm::kOpenFlow13;
  FlowModCommand command = kAdd;
  // 1.0 says it only where Nicira's flow_mod_table_id is on, in the command's upper byte; 0xff: any
  // (deletion) or the switch's choice.
  uint8_t table = 0;
  // Of the new flow; 1.3 has no place for it beside a cookie to match.
  uint64_t cookie = 0;
  // Modification and deletion: only flows with this cookie. No bit of the mask: any.
  uint64_t match_cookie = 0;
  uint64_t cookie_mask = 0;
  uint16_t idle_timeout = 0, hard_timeout = 0;
  uint16_t priority = 0x8000;
  uint32_t buffer = kNoBuffer;
  uint32_t out_port = kPortAny;
  uint32_t out_group = kGroupAny;
  uint16_t flags = 0;
  Match match = {};
  ActionList actions = {};
  bool operator==(const FlowMod&) const = default;
};
// The body behind the header (and, of Nicira's form, behind vendor and subtype).
void Encode(const FlowMod& mod, WireWriter& out);
absl::StatusOr<FlowMod> DecodeFlowMod(FlowForm form, WireReader& in);

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_FLOW_H_
