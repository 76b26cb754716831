// What a host needs to know, from the model. Must not know sessions, generations or the store.
//
// Pure; any thread (the model must not change meanwhile). Results are in canonical order: segments
// by VNI, fdb by (VNI, MAC), neighbours by (VNI, IP), rule sets by digest, ports by id, vteps as
// text.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_COMPUTE_H_
#define OUTRIDER_CONTROLLER_COMPUTE_COMPUTE_H_

#include <set>
#include <string>

#include "controller/model/model.h"
#include "controller/model/status.h"
#include "outrider/v1/host_state.pb.h"

namespace outrider::controller {

// Only the segments in which the host has a port located or expected, their MACs and end points,
// and the rule sets of the host's own and expected ports. Empty for an unknown host.
//  - A located port is ACTIVE under its epoch; BLOCKED, without VNI, when it has no profile.
//  - A port a migration (PREPARING, ARMED) expects here is ARMED under its source epoch + 1.
//  - While its migration is SWITCHING the port reports its first frame at the destination.
//  - The end points of a segment include destinations of such migrations already.
v1::HostState ComputeHostState(const Model& model, const std::string& host_id);

// Digest (digest.h) that every host's receipt for the port must carry under its present profile.
// FailedPrecondition: the port is unknown, has no profile, or its segment is unknown.
absl::StatusOr<std::string> ExpectedPortDigest(const Model& model, const std::string& port_id);

// Hosts whose state may differ from before the change, given the model after it (or after later
// changes, if their hosts are asked for as well). Its cost, and the size of the answer, grow with
// the segments concerned, not with all hosts.
std::set<std::string> AffectedHosts(const Model& after, const Change& change);
std::set<std::string> AffectedHosts(const Model& after, const ChangeSet& set);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_COMPUTE_H_
