// Departures: which ports are on their way to another host, and what is remembered of them. Owns
// or_departures, or_departure_info, or_records; commands or_moves. A departure that names VTEP and
// label is watched: the port's row says so, and its programs record what it gets.
//
// Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_DEPARTURE_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_DEPARTURE_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/port_table.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/ebpf/vtep_table.h"

namespace outrider::datapath::ebpf {

class DepartureTable {
 public:
  // All must outlive this.
  DepartureTable(const DatapathMaps* maps, const ProgramSet* programs, PortTable* ports,
                 VtepTable* vteps)
      : maps_(maps), programs_(programs), ports_(ports), vteps_(vteps) {}

  // Takes over the rows of an inventory without orphans, after the ports, and goes on with what a
  // former process was sending.
  void Load(const Inventory& inventory);

  // FailedPrecondition when the port is not in force. A port that is DEPARTED is redirected.
  absl::Status Upsert(const PortId& id, const state::Departure& departure);
  // An ACTIVE port delivers again.
  absl::Status Delete(const PortId& id);
  // After the port's row was written: its phase may lead it away, or back.
  absl::Status FollowPort(const PortId& id);

  // As MovePath has them.
  absl::Status Redirect(const PortId& id, std::optional<uint64_t> first, uint64_t paused_boot_ns);
  absl::Status TakeBack(const PortId& id);

 private:
  struct Entry {
    uint32_t index = 0;
    uint32_t vtep = 0;  // 0: none
    bool watched = false;
    bool departed = false;
    state::Departure departure;
  };

  absl::StatusOr<const Entry*> Find(const PortId& id) const;
  absl::Status WriteRows(const state::Departure& departure, Entry* entry);
  absl::Status Watch(const PortId& id, Entry* entry);
  absl::Status EndWatch(const PortId& id, Entry* entry);
  absl::Status TakePortBack(uint32_t index) const;

  const DatapathMaps* const maps_;
  const ProgramSet* const programs_;
  PortTable* const ports_;
  VtepTable* const vteps_;
  std::map<PortId, Entry> entries_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_DEPARTURE_TABLE_H_
