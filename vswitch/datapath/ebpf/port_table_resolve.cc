// What a port's row refers to: segments, rule sets, devices, and whether it may be written at all.
#include <fmt/format.h>

#include "vswitch/datapath/ebpf/port_table.h"

namespace outrider::datapath::ebpf {

absl::Status PortTable::CheckEpoch(const PortId& id, const state::Port& port) const {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.row || found->second.any_epoch) {
    return absl::OkStatus();
  }
  const uint64_t in_force = found->second.row->epoch;
  if (static_cast<uint64_t>(port.epoch) >= in_force) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("port {}: epoch {} is older than {}, which is in force", id.ToString(),
                  static_cast<uint64_t>(port.epoch), in_force));
}

absl::Status PortTable::Resolve(const PortId& id, state::Port* port,
                                PortReferences* references) const {
  absl::Status status = ResolveSegments(id, *port, &references->mtu);
  const auto vlan_map = vlans_->Acquire(EncodeVlans(*port));
  references->vlan_map = vlan_map.value_or(0);
  if (!vlan_map.ok()) status.Update(Annotate(vlan_map.status(), "port " + id.ToString()));
  const auto resolve = [&](std::optional<Digest>* digest, uint32_t* rule_set) {
    if (!*digest) return;
    const auto found = rule_sets_->IdOf(**digest);
    *rule_set = found.value_or(0);
    references->names_groups |= found && rule_sets_->NamesGroups(*found);
    if (found) return;
    if (status.ok()) {
      status = absl::FailedPreconditionError(fmt::format("port {}: rule set {} is not in force",
                                                         id.ToString(), (*digest)->ToString()));
    }
    // 0 allows everything, which is harmless on a blocked port only.
    digest->reset();
  };
  resolve(&port->ingress_rule_set, &references->ingress_rule_set);
  resolve(&port->egress_rule_set, &references->egress_rule_set);
  references->rejects = rule_sets_->MayReject(references->egress_rule_set);
  if (!status.ok()) port->phase = state::PortPhase::kBlocked;
  return status;
}

absl::Status PortTable::ResolveSegments(const PortId& id, const state::Port& port,
                                        uint32_t* mtu) const {
  absl::Status status;
  for (const Vni& vni : state::SegmentsOf(port)) {
    const auto segment_mtu = segments_->Mtu(vni);
    if (!segment_mtu) {
      status.Update(absl::FailedPreconditionError(
          fmt::format("port {}: segment {} is not in force", id.ToString(), vni.ToString())));
      continue;
    }
    *mtu = std::max(*mtu, *segment_mtu);
    if (vni.IsLocal() || segments_->HasProvider(vni)) continue;
    const uint32_t needed = *segment_mtu + underlay_.overhead;
    if (needed <= underlay_.mtu) continue;
    status.Update(absl::FailedPreconditionError(fmt::format(
        "port {}: segment {} mtu {} needs an underlay of {} bytes, this host has {}; lower the "
        "segment's mtu or raise the underlay's",
        id.ToString(), vni.ToString(), *segment_mtu, needed, underlay_.mtu)));
  }
  return status;
}

}  // namespace outrider::datapath::ebpf
