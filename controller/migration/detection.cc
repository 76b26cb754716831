#include "controller/migration/detection.h"

#include <fmt/format.h>

#include <utility>

#include "controller/migration/admission.h"
#include "controller/migration/fights.h"
#include "controller/migration/machine.h"
#include "controller/migration/timeline.h"
#include "controller/model/names.h"
#include "controller/model/one_line.h"

namespace outrider::controller {
namespace {

template <typename... Args>
absl::Status Refused(fmt::format_string<Args...> format, Args&&... args) {
  return absl::FailedPreconditionError(fmt::format(format, std::forward<Args>(args)...));
}

// Whoever knows no more than a port's uuid is not its VM on another host.
absl::Status CheckSameNic(const v1::Port& port, const v1::PortAttachment& attachment) {
  const std::string mac = CanonicalMac(attachment.mac());
  if (port.mac() != mac) {
    return Refused(
        "port \"{}\" on host \"{}\" has mac {}, but the device was attached with mac {}; attach it "
        "with the port's mac, or give it a port id of its own",
        port.meta().name(), port.location().host(), port.mac(), OneLine(mac));
  }
  const bool both_say = !port.vm_id().empty() && !attachment.vm_id().empty();
  if (both_say && port.vm_id() != attachment.vm_id()) {
    return Refused(
        "port \"{}\" on host \"{}\" is of VM \"{}\", but the device was attached for VM \"{}\"; "
        "give it a port id of its own",
        port.meta().name(), port.location().host(), port.vm_id(), OneLine(attachment.vm_id()));
  }
  return absl::OkStatus();
}

// A NIC that was unplugged, or is on its way with another migration, holds nobody up.
NameSet PortsBeside(const Model& model, const v1::Port& port) {
  NameSet ports{port.meta().name()};
  if (port.vm_id().empty()) return ports;
  for (const std::string& id : model.index().ports_of_vm.Get(port.vm_id())) {
    const bool there = model.Find<v1::Port>(id)->location().host() == port.location().host();
    if (there && model.RunningMigrationOf(id) == nullptr) ports.insert(id);
  }
  return ports;
}

}  // namespace

absl::StatusOr<bool> BeginsMigration(const Model& model, const std::string& host,
                                     const v1::PortAttachment& attachment) {
  const std::string id = ToLower(attachment.port_id());
  const v1::Port* port = model.Find<v1::Port>(id);
  if (port == nullptr) return false;
  if (const v1::Migration* other = model.RunningMigrationOf(id)) {
    if (other->destination() == host || port->location().host() == host) return false;
    return Refused(
        "port \"{}\" is being moved by migration \"{}\" from host \"{}\" to host \"{}\"; attach it "
        "again when that has ended, or abort it",
        id, other->meta().name(), other->source(), other->destination());
  }
  const std::string& holder = port->location().host();
  if (holder.empty() || holder == host || port->device().empty()) return false;
  RETURN_IF_ERROR(CheckSameNic(*port, attachment));
  if (port->frozen_us() != 0) return absl::FailedPreconditionError(FrozenText(model, *port, host));
  return true;
}

absl::StatusOr<v1::Migration> AdmitClaim(const Model& model, const std::string& host,
                                         const v1::PortAttachment& attachment,
                                         const std::string& id, int64_t time_us, int64_t now_us,
                                         ProfileCompiler* compiler) {
  const std::string port_id = ToLower(attachment.port_id());
  const v1::Port& port = *model.Find<v1::Port>(port_id);
  const std::string& source = port.location().host();
  Plan plan{id, PortsBeside(model, port), source, host, now_us + kDetectedLeaseUs};
  auto admitted = AdmitPlan(model, plan, compiler);
  if (!admitted.ok()) {
    return Refused("port \"{}\" is on host \"{}\" and cannot be moved to host \"{}\": {}", port_id,
                   source, host, Message(admitted.status()));
  }
  v1::Migration migration = *std::move(admitted);
  migration.set_detected(true);
  AddEvent(&migration, now_us, now_us, kController, "intent", "",
           fmt::format("detected: port {} was attached on host \"{}\"; {} port(s) from host \"{}\"",
                       port_id, host, plan.ports.size(), source));
  AddEvent(&migration, now_us, now_us, kController, "admitted", "", "");
  // In the same commit: a device that goes while nobody listens was there.
  AddEvent(&migration, time_us, now_us, host, "attached", port_id, "");
  return migration;
}

}  // namespace outrider::controller
