#include "controller/migration/admission.h"

#include <fmt/format.h>

#include <set>

#include "controller/compute/compute.h"
#include "controller/migration/probe_admission.h"
#include "controller/migration/timeline.h"
#include "controller/model/names.h"
#include "controller/model/underlay.h"
#include "controller/model/validate.h"

namespace outrider::controller {
namespace {

constexpr uint32_t kDefaultLeaseS = 600;
constexpr uint32_t kMaxLeaseS = 86400;
constexpr int64_t kUsPerSecond = 1'000'000;
// Labels are 1..65535.
constexpr uint32_t kLabels = 65535;

template <typename... Args>
absl::Status Refused(fmt::format_string<Args...> format, Args&&... args) {
  return absl::FailedPreconditionError(fmt::format(format, std::forward<Args>(args)...));
}

absl::Status CheckRequest(const v1::PrepareMigrationRequest& request) {
  if (request.vm_id().empty() == request.port_id().empty()) {
    return absl::InvalidArgumentError("give exactly one of vm_id and port_id");
  }
  if (request.destination().empty()) {
    return absl::InvalidArgumentError("destination is missing; name a host");
  }
  if (request.lease_s() > kMaxLeaseS) {
    return absl::InvalidArgumentError(
        fmt::format("lease_s {} is not in 1..{}", request.lease_s(), kMaxLeaseS));
  }
  return absl::OkStatus();
}

// The one host all the ports are on.
absl::StatusOr<std::string> SourceOf(const Model& model, const NameSet& ports) {
  std::string source;
  std::string first;
  for (const std::string& id : ports) {
    const std::string& host = model.Find<v1::Port>(id)->location().host();
    if (host.empty()) return Refused("port \"{}\" is on no host; attach it first", id);
    if (!source.empty() && source != host) {
      return Refused(
          "port \"{}\" is on host \"{}\" but port \"{}\" of the same VM on host \"{}\"; "
          "detach the one that is not the VM's",
          first, source, id, host);
    }
    source = host;
    first = id;
  }
  return source;
}

absl::Status CheckDestination(const Model& model, const std::string& id,
                              const std::string& source) {
  const v1::Host* host = model.Find<v1::Host>(id);
  if (host == nullptr) {
    return absl::NotFoundError(
        fmt::format("host \"{0}\" does not exist; enrol it with \"outrider host enroll {0}\"", id));
  }
  if (id == source) return Refused("the ports are on host \"{}\" already", id);
  if (host->state() != v1::Host::STATE_CONNECTED) {
    return Refused("host \"{}\" is not connected; start its agent", id);
  }
  return absl::OkStatus();
}

absl::Status CheckReachable(const Model& model, const std::string& id) {
  const v1::Host* host = model.Find<v1::Host>(id);
  if (host == nullptr || host->vteps().empty()) {
    return Refused("host \"{}\" has no tunnel end point; start its agent with --vtep", id);
  }
  return absl::OkStatus();
}

// What the destination could not put in force, or another migration decides already.
absl::Status CheckPort(const Model& model, const v1::Port& port, const std::string& destination,
                       ProfileCompiler* compiler) {
  const std::string& id = port.meta().name();
  if (const v1::Migration* other = model.RunningMigrationOf(id)) {
    return Refused(
        "port \"{}\" is being moved by migration \"{}\" to host \"{}\"; wait for it or "
        "abort it",
        id, other->meta().name(), other->destination());
  }
  // Without a profile there is nothing a receipt could vouch for.
  RETURN_IF_ERROR(ExpectedPortDigest(model, id, compiler).status());
  for (const std::string& segment : model.SegmentsOf(port)) {
    const NameSet& owners = model.index().ports_with_mac.Get(PairKey(segment, port.mac()));
    for (const std::string& other : owners) {
      if (other == id) continue;
      return Refused("mac {} of port \"{}\" is also that of port \"{}\" in segment \"{}\"",
                     port.mac(), id, other, segment);
    }
    RETURN_IF_ERROR(CheckUnderlayFits(model, segment, destination));
  }
  return absl::OkStatus();
}

// Labels that running migrations to the destination have.
std::set<uint32_t> LabelsTowards(const Model& model, const std::string& destination) {
  std::set<uint32_t> labels;
  for (const std::string& id : model.index().running_migrations.Get(Index::kAll)) {
    const v1::Migration& migration = *model.Find<v1::Migration>(id);
    if (migration.destination() != destination) continue;
    for (const auto& [port, label] : migration.labels()) labels.insert(label);
  }
  return labels;
}

// From the id, which is random, rather than from the lowest free one: a label of a move that has
// just ended hardly ever comes again while frames of that may be under way. FNV-1a.
uint32_t FirstLabel(const std::string& id) {
  uint32_t hash = 2166136261;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  return hash % kLabels;
}

// One for each port. Without, should there ever be none left, the port moves all the same, and what
// comes late is not sent after it.
void AssignLabels(const Model& model, v1::Migration* migration) {
  std::set<uint32_t> taken = LabelsTowards(model, migration->destination());
  uint32_t next = FirstLabel(migration->meta().name());
  for (const std::string& id : migration->port_ids()) {
    if (taken.size() == kLabels) return;
    while (!taken.insert(next + 1).second) next = (next + 1) % kLabels;
    (*migration->mutable_labels())[id] = next + 1;
  }
}

v1::Migration MakeRecord(const Model& model, const Plan& plan, ProfileCompiler* compiler) {
  v1::Migration migration;
  migration.mutable_meta()->set_name(plan.id);
  migration.set_source(plan.source);
  migration.set_destination(plan.destination);
  migration.set_phase(v1::MIGRATION_PHASE_PREPARING);
  migration.set_lease_expires_us(plan.lease_expires_us);
  for (const std::string& id : plan.ports) {
    const v1::Port& port = *model.Find<v1::Port>(id);
    migration.set_vm_id(port.vm_id());
    migration.add_port_ids(id);
    (*migration.mutable_source_epochs())[id] = port.location().epoch();
    (*migration.mutable_expected_digests())[id] =
        ExpectedPortDigest(model, id, compiler).value_or("");
  }
  AssignLabels(model, &migration);
  return migration;
}

// What stands in the way of any of the ports; the destination's own state comes after it.
absl::Status CheckPorts(const Model& model, const NameSet& ports, const std::string& destination,
                        ProfileCompiler* compiler) {
  for (const std::string& port : ports) {
    RETURN_IF_ERROR(CheckPort(model, *model.Find<v1::Port>(port), destination, compiler));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NameSet> SelectPorts(const Model& model,
                                    const v1::PrepareMigrationRequest& request) {
  std::string vm_id = request.vm_id();
  const std::string port_id = ToLower(request.port_id());
  if (!port_id.empty()) {
    const v1::Port* port = model.Find<v1::Port>(port_id);
    if (port == nullptr) {
      return absl::NotFoundError(fmt::format("port \"{}\" does not exist", port_id));
    }
    vm_id = port->vm_id();
    if (vm_id.empty()) return NameSet{port_id};
  }
  const NameSet& ports = model.index().ports_of_vm.Get(vm_id);
  if (!ports.empty()) return ports;
  return absl::NotFoundError(
      fmt::format("VM \"{}\" has no ports; attach them with its vm_id, or name a port", vm_id));
}

absl::StatusOr<v1::Migration> AdmitPlan(const Model& model, const Plan& plan,
                                        ProfileCompiler* compiler) {
  RETURN_IF_ERROR(CheckPorts(model, plan.ports, plan.destination, compiler));
  RETURN_IF_ERROR(CheckReachable(model, plan.destination));
  return MakeRecord(model, plan, compiler);
}

absl::StatusOr<v1::Migration> Admit(const Model& model, const v1::PrepareMigrationRequest& request,
                                    const std::string& id, int64_t now_us,
                                    ProfileCompiler* compiler) {
  RETURN_IF_ERROR(CheckRequest(request));
  ASSIGN_OR_RETURN(const NameSet ports, SelectPorts(model, request));
  RETURN_IF_ERROR(CheckPorts(model, ports, request.destination(), compiler));
  ASSIGN_OR_RETURN(const std::string source, SourceOf(model, ports));
  RETURN_IF_ERROR(CheckDestination(model, request.destination(), source));
  RETURN_IF_ERROR(CheckReachable(model, request.destination()));
  const uint32_t lease_s = request.lease_s() == 0 ? kDefaultLeaseS : request.lease_s();
  const Plan plan{id, ports, source, request.destination(), now_us + lease_s * kUsPerSecond};
  v1::Migration migration = MakeRecord(model, plan, compiler);
  if (const std::string probe = ToLower(request.probe_from()); !probe.empty()) {
    RETURN_IF_ERROR(AdmitProbe(model, probe, &migration));
  }
  AddEvent(&migration, now_us, now_us, kController, "intent", "",
           fmt::format("{} port(s) from host \"{}\" to host \"{}\"", ports.size(), source,
                       request.destination()));
  AddEvent(&migration, now_us, now_us, kController, "admitted", "", "");
  return migration;
}

Peers ConnectedPeers(const Model& model, const v1::Migration& migration) {
  std::set<std::string> concerned{migration.source(), migration.destination()};
  for (const std::string& id : migration.port_ids()) {
    const v1::Port* port = model.Find<v1::Port>(id);
    if (port == nullptr) continue;
    for (const std::string& segment : model.SegmentsOf(*port)) {
      const NameSet& hosts = model.index().hosts_of_segment.Get(segment);
      concerned.insert(hosts.begin(), hosts.end());
    }
  }
  std::erase_if(concerned, [&](const std::string& id) {
    const v1::Host* host = model.Find<v1::Host>(id);
    return host == nullptr || host->state() != v1::Host::STATE_CONNECTED;
  });
  return Peers(concerned.begin(), concerned.end());
}

}  // namespace outrider::controller
