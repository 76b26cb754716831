// Single objects of the wire contract to values; from_proto.h assembles them. Errors do not name
// the object, only the field: the caller knows the object. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_CONVERT_FROM_PROTO_OBJECTS_H_
#define OUTRIDER_VSWITCH_CONVERT_FROM_PROTO_OBJECTS_H_

#include <set>
#include <string>

#include "outrider/v1/host_state.pb.h"
#include "vswitch/state/host_state.h"

namespace outrider::convert {

// InvalidArgument when the message has fields that are not in this build's contract.
absl::Status CheckKnown(const google::protobuf::Message& message, const std::string& what);

// Each named once.
absl::StatusOr<std::set<IpAddress>> ToVteps(
    const google::protobuf::RepeatedPtrField<std::string>& texts);
absl::StatusOr<state::Segment> ToSegment(const v1::SegmentState& message);
absl::StatusOr<state::FdbEntry> ToFdbEntry(const v1::FdbEntry& message);
// Without the digest, which is the key: it must be the digest of the content (digest.h). A rule
// with fields this agent does not know is refused: what it would match is not what was meant.
absl::StatusOr<state::RuleSet> ToRuleSet(const v1::RuleSet& message);
absl::StatusOr<state::GroupMember> ToGroupMember(const v1::GroupMember& message);
absl::StatusOr<state::Port> ToPort(const v1::PortState& message);
absl::StatusOr<state::Departure> ToDeparture(const v1::Departure& message);
absl::StatusOr<state::MoveProbe> ToMoveProbe(const v1::MoveProbe& message);

}  // namespace outrider::convert

#endif  // OUTRIDER_VSWITCH_CONVERT_FROM_PROTO_OBJECTS_H_
