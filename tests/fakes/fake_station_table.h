// A StationTable in memory: stations that a test puts there. Thread rule: one thread at a time.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_STATION_TABLE_H_
#define OUTRIDER_TESTS_FAKES_FAKE_STATION_TABLE_H_

#include <vector>

#include "vswitch/datapath/station_table.h"

namespace outrider::datapath {

class FakeStationTable final : public StationTable {
 public:
  absl::StatusOr<StationList> ListStations(const std::optional<Vni>& vni, size_t limit) override {
    StationList list;
    for (const Station& station : stations) {
      if (vni && station.vni != *vni) continue;
      if (list.total++ < limit) list.stations.push_back(station);
    }
    if (vni && list.total == 0) {
      return absl::NotFoundError("vni " + vni->ToString() + ": no segment on this host");
    }
    return list;
  }

  absl::StatusOr<uint64_t> FlushStations(const std::optional<Vni>& vni) override {
    return std::erase_if(stations,
                         [&](const Station& station) { return !vni || station.vni == *vni; });
  }

  // In order.
  std::vector<Station> stations;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_FAKES_FAKE_STATION_TABLE_H_
