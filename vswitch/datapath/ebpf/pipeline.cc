#include "vswitch/datapath/ebpf/pipeline.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/sweeper.h"

namespace outrider::datapath::ebpf {

Pipeline::Pipeline(const Options& options, std::unique_ptr<ProgramSet> loaded, const Kernel& kernel)
    : programs(std::move(loaded)),
      maps(programs->maps()),
      devices(&maps, kernel.netlink, kernel.filters, programs.get(), kernel.shaper),
      underlay(&maps,
               {.netlink = kernel.netlink,
                .next_hops = kernel.next_hops,
                .ipsec = options.encapsulate ? kernel.ipsec : nullptr,
                .filters = kernel.underlay_filters,
                .mtu = options.underlay_mtu},
               programs.get()),
      vteps(&maps, &underlay),
      segments(&maps, &vteps),
      groups(&maps),
      rule_sets(&maps, &groups),
      neighbors(&maps),
      vlans(&maps),
      ports(&maps, &devices, &segments, &rule_sets, &vlans,
            {.mtu = options.underlay_mtu, .overhead = options.vteps.Overhead()}),
      departures(&maps, programs.get(), &ports, &vteps),
      fdb(&maps, programs.get(), &vteps),
      multicast(&maps, &vteps),
      tracer(&maps, programs->constants(), PinnedMapsDir(options.bpffs)),
      uplinks(&maps, kernel.netlink, kernel.filters, programs.get(), options.uplinks) {}

absl::Status Pipeline::Load() {
  ASSIGN_OR_RETURN(Inventory inventory, ReadInventory(maps));
  if (const Orphans orphans = FindOrphans(inventory); !orphans.empty()) {
    RETURN_IF_ERROR(RemoveOrphans(orphans, maps, *programs));
    ASSIGN_OR_RETURN(inventory, ReadInventory(maps));
  }
  RETURN_IF_ERROR(devices.ReplaceOldPrograms(inventory));
  vteps.Load(inventory);
  segments.Load(inventory);
  RETURN_IF_ERROR(rule_sets.Load(inventory));
  RETURN_IF_ERROR(groups.Load(inventory));
  vlans.Load(inventory);
  ports.Load(inventory);
  departures.Load(inventory);
  fdb.Load(inventory);
  multicast.Load(inventory);
  RETURN_IF_ERROR(uplinks.Load(inventory));
  RefreshUnderlay(std::nullopt);
  // Other programs may have remembered what these would not.
  programs->maps()->CountChange();
  // Of ports that went while nobody was here.
  return ebpf::SweepConnections(*programs, abi::OR_SWEEP_OVER).status();
}

absl::Status Pipeline::UpsertSegment(const Vni& vni, const state::Segment& segment) {
  RETURN_IF_ERROR(uplinks.Prepare(vni, segment));
  RETURN_IF_ERROR(segments.Upsert(vni, segment));
  return uplinks.Open(vni, segment);
}

absl::Status Pipeline::DeleteSegment(const Vni& vni) {
  RETURN_IF_ERROR(uplinks.Close(vni));
  RETURN_IF_ERROR(segments.Delete(vni));
  return uplinks.Forget(vni);
}

void Pipeline::UnbindUnclaimedDevices() {
  if (!std::exchange(may_have_unclaimed, false)) return;
  const absl::Status status = UnbindUnclaimed(maps, &devices);
  if (status.ok()) return;
  may_have_unclaimed = true;
  spdlog::warn("devices of former ports keep our programs: {}", Message(status));
}

void Pipeline::RefreshUnderlay(const std::optional<sys::NextHop>& hop) {
  absl::Status status;
  if (hop) {
    // Of other neighbours nobody here has heard.
    status = vteps.Refresh(*hop);
  } else {
    status = vteps.Refresh();
    underlay.AttachPrograms();
    // Else what is written may be wrong.
    if (status.ok()) status = underlay.Renew();
  }
  if (!status.ok()) spdlog::warn("underlay: {}", Message(status));
}

}  // namespace outrider::datapath::ebpf
