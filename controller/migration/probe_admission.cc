#include "controller/migration/probe_admission.h"

#include <fmt/format.h>

#include <utility>

#include "controller/compute/compute.h"
#include "controller/compute/probes.h"

namespace outrider::controller {
namespace {

template <typename... Args>
absl::Status Refused(fmt::format_string<Args...> format, Args&&... args) {
  return absl::FailedPreconditionError(fmt::format(format, std::forward<Args>(args)...));
}

absl::Status CheckHost(const Model& model, const v1::Port& port, const v1::Migration& migration) {
  const std::string& id = port.meta().name();
  const std::string& host = port.location().host();
  if (host.empty()) return Refused("probe from port \"{}\": it is on no host; attach it first", id);
  if (host == migration.source() || host == migration.destination()) {
    return Refused(
        "probe from port \"{}\": it is on host \"{}\", a side of the move; name a port of a third "
        "host",
        id, host);
  }
  const v1::Host* object = model.Find<v1::Host>(host);
  if (object == nullptr || object->state() != v1::Host::STATE_CONNECTED) {
    return Refused("probe from port \"{}\": its host \"{}\" is not connected; start its agent", id,
                   host);
  }
  return absl::OkStatus();
}

// Whether it forwards, and goes on doing so.
absl::Status CheckForwards(const Model& model, const v1::Port& port) {
  const std::string& id = port.meta().name();
  if (const v1::Migration* other = model.RunningMigrationOf(id)) {
    return Refused(
        "probe from port \"{}\": it is being moved by migration \"{}\"; wait for it or name "
        "another",
        id, other->meta().name());
  }
  ProfileCompiler compiler;
  return Annotate(ExpectedPortDigest(model, id, &compiler).status(), "probe");
}

}  // namespace

absl::Status AdmitProbe(const Model& model, const std::string& port_id, v1::Migration* migration) {
  const v1::Port* from = model.Find<v1::Port>(port_id);
  if (from == nullptr) {
    return absl::NotFoundError(
        fmt::format("probe from port \"{}\": it does not exist; see: outrider port list", port_id));
  }
  if (migration->source_epochs().contains(port_id)) {
    return absl::InvalidArgumentError(fmt::format(
        "probe from port \"{}\": it moves itself; name a port of a third host", port_id));
  }
  RETURN_IF_ERROR(CheckHost(model, *from, *migration));
  RETURN_IF_ERROR(CheckForwards(model, *from));
  migration->set_probe_from(port_id);
  migration->set_probe_host(from->location().host());
  for (const std::string& id : migration->port_ids()) {
    if (ProbeAddressesOf(model, *from, *model.Find<v1::Port>(id))) continue;
    v1::ProbeResult& result = (*migration->mutable_probes())[id];
    result.set_port_id(id);
    result.set_from_port_id(port_id);
    result.set_host(migration->probe_host());
    result.set_failure("it has no address of a family and in a segment in which the other has one");
  }
  if (IsProbing(*migration)) return absl::OkStatus();
  return Refused(
      "probe from port \"{0}\": it and the moving ports have no addresses of one family in one "
      "segment; give them some by `outrider port set {0} --ip ADDRESS`",
      port_id);
}

}  // namespace outrider::controller
