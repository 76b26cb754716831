#include "controller/compute/probes.h"

#include <map>
#include <utility>

#include "controller/model/ip_prefix.h"

namespace outrider::controller {
namespace {

// The first of the family; empty: none.
std::string FirstOf(const v1::Port& port, int family) {
  for (const std::string& ip : port.ips()) {
    const auto address = ParseAddress(ip);
    if (address && address->family == family) return ip;
  }
  return "";
}

std::optional<v1::MoveProbe> MakeProbe(const Model& model, const v1::Migration& migration,
                                       const std::string& port_id) {
  const v1::Port* from = model.Find<v1::Port>(migration.probe_from());
  const v1::Port* to = model.Find<v1::Port>(port_id);
  const std::string& host = migration.probe_host();
  // Of a port that has come to the host itself there is nothing to see from there.
  if (from == nullptr || to == nullptr || from->location().host() != host ||
      to->location().host() == host) {
    return std::nullopt;
  }
  const auto addresses = ProbeAddressesOf(model, *from, *to);
  if (!addresses) return std::nullopt;
  v1::MoveProbe probe;
  probe.set_port_id(port_id);
  probe.set_migration_id(migration.meta().name());
  probe.set_from_port_id(migration.probe_from());
  probe.set_from_ip(addresses->from);
  probe.set_mac(to->mac());
  probe.set_ip(addresses->to);
  probe.set_rate_pps(kProbeRatePps);
  return probe;
}

}  // namespace

std::optional<ProbeAddresses> ProbeAddressesOf(const Model& model, const v1::Port& from,
                                               const v1::Port& to) {
  const std::string segment = model.AddressSegmentOf(from);
  if (segment.empty() || segment != model.AddressSegmentOf(to)) return std::nullopt;
  for (const int family : {4, 6}) {
    ProbeAddresses addresses{FirstOf(from, family), FirstOf(to, family)};
    if (!addresses.from.empty() && !addresses.to.empty()) return addresses;
  }
  return std::nullopt;
}

void AddProbes(const Model& model, const std::string& host_id, v1::HostState* state) {
  std::map<std::string, v1::MoveProbe> probes;
  for (const std::string& id : model.index().probing_migrations.Get(Index::kAll)) {
    const v1::Migration& migration = *model.Find<v1::Migration>(id);
    if (migration.probe_host() != host_id) continue;
    for (const std::string& port_id : migration.port_ids()) {
      if (!IsProbed(migration, port_id)) continue;
      auto probe = MakeProbe(model, migration, port_id);
      if (!probe || (probes.contains(port_id) && !IsRunning(migration))) continue;
      probes.insert_or_assign(port_id, *std::move(probe));
    }
  }
  for (auto& [id, probe] : probes) *state->add_probes() = std::move(probe);
}

}  // namespace outrider::controller
