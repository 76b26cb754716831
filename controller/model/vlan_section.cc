#include "controller/model/vlan_section.h"

namespace outrider::controller {

bool IsTrunk(const v1::VlanSection& vlan) {
  return vlan.mode() == v1::VlanSection::MODE_TRUNK ||
         vlan.mode() == v1::VlanSection::MODE_NATIVE_TAGGED ||
         vlan.mode() == v1::VlanSection::MODE_NATIVE_UNTAGGED;
}

NameSet SegmentsOf(const v1::VlanSection& vlan) {
  NameSet segments;
  if (!vlan.segment().empty()) segments.insert(vlan.segment());
  for (const auto& entry : vlan.vlans()) segments.insert(entry.segment());
  return segments;
}

std::string AddressSegmentOf(const v1::VlanSection& vlan) {
  return vlan.customer_vlans().empty() ? vlan.segment() : std::string();
}

}  // namespace outrider::controller
