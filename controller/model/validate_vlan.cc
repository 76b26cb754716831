#include "controller/model/validate_sections.h"

namespace outrider::controller {

absl::Status CheckVlan(const Model& model, const v1::VlanSection& vlan) {
  if (vlan.mode() != v1::VlanSection::MODE_ACCESS) {
    return Wrong("vlan mode {} is unknown; use access", static_cast<int>(vlan.mode()));
  }
  if (!vlan.vlans().empty()) return NotYet("vlan vlans");
  if (vlan.native_vlan() != 0) return NotYet("vlan native_vlan");
  if (!vlan.customer_vlans().empty()) return NotYet("vlan customer_vlans");
  if (vlan.segment().empty()) return Wrong("vlan segment is missing; name a segment");
  if (model.Find<v1::Segment>(vlan.segment()) == nullptr) {
    return Wrong("vlan segment \"{}\" does not exist; create it first", vlan.segment());
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller
