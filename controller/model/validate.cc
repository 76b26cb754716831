#include "controller/model/validate.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "controller/model/complaint.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/names.h"
#include "controller/model/provider.h"
#include "controller/model/underlay.h"

namespace outrider::controller {
namespace {

constexpr uint32_t kMaxVni = (1U << 24) - 1;
constexpr int kMaxGroupPrefixes = 65'536;
constexpr int kMaxGroupPorts = 4096;

template <typename T>
absl::Status CheckName(const T& object) {
  if (IsName(object.meta().name())) return absl::OkStatus();
  return Invalid(object,
                 "name must be 1..63 characters of a-z, 0-9, '-' and '.', beginning and ending "
                 "with a letter or digit");
}

absl::Status CheckStation(const Model& model, const v1::Gateway& gateway, int position) {
  const v1::Gateway::Station& station = gateway.stations(position);
  const int number = position + 1;
  const auto& segments = gateway.segments();
  if (std::find(segments.begin(), segments.end(), station.segment()) == segments.end()) {
    return Invalid(gateway,
                   "station {}: segment \"{}\" is not among the gateway's segments; add it", number,
                   station.segment());
  }
  if (!IsUnicastMac(station.mac())) {
    return Invalid(gateway, "station {}: mac \"{}\" is not a unicast MAC such as 52:54:00:aa:bb:cc",
                   number, station.mac());
  }
  const NameSet& ports =
      model.index().ports_with_mac.Get(PairKey(station.segment(), station.mac()));
  if (!ports.empty()) {
    return Taken(gateway, "station {}: mac {} is that of port \"{}\" in segment \"{}\"", number,
                 station.mac(), *ports.begin(), station.segment());
  }
  for (const std::string& ip : station.ips()) {
    if (!ParseAddress(ip)) {
      return Invalid(gateway, "station {}: ip \"{}\" is not an IP address", number, ip);
    }
    const NameSet& holders = model.index().ports_with_ip.Get(PairKey(station.segment(), ip));
    if (!holders.empty()) {
      return Taken(gateway, "station {}: ip {} is that of port \"{}\" in segment \"{}\"", number,
                   ip, *holders.begin(), station.segment());
    }
  }
  return absl::OkStatus();
}

// MACs and IPs of other gateways' stations, and the gateway's own, are unique within a segment.
absl::Status CheckStationsUnique(const Model& model, const v1::Gateway& gateway) {
  std::map<std::string, std::string> owners;
  // The first of the station's addresses that another station has; empty: none.
  const auto claim = [&](const v1::Gateway::Station& station, const std::string& owner) {
    std::vector<std::string> addresses{"mac " + station.mac()};
    for (const std::string& ip : station.ips()) addresses.push_back("ip " + ip);
    for (const std::string& address : addresses) {
      if (!owners.emplace(PairKey(station.segment(), address), owner).second) return address;
    }
    return std::string();
  };
  for (const std::string& segment : gateway.segments()) {
    for (const std::string& name : model.index().gateways_of_segment.Get(segment)) {
      if (name == gateway.meta().name()) continue;
      for (const auto& station : model.Find<v1::Gateway>(name)->stations()) claim(station, name);
    }
  }
  for (const auto& station : gateway.stations()) {
    const std::string taken = claim(station, gateway.meta().name());
    if (taken.empty()) continue;
    return Taken(gateway, "{} in segment \"{}\" is that of a station of gateway \"{}\" already",
                 taken, station.segment(), owners.at(PairKey(station.segment(), taken)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const Model& model, const v1::Segment& candidate) {
  RETURN_IF_ERROR(CheckName(candidate));
  if (candidate.vni() < 1 || candidate.vni() > kMaxVni) {
    return Invalid(candidate, "vni {} is not in 1..{}", candidate.vni(), kMaxVni);
  }
  if (candidate.mtu() != 0 && (candidate.mtu() < kMinMtu || candidate.mtu() > kMaxMtu)) {
    return Invalid(candidate,
                   "mtu {} is not in {}..{}; leave it out to have the largest that the hosts carry",
                   candidate.mtu(), kMinMtu, kMaxMtu);
  }
  if (candidate.unknown_multicast() == v1::Segment::UNKNOWN_MULTICAST_DROP &&
      candidate.multicast() != v1::Segment::MULTICAST_SNOOP) {
    return Invalid(
        candidate,
        "unknown_multicast drop needs multicast snoop: who joined is not known otherwise");
  }
  for (const auto& other : model.index().segments_with_vni.Get(std::to_string(candidate.vni()))) {
    if (other == candidate.meta().name()) continue;
    return Taken(candidate, "vni {} is that of segment \"{}\"; choose another", candidate.vni(),
                 other);
  }
  // A VNI in use is in the frames of running hosts: it cannot be exchanged on all at once.
  const v1::Segment* present = model.Find<v1::Segment>(candidate.meta().name());
  if (present != nullptr && present->vni() != candidate.vni()) {
    return Refused(candidate,
                   "vni cannot change from {} to {}; delete the segment and create it anew",
                   present->vni(), candidate.vni());
  }
  RETURN_IF_ERROR(CheckProvider(model, candidate));
  return CheckHostsCarry(model, candidate);
}

absl::Status Validate(const Model&, const v1::AddressGroup& candidate) {
  RETURN_IF_ERROR(CheckName(candidate));
  if (candidate.prefixes_size() > kMaxGroupPrefixes) {
    return Invalid(candidate, "{} prefixes are more than {}; split the group",
                   candidate.prefixes_size(), kMaxGroupPrefixes);
  }
  std::unordered_set<std::string> seen;
  for (const std::string& text : candidate.prefixes()) {
    const auto prefix = ParsePrefix(text);
    if (!prefix) {
      return Invalid(candidate, "prefix \"{}\" is not an IP address or prefix", text);
    }
    if (prefix->HasHostBits()) {
      return Invalid(candidate, "prefix {} has host bits set; did you mean {}?", text,
                     prefix->Network().Text());
    }
    if (!seen.insert(text).second) {
      return Invalid(candidate, "prefix {} is listed twice; remove one", text);
    }
  }
  return absl::OkStatus();
}

absl::Status Validate(const Model& model, const v1::PortGroup& candidate) {
  RETURN_IF_ERROR(CheckName(candidate));
  if (candidate.ports_size() > kMaxGroupPorts) {
    return Invalid(candidate, "{} ports are more than {}; split the group", candidate.ports_size(),
                   kMaxGroupPorts);
  }
  std::set<std::string> seen;
  for (const std::string& id : candidate.ports()) {
    if (model.Find<v1::Port>(id) == nullptr) {
      return Invalid(candidate, "port \"{}\" does not exist; create or attach it first",
                     OneLine(id));
    }
    if (!seen.insert(id).second) {
      return Invalid(candidate, "port \"{}\" is listed twice; remove one", id);
    }
  }
  return absl::OkStatus();
}

absl::Status Validate(const Model& model, const v1::Gateway& candidate) {
  RETURN_IF_ERROR(CheckName(candidate));
  RETURN_IF_ERROR(Annotate(CheckVtep(candidate.vtep()), Subject(candidate)));
  for (const std::string& owner : model.index().owners_of_vtep.Get(candidate.vtep())) {
    if (owner == "gateway " + candidate.meta().name()) continue;
    return Taken(candidate, "vtep {} is that of {}", candidate.vtep(), owner);
  }
  std::set<std::string> seen;
  for (const std::string& segment : candidate.segments()) {
    const v1::Segment* found = model.Find<v1::Segment>(segment);
    if (found == nullptr) {
      return Invalid(candidate, "segment \"{}\" does not exist; create it first", segment);
    }
    if (found->has_provider()) {
      return Invalid(candidate,
                     "segment \"{}\" is a VLAN of uplink \"{}\", which VXLAN does not carry; reach "
                     "its stations there",
                     segment, found->provider().uplink());
    }
    if (!seen.insert(segment).second) {
      return Invalid(candidate, "segment \"{}\" is listed twice; remove one", segment);
    }
  }
  for (int i = 0; i < candidate.stations_size(); ++i) {
    RETURN_IF_ERROR(CheckStation(model, candidate, i));
  }
  RETURN_IF_ERROR(CheckHostsReach(model, candidate));
  return CheckStationsUnique(model, candidate);
}

}  // namespace outrider::controller
