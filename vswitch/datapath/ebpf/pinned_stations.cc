#include "vswitch/datapath/ebpf/pinned_stations.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"
#include "vswitch/datapath/ebpf/program_set.h"

namespace outrider::datapath::ebpf {
namespace {

using Providers = std::map<uint32_t, state::Provider>;  // by VNI

absl::StatusOr<Providers> ReadProviders(const DatapathMaps& maps) {
  Providers providers;
  RETURN_IF_ERROR(maps.providers.Visit([&](uint32_t vni, const abi::or_provider& row) {
    providers.emplace(vni, DecodeProvider(row));
  }));
  return providers;
}

bool Before(const Station& a, const Station& b) {
  return std::tie(a.vni, a.mac) < std::tie(b.vni, b.mac);
}

bool Same(const Station& a, const Station& b) { return a.vni == b.vni && a.mac == b.mac; }

// nullopt when its segment is not carried here, or it is too old for the programs (or_is_station).
std::optional<Station> Decode(const abi::or_fdb_key& key, const abi::or_station& row,
                              const Providers& providers, uint64_t now_ns) {
  const auto vni = Vni::Create(key.vni);
  const auto provider = providers.find(key.vni);
  // Negative when it was heard after `now_ns` was read.
  const auto age = std::max<int64_t>(0, static_cast<int64_t>(now_ns - row.heard_ns));
  if (!vni.ok() || provider == providers.end()) return std::nullopt;
  if (age >= static_cast<int64_t>(OR_STATION_AGE_NS)) return std::nullopt;
  return Station{.vni = *vni,
                 .mac = MacAddress(ToArray(key.mac)),
                 .provider = provider->second,
                 .heard_s = static_cast<uint32_t>(static_cast<uint64_t>(age) / kNsPerS)};
}

}  // namespace

absl::StatusOr<StationList> PinnedStations::ListStations(const std::optional<Vni>& vni,
                                                         size_t limit) {
  ASSIGN_OR_RETURN(const auto pinned,
                   sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(bpffs_),
                                                  {"or_stations", "or_providers", "or_fdb"}));
  const DatapathMaps maps(pinned.get());
  ASSIGN_OR_RETURN(const Providers providers, ReadProviders(maps));
  if (vni && !providers.contains(vni->value())) {
    return absl::NotFoundError(fmt::format(
        "vni {}: no segment on this host that an uplink carries; see: outrider state show "
        "--applied",
        vni->value()));
  }
  const uint64_t now = MonotonicNs();
  StationList list;
  RETURN_IF_ERROR(maps.stations.Visit([&](const abi::or_fdb_key& key, const abi::or_station& row) {
    if (vni && key.vni != vni->value()) return;
    auto station = Decode(key, row, providers, now);
    if (!station || maps.fdb.Lookup(key).ok()) return;
    list.stations.push_back(*std::move(station));
  }));
  std::sort(list.stations.begin(), list.stations.end(), Before);
  // What is heard anew meanwhile may come twice.
  list.stations.erase(std::unique(list.stations.begin(), list.stations.end(), Same),
                      list.stations.end());
  list.total = list.stations.size();
  if (list.stations.size() > limit) {
    list.stations.erase(list.stations.begin() + static_cast<ptrdiff_t>(limit), list.stations.end());
  }
  return list;
}

}  // namespace outrider::datapath::ebpf
