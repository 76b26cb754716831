// Wire messages to host values. Owns the judgement of what a controller or a local client may say:
// bad text, unknown enums, values out of range, keys named twice and references to nothing are
// InvalidArgument naming object and field. A message is taken whole or not at all, and none crashes
// the agent. Knows nothing of sessions or datapaths.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_CONVERT_FROM_PROTO_H_
#define OUTRIDER_VSWITCH_CONVERT_FROM_PROTO_H_

#include <string>
#include <utility>

#include "outrider/v1/host_state.pb.h"
#include "outrider/v1/session.pb.h"
#include "vswitch/state/attachment.h"
#include "vswitch/state/state_delta.h"

namespace outrider::convert {

// The state passes state::Validate; ports have no device (a device is the host's own business).
absl::StatusOr<state::HostState> FromProto(const v1::HostState& message);

// Objects are checked one by one; whether references resolve shows only in the state the delta
// leads to: state::Validate that.
absl::StatusOr<state::StateDelta> FromProto(const v1::HostStateDelta& message);

// `port_id`, `device` and `mac` are required.
absl::StatusOr<std::pair<PortId, state::Attachment>> FromProto(const v1::PortAttachment& message);

// A HostState or HostStateDelta as serialised by to_proto.h.
absl::StatusOr<state::HostState> ParseHostState(const std::string& bytes);
absl::StatusOr<state::StateDelta> ParseStateDelta(const std::string& bytes);

}  // namespace outrider::convert

#endif  // OUTRIDER_VSWITCH_CONVERT_FROM_PROTO_H_
