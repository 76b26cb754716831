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
// By host. One that is not here has not said, or too long ago: it may want anything, and gets all.
using MulticastMembers = std::map<std::string, MulticastGroups>;

// Most groups a host may report; more than all of its ports can have joined by themselves.
inline constexpr int kMaxMemberships = 65'536;

// What a host said, in canonical form. InvalidArgument: a group that is none, or too many.
absl::StatusOr<MulticastGroups> ReadMemberships(const v1::MulticastMemberships& message);

// Adds to a computed state of `host_id` where else the groups of its snooping segments have
// members. Gateways cannot say, and hosts may have yet to: whatever is sent to a group goes to
// them, as to routers.
void AddMulticastGroups(const Model& model, const MulticastMembers& members,
                        const std::string& host_id, v1::HostState* state);

// Hosts whose state may differ when what `host` said changes from `before` to `after` (null: it has
// not said): those with ports of the segments concerned. Groups of segments that do not snoop, or
// that the host has no port in, concern nobody.
std::set<std::string> HostsOfMulticast(const Model& model, const std::string& host,
                                       const MulticastGroups* before, const MulticastGroups* after);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_MULTICAST_H_
