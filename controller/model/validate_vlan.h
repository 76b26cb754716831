// The rules of a profile's VLAN section, and what its ports must find in the segments it names. For
// the folder's own use.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_VALIDATE_VLAN_H_
#define OUTRIDER_CONTROLLER_MODEL_VALIDATE_VLAN_H_

#include <set>
#include <string>

#include "controller/model/model.h"
#include "controller/model/status.h"

namespace outrider::controller {

// The section by itself, and whether its segments exist. Errors are bare ("vlan ..."); the caller
// puts the profile in front.
absl::Status CheckVlan(const Model& model, const v1::VlanSection& vlan);

// Whether the profile's ports can follow it into segments they are not in yet: none may meet its
// own MAC or IP there, and their hosts must be able to carry it. `used` holds PairKey(segment,
// address) of what moves together with them.
absl::Status CheckPortsCanMove(const Model& model, const v1::Profile& profile,
                               std::set<std::string>* used);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_VALIDATE_VLAN_H_
