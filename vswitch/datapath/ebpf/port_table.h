// Ports: a small stable index for each, its rows, its device. Owns or_ports, or_port_info,
// or_arrivals,
// or_policers, or_port_stats, or_first_frames, the drop counters of ports, and the rows without
// which they get no connections (or_connection_counts, or_fragments); and through policy_table.h
// what rows of ports refer to.
//
// A port's row is replaced in one step, after everything it refers to is in force and its device
// has our programs; whatever is missing leaves it blocked. Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_TABLE_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/device_binder.h"
#include "vswitch/datapath/ebpf/grace_period.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/policy_table.h"
#include "vswitch/datapath/ebpf/port_codec.h"
#include "vswitch/datapath/ebpf/rule_set_table.h"
#include "vswitch/datapath/ebpf/segment_table.h"
#include "vswitch/datapath/ebpf/vlan_table.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// Bytes.
struct UnderlayRoom {
  uint32_t mtu = 0;       // layer-3
  uint32_t overhead = 0;  // VtepPair::Overhead
};

class PortTable {
 public:
  // All must outlive this. `underlay`: what it can carry, and what encapsulation takes of it.
  PortTable(const DatapathMaps* maps, DeviceBinder* devices, SegmentTable* segments,
            const RuleSetTable* rule_sets, VlanTable* vlans, const UnderlayRoom& underlay)
      : maps_(maps),
        devices_(devices),
        segments_(segments),
        rule_sets_(rule_sets),
        vlans_(vlans),
        underlay_(underlay),
        grace_(maps->raw),
        policies_(maps) {}

  // Takes over the rows of an inventory without orphans (sweeper.h).
  void Load(const Inventory& inventory);

  // FailedPrecondition for an epoch older than the one in force; then nothing changes. Any other
  // error leaves the port blocked, with as much of the new state as there is.
  absl::Status Upsert(const PortId& id, const state::Port& port);
  absl::Status Delete(const PortId& id);
  // Applies the ports of a segment again, after its MTU changed.
  std::vector<std::pair<PortId, absl::Status>> RefreshSegment(const Vni& vni);

  void AllowOlderEpoch(const PortId& id);
  // Ports with a device that is not there any more as it was bound, or not shaped any more.
  absl::StatusOr<std::set<PortId>> FindLost();

  // Index of a port that is in force.
  std::optional<uint32_t> IndexOf(const PortId& id) const;
  // Index of a port that would now wait for its guest in a migration other than it is known by:
  // what it was here before, its guest has since been elsewhere.
  std::optional<uint32_t> ArrivesAnew(const PortId& id, const state::Port& wanted) const;
  // Whether stations are learned from the port, as it is in force.
  bool Learns(const PortId& id) const;
  bool UsesRuleSet(const Digest& digest) const;
  // As the row in force has it (enum or_port_phase); BLOCKED without one.
  uint8_t PhaseOf(const PortId& id) const;
  // Whether the port's programs ask or_moves; also of rows written from now on.
  absl::Status SetMoving(const PortId& id, bool moving);
  // Returns when no frame is on its way by a row that was replaced before.
  absl::Status WaitForFrames() { return grace_.Wait(); }
  // Removes the VLAN maps no port is on any more.
  absl::Status PurgeVlanMaps();
  // Removes what only rows named that no frame reads any more; waits for nothing.
  absl::Status RemoveRetired();
  // After a call of Apply: lets the wait for replaced rows begin.
  void EndApply();

 private:
  struct Entry {
    uint32_t index = 0;
    bool any_epoch = false;
    bool moving = false;
    state::Port port;  // as last applied
    // The row in force; absent until the first one is written.
    std::optional<abi::or_port> row;
    uint32_t ifindex = 0;  // device that has our programs for this port, perhaps gone; 0: none
  };

  absl::Status CheckEpoch(const PortId& id, const state::Port& port) const;
  absl::StatusOr<Entry*> EntryOf(const PortId& id);
  absl::StatusOr<bool> IsShaped(const Entry& entry) const;
  // Resolves segments, MTU, VLANs and rule sets. On error `port` is what remains of it: blocked,
  // and without what is missing.
  absl::Status Resolve(const PortId& id, state::Port* port, PortReferences* references) const;
  // `mtu` gets the largest of the port's segments.
  absl::Status ResolveSegments(const PortId& id, const state::Port& port, uint32_t* mtu) const;
  // Unbinds and binds until the entry's device is the port's; `mtu` 0: leave it as it is. `bound`
  // gets the device, index and flags, once its programs are in place, even if the MTU was refused.
  absl::Status Rebind(const PortId& id, const state::Port& port, uint32_t mtu, Entry* entry,
                      PortReferences* bound);
  // The device belonged to another port a moment ago: that one stops forwarding.
  absl::Status TakeFromOther(const PortId& id, uint32_t ifindex);
  absl::Status Unbind(Entry* entry);
  // The port stops forwarding and lets go of its device; the rest of its row stays.
  absl::Status Block(Entry* entry);
  // All rows of the port. The one that frames see comes last for a new port, and before what only
  // ReadState reads for an old one: then an interrupted write shows as a difference.
  absl::Status WriteRows(const PortId& id, const state::Port& port, PortReferences references,
                         Entry* entry);
  // On error the port has no row.
  absl::Status ReplaceRow(const abi::or_port& row, Entry* entry);
  // Puts the port on the lists of its segments as `row` says, and takes it off those of `old` that
  // it has left.
  void SetCopied(const abi::or_port& row, const std::optional<abi::or_port>& old, uint32_t index);
  // What is left when a row cannot be written: deletes it, which needs no memory. Without a row
  // nothing is forwarded in either direction.
  void Silence(Entry* entry);

  const DatapathMaps* const maps_;
  DeviceBinder* const devices_;
  SegmentTable* const segments_;
  const RuleSetTable* const rule_sets_;
  VlanTable* const vlans_;
  const UnderlayRoom underlay_;
  GracePeriod grace_;
  PolicyTable policies_;
  // When limits and addresses of rows replaced before have no reader.
  GracePeriod::Number policies_free_ = 0;
  // By index: when the place of the row before has no reader.
  std::array<GracePeriod::Number, OR_MAX_PORTS> place_free_ = {};
  std::map<PortId, Entry> entries_;
  std::set<uint32_t> indices_;
  uint32_t last_index_ = 0;
};

// The port counts from 0; its rules are the caller's (counters.h).
absl::Status ResetPortCounts(const DatapathMaps& maps, uint32_t index);

// Deletes every row keyed by a port index but that of or_ports: info, counters, drops, policer,
// first frame, count of connections. Absent rows are no error. Entries of or_connections, and what
// the port's rules counted, are the caller's to remove (connections.h, counters.h), before the
// index is used again: it takes a look at every row.
absl::Status DeletePortSideRows(const DatapathMaps& maps, uint32_t index);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_TABLE_H_
