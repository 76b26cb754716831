// Canonical digests of the wire contract. Controller and agent compute them from messages and must
// agree to the bit, so both use these functions.
//
// A digest is the SHA-256, in lower-case hex, of the message's deterministic protobuf serialisation
// after the fields named below are cleared and its sets are sorted by key. Unknown fields count.
// Pure; any thread.
#ifndef OUTRIDER_PROTO_DIGEST_H_
#define OUTRIDER_PROTO_DIGEST_H_

#include <string>

#include "outrider/v1/host_state.pb.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::v1 {

// Without `digest`. The order of rules counts.
std::string RuleSetDigest(const RuleSet& rule_set);

// What a port's profile amounts to on a host: vni, mac, profile revision, rule set digests,
// policer, security. Without phase, epoch, report_first_frame, migration_id and arrival, so that
// it is the same before and after a migration, on source and destination.
std::string PortDigest(const PortState& port);

// The whole state of a host, whatever the order of its sets.
std::string HostStateDigest(const HostState& state);

// The user's content of a profile: description, parent, vlan, acl, qos, security.
std::string ProfileDigest(const Profile& profile);

// SHA-256 of bytes, lower-case hex.
std::string Sha256Hex(const std::string& bytes);

}  // namespace outrider::v1

#endif  // OUTRIDER_PROTO_DIGEST_H_
