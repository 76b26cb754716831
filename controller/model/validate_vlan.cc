#include "controller/model/validate_vlan.h"

#include <map>
#include <vector>

#include "controller/model/complaint.h"
#include "controller/model/underlay.h"
#include "controller/model/validate.h"
#include "controller/model/validate_sections.h"
#include "controller/model/vlan_section.h"

namespace outrider::controller {
namespace {

absl::Status CheckSegment(const Model& model, const std::string& segment, const std::string& what) {
  if (segment.empty()) return Wrong("{} is missing; name a segment", what);
  if (model.Find<v1::Segment>(segment) != nullptr) return absl::OkStatus();
  return Wrong("{} \"{}\" does not exist; create it first", what, OneLine(segment));
}

absl::Status CheckId(uint32_t vlan, const char* field) {
  if (vlan >= 1 && vlan <= kMaxVlan) return absl::OkStatus();
  return Wrong("{} {} is not in 1..{}", field, vlan, kMaxVlan);
}

// A frame of the guest must lead to one segment, and one of a segment to one tag.
absl::Status CheckTrunk(const Model& model, const v1::VlanSection& vlan) {
  std::set<uint32_t> ids;
  std::map<std::string, uint32_t> owners;
  if (vlan.native_vlan() != 0) owners.emplace(vlan.segment(), vlan.native_vlan());
  for (const auto& entry : vlan.vlans()) {
    RETURN_IF_ERROR(CheckId(entry.vlan(), "vlan vlans: vlan"));
    if (entry.vlan() == vlan.native_vlan()) {
      return Wrong("vlan vlans: vlan {} is native_vlan already; remove it from vlans",
                   entry.vlan());
    }
    if (!ids.insert(entry.vlan()).second) {
      return Wrong("vlan vlans: vlan {} is listed twice; remove one", entry.vlan());
    }
    RETURN_IF_ERROR(CheckSegment(model, entry.segment(),
                                 fmt::format("vlan vlans: vlan {}: segment", entry.vlan())));
    const auto [owner, is_first] = owners.emplace(entry.segment(), entry.vlan());
    if (is_first) continue;
    return Wrong("vlan vlans: segment \"{}\" is that of vlan {} and of vlan {}; give each its own",
                 entry.segment(), owner->second, entry.vlan());
  }
  return absl::OkStatus();
}

absl::Status CheckCustomers(const v1::VlanSection& vlan) {
  std::set<uint32_t> seen;
  for (const uint32_t id : vlan.customer_vlans()) {
    RETURN_IF_ERROR(CheckId(id, "vlan customer_vlans: vlan"));
    if (!seen.insert(id).second) {
      return Wrong("vlan customer_vlans: vlan {} is listed twice; remove one", id);
    }
  }
  return absl::OkStatus();
}

// What does not go with the mode would be without effect: somebody meant something else.
absl::Status CheckFieldsOfMode(const v1::VlanSection& vlan) {
  const bool native = IsTrunk(vlan) && vlan.mode() != v1::VlanSection::MODE_TRUNK;
  if (!vlan.vlans().empty() && !IsTrunk(vlan)) {
    return Wrong(
        "vlan vlans needs mode trunk, native-tagged or native-untagged; change the mode "
        "or remove vlans");
  }
  if (vlan.native_vlan() != 0 && !native) {
    return Wrong(
        "vlan native_vlan needs mode native-tagged or native-untagged; change the mode "
        "or remove native_vlan");
  }
  if (!vlan.customer_vlans().empty() && vlan.mode() != v1::VlanSection::MODE_DOT1Q_TUNNEL) {
    return Wrong(
        "vlan customer_vlans needs mode dot1q-tunnel; change the mode or remove "
        "customer_vlans");
  }
  if (vlan.mode() != v1::VlanSection::MODE_TRUNK) {
    return native ? CheckId(vlan.native_vlan(), "vlan native_vlan") : absl::OkStatus();
  }
  if (!vlan.segment().empty()) {
    return Wrong(
        "vlan segment is for untagged frames, which mode trunk drops; use native-untagged "
        "or remove segment");
  }
  if (vlan.vlans().empty()) return Wrong("vlan vlans is missing; mode trunk needs at least one");
  return absl::OkStatus();
}

// MACs and IPs of gateways' stations in a segment, as keys.
void AddStations(const Model& model, const std::string& segment, std::set<std::string>* used) {
  for (const std::string& gateway : model.index().gateways_of_segment.Get(segment)) {
    for (const auto& station : model.Find<v1::Gateway>(gateway)->stations()) {
      if (station.segment() != segment) continue;
      used->insert(PairKey(segment, station.mac()));
      for (const std::string& ip : station.ips()) used->insert(PairKey(segment, ip));
    }
  }
}

// The address may be another's in the segment, or of another that comes along.
absl::Status Claim(const Model& model, const v1::Profile& profile, const std::string& port,
                   const std::string& segment, const std::string& address,
                   std::set<std::string>* used) {
  const Index& index = model.index();
  const std::string key = PairKey(segment, address);
  if (index.ports_with_mac.Get(key).empty() && index.ports_with_ip.Get(key).empty() &&
      used->insert(key).second) {
    return absl::OkStatus();
  }
  return Taken(profile, "port \"{}\" cannot follow into segment \"{}\": {} is taken there", port,
               segment, address);
}

}  // namespace

absl::Status CheckVlan(const Model& model, const v1::VlanSection& vlan) {
  if (!v1::VlanSection::Mode_IsValid(vlan.mode()) ||
      vlan.mode() == v1::VlanSection::MODE_UNSPECIFIED) {
    return Wrong(
        "vlan mode {} is unknown; use access, trunk, native-tagged, native-untagged or "
        "dot1q-tunnel",
        static_cast<int>(vlan.mode()));
  }
  RETURN_IF_ERROR(CheckFieldsOfMode(vlan));
  if (vlan.mode() != v1::VlanSection::MODE_TRUNK) {
    RETURN_IF_ERROR(CheckSegment(model, vlan.segment(), "vlan segment"));
  }
  RETURN_IF_ERROR(CheckTrunk(model, vlan));
  return CheckCustomers(vlan);
}

absl::Status CheckPortsCanMove(const Model& model, const v1::Profile& profile,
                               std::set<std::string>* used) {
  const NameSet segments = SegmentsOf(profile.vlan());
  const std::string addresses = AddressSegmentOf(profile.vlan());
  for (const std::string& segment : segments) AddStations(model, segment, used);
  for (const std::string& id : model.index().ports_of_profile.Get(profile.meta().name())) {
    const v1::Port& port = *model.Find<v1::Port>(id);
    // All ports of the profile are where it says now: the first tells of all.
    const NameSet present = model.SegmentsOf(port);
    const bool same_addresses = model.AddressSegmentOf(port) == addresses;
    if (present == segments && same_addresses) return absl::OkStatus();
    for (const std::string& segment : segments) {
      if (present.contains(segment)) continue;
      RETURN_IF_ERROR(Claim(model, profile, id, segment, port.mac(), used));
      RETURN_IF_ERROR(Annotate(CheckUnderlayFits(model, segment, port), Subject(profile)));
    }
    if (same_addresses || addresses.empty()) continue;
    for (const std::string& ip : port.ips()) {
      RETURN_IF_ERROR(Claim(model, profile, id, addresses, ip, used));
    }
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller
