#include <algorithm>
#include <set>

#include "controller/model/complaint.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/names.h"
#include "controller/model/one_line.h"
#include "controller/model/underlay.h"
#include "controller/model/validate.h"
#include "controller/model/validate_sections.h"

namespace outrider::controller {
namespace {

constexpr size_t kMaxVmId = 255;
constexpr int kMaxIps = 64;
constexpr int kMaxUplinks = 64;

absl::Status CheckShape(const v1::Port& port) {
  if (!IsUuid(port.meta().name())) {
    return Invalid(port,
                   "id is not a uuid such as 6f1c4b1e-58c2-4c9b-9a0e-3f4a5b6c7d8e (libvirt: "
                   "interfaceid)");
  }
  if (!IsUnicastMac(port.mac())) {
    return Invalid(port, "mac \"{}\" is not a unicast MAC such as 52:54:00:aa:bb:cc",
                   OneLine(port.mac()));
  }
  if (port.vm_id().size() > kMaxVmId) {
    return Invalid(port, "vm_id is {} bytes long, at most {} fit", port.vm_id().size(), kMaxVmId);
  }
  if (port.ips_size() > kMaxIps) {
    return Invalid(port, "{} ips are more than {}", port.ips_size(), kMaxIps);
  }
  std::set<std::string> seen;
  for (const std::string& ip : port.ips()) {
    if (!ParseAddress(ip)) return Invalid(port, "ip \"{}\" is not an IP address", OneLine(ip));
    if (!seen.insert(ip).second) return Invalid(port, "ip {} is listed twice; remove one", ip);
  }
  return Annotate(CheckAllowedAddresses(port), Subject(port));
}

// Stations have no index of their own: a segment has few gateways.
absl::Status CheckStations(const Model& model, const v1::Port& port, const std::string& segment,
                           bool addresses) {
  const auto taken = [&](const std::string& address, const std::string& gateway) {
    return Taken(port, "{} is that of a station of gateway \"{}\" in segment \"{}\"", address,
                 gateway, segment);
  };
  for (const std::string& name : model.index().gateways_of_segment.Get(segment)) {
    for (const auto& station : model.Find<v1::Gateway>(name)->stations()) {
      if (station.segment() != segment) continue;
      if (station.mac() == port.mac()) return taken("mac " + port.mac(), name);
      if (!addresses) continue;
      for (const std::string& ip : port.ips()) {
        if (std::find(station.ips().begin(), station.ips().end(), ip) != station.ips().end()) {
          return taken("ip " + ip, name);
        }
      }
    }
  }
  return absl::OkStatus();
}

// Within one of the segments the candidate would be in; `addresses`: its IPs live in this one.
absl::Status CheckUnique(const Model& model, const v1::Port& port, const std::string& segment,
                         bool addresses) {
  const auto other_in = [&](const NameSet& ports) -> const std::string* {
    for (const std::string& id : ports) {
      if (id != port.meta().name()) return &id;
    }
    return nullptr;
  };
  const Index& index = model.index();
  if (const auto* other = other_in(index.ports_with_mac.Get(PairKey(segment, port.mac())))) {
    return Taken(port, "mac {} is that of port \"{}\" in segment \"{}\"; give each its own",
                 port.mac(), *other, segment);
  }
  if (!addresses) return CheckStations(model, port, segment, false);
  for (const std::string& ip : port.ips()) {
    if (const auto* other = other_in(index.ports_with_ip.Get(PairKey(segment, ip)))) {
      return Taken(port, "ip {} is that of port \"{}\" in segment \"{}\"; give each its own", ip,
                   *other, segment);
    }
  }
  return CheckStations(model, port, segment, true);
}

// A host, and a migration under way, rely on these.
absl::Status CheckChange(const Model& model, const v1::Port& present, const v1::Port& candidate) {
  if (present.mac() != candidate.mac() && !present.location().host().empty()) {
    return Refused(candidate, "mac cannot change while the port is on host \"{}\"; detach it first",
                   present.location().host());
  }
  // The migration selected its ports by VM, and its receipts are digests over MAC and profile.
  const v1::Migration* migration = model.RunningMigrationOf(candidate.meta().name());
  if (migration != nullptr &&
      (present.vm_id() != candidate.vm_id() || present.mac() != candidate.mac())) {
    return Refused(candidate, "vm_id and mac cannot change during migration \"{}\"",
                   migration->meta().name());
  }
  if (migration != nullptr && candidate.profile().empty()) {
    return Refused(candidate, "profile cannot be removed during migration \"{}\"",
                   migration->meta().name());
  }
  return absl::OkStatus();
}

// 0: not reported.
absl::Status CheckUnderlayMtu(const v1::Host& host) {
  const uint32_t least = kMinMtu + EncapsulationOverhead(host);
  if (host.underlay_mtu() == 0 || host.underlay_mtu() >= least) return absl::OkStatus();
  return Invalid(host,
                 "underlay MTU {} is below {}, which the least mtu of a segment, {}, needs; raise "
                 "the underlay MTU",
                 host.underlay_mtu(), least, kMinMtu);
}

}  // namespace

absl::Status Validate(const Model& model, const v1::Port& candidate) {
  RETURN_IF_ERROR(CheckShape(candidate));
  if (!candidate.profile().empty() && model.Find<v1::Profile>(candidate.profile()) == nullptr) {
    return Invalid(candidate, "profile \"{}\" does not exist; apply it first",
                   OneLine(candidate.profile()));
  }
  if (const v1::Port* present = model.Find<v1::Port>(candidate.meta().name())) {
    RETURN_IF_ERROR(CheckChange(model, *present, candidate));
  }
  const std::string addresses = model.AddressSegmentOf(candidate);
  for (const std::string& segment : model.SegmentsOf(candidate)) {
    RETURN_IF_ERROR(CheckUnique(model, candidate, segment, segment == addresses));
    RETURN_IF_ERROR(Annotate(CheckUnderlayFits(model, segment, candidate), Subject(candidate)));
  }
  return absl::OkStatus();
}

absl::Status Validate(const Model& model, const v1::Host& candidate) {
  if (!IsHostId(candidate.meta().name())) {
    return Invalid(candidate,
                   "id must be a DNS label: 1..63 characters of a-z, 0-9 and '-', beginning and "
                   "ending with a letter or digit");
  }
  std::set<int> families;
  for (const std::string& text : candidate.vteps()) {
    RETURN_IF_ERROR(Annotate(CheckVtep(text), Subject(candidate)));
    if (!families.insert(ParseAddress(text)->family).second) {
      return Invalid(candidate,
                     "vtep {} is the second of its family; give one IPv4 and one IPv6 "
                     "address at most",
                     text);
    }
    for (const std::string& owner : model.index().owners_of_vtep.Get(text)) {
      if (owner == "host " + candidate.meta().name()) continue;
      return Taken(candidate, "vtep {} is that of {}; give each host its own", text, owner);
    }
  }
  RETURN_IF_ERROR(CheckUnderlayMtu(candidate));
  if (candidate.uplinks_size() > kMaxUplinks) {
    return Invalid(candidate, "{} uplinks are more than {}; give the agent fewer by --uplink",
                   candidate.uplinks_size(), kMaxUplinks);
  }
  for (const std::string& uplink : candidate.uplinks()) {
    if (IsHostId(uplink)) continue;
    return Invalid(candidate,
                   "uplink \"{}\" is not 1..63 characters of a-z, 0-9 and '-'; change the agent's "
                   "--uplink",
                   OneLine(uplink));
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller
