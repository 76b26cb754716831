// Host values to wire messages, canonical: sets ordered by key, text in canonical form, absent
// where the contract says absent means none. FromProto(ToProto(x)) == x but for the devices of
// ports, which the wire does not know.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_CONVERT_TO_PROTO_H_
#define OUTRIDER_VSWITCH_CONVERT_TO_PROTO_H_

#include <string>

#include "outrider/v1/host_state.pb.h"
#include "outrider/v1/session.pb.h"
#include "vswitch/state/attachment.h"
#include "vswitch/state/state_delta.h"

namespace outrider::convert {

v1::HostState ToProto(const state::HostState& state);
v1::HostStateDelta ToProto(const state::StateDelta& delta);
v1::RuleSet ToProto(const Digest& digest, const state::RuleSet& set);
v1::GroupMember ToProto(const state::GroupMember& member);
v1::PortState ToProto(const PortId& id, const state::Port& port);
v1::PortAttachment ToProto(const PortId& id, const state::Attachment& attachment);
v1::PortPhase ToProto(state::PortPhase phase);

// Deterministic bytes of ToProto, for the local store.
std::string Serialize(const state::HostState& state);
std::string Serialize(const state::StateDelta& delta);

// What a receipt says of a port in force; the same on every host (proto/digest.h PortDigest).
std::string ReceiptDigest(const PortId& id, const state::Port& port);

// Digest of a controller's host state as held here (proto/digest.h HostStateDigest).
std::string StateDigest(const state::HostState& state);

}  // namespace outrider::convert

#endif  // OUTRIDER_VSWITCH_CONVERT_TO_PROTO_H_
