// Which hosts of a segment want which multicast groups: what hosts have reported, kept beside the
// model, for it is of the hosts and comes again. Pure values; not synchronised.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_MULTICAST_H_
#define OUTRIDER_CONTROLLER_COMPUTE_MULTICAST_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "controller/model/model.h"
#include "controller/model/status.h"
#include "outrider/v1/host_state.pb.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

// (vni, group) that ports of a host joined; of the group "", a multicast router is there.
using MulticastGroups = std::set<std::pair<uint32_t, std::string>>;
// By host.
using MulticastMembers = std::map<std::string, MulticastGroups>;

// Most groups a host may report; more than all of its ports can have joined by themselves.
inline constexpr int kMaxMemberships = 65'536;

// What a host said, in canonical form. InvalidArgument: a group that is none, or too many.
absl::StatusOr<MulticastGroups> ReadMemberships(const v1::MulticastMemberships& message);

// Adds to a computed state of `host_id` where else the groups of its snooping segments have
// members. Gateways cannot say: whatever is sent to a group goes to them, as to routers.
void AddMulticastGroups(const Model& model, const MulticastMembers& members,
                        const std::string& host_id, v1::HostState* state);

// Hosts whose state may differ when a host's groups change from `before` to `after`: those with
// ports of the segments concerned.
std::set<std::string> HostsOfMulticast(const Model& model, const MulticastGroups& before,
                                       const MulticastGroups& after);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_MULTICAST_H_
