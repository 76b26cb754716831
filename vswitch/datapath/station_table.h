// The stations that a host heard behind its uplinks, in segments that physical networks carry, and
// behind its ports, in local ones; for people. Apart from Datapath: stations come from frames, not
// from a HostState.
//
// Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_STATION_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_STATION_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/state/host_state.h"

namespace outrider::datapath {

struct Station {
  Vni vni;
  MacAddress mac;
  // What carries the segment here; nothing for a station behind a port.
  state::Provider provider;
  // Since it was last heard, seconds.
  uint32_t heard_s = 0;
  // Behind which it was heard last, and its device; absent: the uplink.
  std::optional<PortId> port = {};
  std::string device = {};
  bool operator==(const Station&) const = default;
};

struct StationList {
  // Ordered by VNI, MAC.
  std::vector<Station> stations;
  // How many there are, listed or not.
  uint64_t total = 0;
};

class StationTable {
 public:
  virtual ~StationTable() = default;

  // The first `limit` stations of a segment, or of all. Not those that are too old to be used, and
  // not the ports of this host, whatever was heard in their name. NotFound: no segment here that an
  // uplink carries, or that is local, has this VNI.
  virtual absl::StatusOr<StationList> ListStations(const std::optional<Vni>& vni, size_t limit) = 0;
  // Forgets them until they speak again: of a segment, or all. Says how many.
  virtual absl::StatusOr<uint64_t> FlushStations(const std::optional<Vni>& vni) = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_STATION_TABLE_H_
