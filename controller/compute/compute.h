// What a host needs to know, from the model. Must not know sessions, generations or the store.
//
// Pure; any thread (the model must not change meanwhile). Results are in canonical order: segments
// by VNI, fdb by (VNI, MAC), neighbours by (VNI, IP), rule sets by digest, ports by id, group
// members by (group, prefix), vteps as text.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_COMPUTE_H_
#define OUTRIDER_CONTROLLER_COMPUTE_COMPUTE_H_

#include <memory>
#include <set>
#include <string>

#include "controller/compute/profile_compiler.h"
#include "controller/model/model.h"
#include "controller/model/status.h"
#include "outrider/v1/host_state.pb.h"

namespace outrider::controller {

// Only the segments in which the host has a port, located, expected or departed, their MACs and end
// points, the rule sets of these ports, and the members of the groups these rule sets name. Empty
// for an unknown host.
//  - A located port is ACTIVE under its epoch; BLOCKED, without VNI, when it has no profile.
//  - A port a migration (PREPARING, ARMED) expects here is ARMED under its source epoch + 1.
//  - While its migration is SWITCHING the port reports its first frame at the destination, and is
//    DEPARTED, under its source epoch, at the source. Until the migration is rerouted, hosts beside
//    the two have it at the source; the source has it at itself until the end.
//  - The source knows the departure from ARMED on, the destination the arrival from PREPARING on.
//  - The host of a migration's `probe_from` knows the ports to probe from PREPARING on, until the
//    record has a result of them.
//  - The end points of a segment include destinations of such migrations already, and their sources
//    until they are rerouted; for the destination until they are over.
// Who computes many states keeps the compiler.
v1::HostState ComputeHostState(const Model& model, const std::string& host_id);
v1::HostState ComputeHostState(const Model& model, const std::string& host_id,
                               ProfileCompiler* compiler);

// What the port's profile makes of it, wherever it is: without phase and epoch; PORT_PHASE_BLOCKED
// and little else when no profile is in force.
v1::PortState DescribePort(const Model& model, const v1::Port& port, ProfileCompiler* compiler);
// The same of a profile, with what it inherits, that need not be the model's.
v1::PortState DescribePort(const Model& model, const v1::Port& port,
                           const std::shared_ptr<const v1::Profile>& effective,
                           ProfileCompiler* compiler);

// Digest (digest.h) that every host's receipt for the port must carry under its present profile.
// FailedPrecondition: the port is unknown, has no profile, or its segment is unknown.
absl::StatusOr<std::string> ExpectedPortDigest(const Model& model, const std::string& port_id,
                                               ProfileCompiler* compiler);

// Hosts whose state may differ from before the change (with what Model::Apply said of it), given
// the model after it (or after later changes, if their hosts are asked for as well). Its cost, and
// the size of the answer, grow with the segments concerned, not with all hosts.
std::set<std::string> AffectedHosts(const Model& after, const Change& change);
std::set<std::string> AffectedHosts(const Model& after, const ChangeSet& set);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_COMPUTE_H_
