#include "vswitch/datapath/ebpf/pinned_stations.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"
#include "vswitch/datapath/ebpf/port_codec.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/ebpf/station_sweep.h"

namespace outrider::datapath::ebpf {
namespace {

// Where stations can be: VNIs of segments an uplink carries, and ports by index.
struct Places {
  std::map<uint32_t, state::Provider> providers;
  std::map<uint32_t, abi::or_port_info> ports;
};

absl::StatusOr<Places> ReadPlaces(const DatapathMaps& maps) {
  Places places;
  RETURN_IF_ERROR(maps.providers.Visit([&](uint32_t vni, const abi::or_provider& row) {
    places.providers.emplace(vni, DecodeProvider(row));
  }));
  RETURN_IF_ERROR(maps.port_info.Visit(
      [&](uint32_t index, const abi::or_port_info& row) { places.ports.emplace(index, row); }));
  return places;
}

bool Before(const Station& a, const Station& b) {
  return std::tie(a.vni, a.mac) < std::tie(b.vni, b.mac);
}

bool Same(const Station& a, const Station& b) { return a.vni == b.vni && a.mac == b.mac; }

// Puts it where it was heard. False: that is not here any more.
bool Locate(const abi::or_fdb_key& key, const abi::or_station& row, const Places& places,
            Station* station) {
  if (row.port == 0) {
    const auto provider = places.providers.find(key.vni);
    if (provider != places.providers.end()) station->provider = provider->second;
    return provider != places.providers.end();
  }
  const auto port = places.ports.find(row.port);
  if (port == places.ports.end()) return false;
  station->port = DecodePortId(port->second);
  station->device = DecodeDevice(port->second);
  return true;
}

// nullopt when its place is not here, or it is too old for the programs (or_find_station).
std::optional<Station> Decode(const abi::or_fdb_key& key, const abi::or_station& row,
                              const Places& places, uint64_t now_ns) {
  const auto vni = Vni::FromValue(key.vni);
  // Negative when it was heard after `now_ns` was read.
  const auto age = std::max<int64_t>(0, static_cast<int64_t>(now_ns - row.heard_ns));
  if (!vni.ok() || age >= static_cast<int64_t>(OR_STATION_AGE_NS)) return std::nullopt;
  Station station{.vni = *vni,
                  .mac = MacAddress(ToArray(key.mac)),
                  .provider = {},
                  .heard_s = static_cast<uint32_t>(static_cast<uint64_t>(age) / kNsPerS)};
  if (!Locate(key, row, places, &station)) return std::nullopt;
  return station;
}

// Takes out those that the FDB says another place of. They are in order.
absl::Status LeaveOut(const FdbRows& fdb, std::vector<Station>* stations) {
  if (stations->empty()) return absl::OkStatus();
  std::set<std::pair<Vni, MacAddress>> known;
  RETURN_IF_ERROR(fdb.Visit([&](const abi::or_fdb_key& key, const abi::or_fdb&) {
    const auto vni = Vni::FromValue(key.vni);
    if (!vni.ok()) return;
    const Station wanted{.vni = *vni, .mac = MacAddress(ToArray(key.mac)), .provider = {}};
    if (std::binary_search(stations->begin(), stations->end(), wanted, Before)) {
      known.emplace(wanted.vni, wanted.mac);
    }
  }));
  std::erase_if(*stations, [&](const Station& station) {
    return known.contains({station.vni, station.mac});
  });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StationList> PinnedStations::ListStations(const std::optional<Vni>& vni,
                                                         size_t limit) {
  ASSIGN_OR_RETURN(const auto pinned, sys::KernelBpfMaps::OpenPinned(
                                          PinnedMapsDir(bpffs_),
                                          {"or_stations", "or_providers", "or_fdb", "or_fdb_epochs",
                                           "or_fdb_more", "or_port_info", "or_segments"}));
  const DatapathMaps maps(pinned.get());
  ASSIGN_OR_RETURN(const Places places, ReadPlaces(maps));
  if (vni && !places.providers.contains(vni->value()) &&
      !(vni->IsLocal() && maps.segments.Lookup(vni->value()).ok())) {
    return absl::NotFoundError(fmt::format(
        "vni {}: no segment on this host that an uplink carries; see: outrider state show "
        "--applied",
        vni->ToString()));
  }
  const uint64_t now = MonotonicNs();
  StationList list;
  RETURN_IF_ERROR(maps.stations.Visit([&](const abi::or_fdb_key& key, const abi::or_station& row) {
    if (vni && key.vni != vni->value()) return;
    auto station = Decode(key, row, places, now);
    if (station) list.stations.push_back(*std::move(station));
  }));
  std::sort(list.stations.begin(), list.stations.end(), Before);
  // What is heard anew meanwhile may come twice.
  list.stations.erase(std::unique(list.stations.begin(), list.stations.end(), Same),
                      list.stations.end());
  RETURN_IF_ERROR(LeaveOut(maps.fdb, &list.stations));
  list.total = list.stations.size();
  if (list.stations.size() > limit) {
    list.stations.erase(list.stations.begin() + static_cast<ptrdiff_t>(limit), list.stations.end());
  }
  return list;
}

absl::StatusOr<uint64_t> PinnedStations::FlushStations(const std::optional<Vni>& vni) {
  ASSIGN_OR_RETURN(const auto pinned,
                   sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(bpffs_), {"or_stations"}));
  return ebpf::FlushStations(DatapathMaps(pinned.get()), vni);
}

}  // namespace outrider::datapath::ebpf
