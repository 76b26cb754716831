// What a VLAN section says of a port's segments. Knows no model: names are as written.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_VLAN_SECTION_H_
#define OUTRIDER_CONTROLLER_MODEL_VLAN_SECTION_H_

#include <cstdint>
#include <string>

#include "controller/model/index.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller {

// The highest id of a VLAN (IEEE 802.1Q, 9.6); the lowest is 1.
inline constexpr uint32_t kMaxVlan = 4094;

// MODE_TRUNK and the native modes.
bool IsTrunk(const v1::VlanSection& vlan);

// Every segment the section names: a port is in all of them.
NameSet SegmentsOf(const v1::VlanSection& vlan);

// The one in which a port's IP addresses live: that of untagged frames, for nobody says in which
// VLAN of a trunk the guest uses them. Empty where untagged frames do not pass: such a port's
// addresses are answered for and kept unique nowhere.
std::string AddressSegmentOf(const v1::VlanSection& vlan);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_VLAN_SECTION_H_
