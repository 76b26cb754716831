// The stations that the programs learned (or_abi's or_uplink.h), in the pinned maps, with or
// without a datapath in this process. Any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PINNED_STATIONS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PINNED_STATIONS_H_

#include <optional>
#include <string>
#include <utility>

#include "vswitch/datapath/station_table.h"

namespace outrider::datapath::ebpf {

class PinnedStations final : public StationTable {
 public:
  // `bpffs` as in the datapath's Options.
  explicit PinnedStations(std::string bpffs) : bpffs_(std::move(bpffs)) {}

  // Opens the maps for each call: a datapath that starts anew may replace them.
  absl::StatusOr<StationList> ListStations(const std::optional<Vni>& vni, size_t limit) override;
  absl::StatusOr<uint64_t> FlushStations(const std::optional<Vni>& vni) override;

 private:
  const std::string bpffs_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PINNED_STATIONS_H_
