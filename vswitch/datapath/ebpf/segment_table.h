// Segments, the VTEPs that are members of each, and the list of places a BUM frame is copied to.
// Owns or_segments, or_members and or_replication.
//
// A list is immutable: a change writes a new one, swaps the segment's row to it, and removes the
// old one when no frame walks it any more.
//
// The memory of a row that is replaced or deleted is the next row's, maybe while a frame still
// reads it. So until no frame does, only rows of a kind are written that such a frame may obey: of
// the kind of its own segment's row, before or after. What it can then read of another segment is a
// list, and the copies it makes by it have its own VNI: ports and VTEPs outside of its segment
// refuse them. Hence many rows of one kind need one wait, and rows of several kinds one for each,
// in that order. Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_SEGMENT_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_SEGMENT_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/grace_period.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/segment_codec.h"
#include "vswitch/datapath/ebpf/vtep_table.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

class SegmentTable {
 public:
  // Both must outlive this.
  SegmentTable(const DatapathMaps* maps, VtepTable* vteps)
      : maps_(maps), vteps_(vteps), grace_(maps->raw) {}

  // Takes over the rows of an inventory without orphans (sweeper.h).
  void Load(const Inventory& inventory);

  // Layer-3 MTU; nullopt for a segment that is not in force.
  std::optional<uint32_t> Mtu(const Vni& vni) const;
  // Whether an uplink carries the segment instead of VXLAN.
  bool HasProvider(const Vni& vni) const;
  // Other VTEPs are accepted as sources when this returns; copies go to them, and those that left
  // are refused, after the next Flush. Everything else is in force.
  absl::Status Upsert(const Vni& vni, const state::Segment& segment);
  absl::Status Delete(const Vni& vni);

  // A port enters or leaves the set that gets copies; takes effect with the next Flush.
  void SetCopied(uint32_t vni, uint32_t port_index, bool copied);
  // Writes the lists of segments whose ports or VTEPs changed, but for those `leaving`, which are
  // about to be deleted: some milliseconds for all of them, so it is not for a station that has
  // moved to wait for. What fails, and what is left out, stays for the next call.
  std::vector<std::pair<Vni, absl::Status>> Flush(const std::set<Vni>& leaving = {});

  // After a call of Apply: lets the wait for old lists begin.
  void EndApply() { grace_.Begin(); }

 private:
  struct Entry {
    state::Segment segment;  // `vteps` as in the list
    // As the next Flush makes it: with other VTEPs.
    std::optional<state::Segment> next;
    std::set<IpAddress> members;  // rows in or_members, one VTEP reference each
    std::set<uint32_t> listed_ports;
    uint32_t list = 0;
    uint32_t list_size = 0;
    bool in_force = false;
  };

  absl::Status AddMembers(const Vni& vni, const std::set<IpAddress>& vteps, Entry* entry);
  absl::Status RemoveMembers(const Vni& vni, const std::set<IpAddress>& keep, Entry* entry);
  // What Flush has to write, kind by kind. Forgets what is dirty and not in force.
  std::vector<Vni> TakeOutdated(const std::set<Vni>& leaving);
  absl::Status WriteOutdated(const Vni& vni);
  // Writes the list when it differs from the one in force, then the row.
  absl::Status WriteRow(const Vni& vni, const state::Segment& segment, Entry* entry);
  absl::StatusOr<uint32_t> WriteList(const Vni& vni, const std::set<uint32_t>& ports,
                                     const std::set<IpAddress>& vteps);
  // Returns when a row of this kind may be written where a frame may still read.
  absl::Status AwaitMemory(const SegmentKind& kind);
  // A row was replaced or deleted; `obeyed`: the kinds that its frames may find in its place.
  void MarkFreed(const std::set<SegmentKind>& obeyed);
  // Waits for frames on retired lists and removes these.
  absl::Status PurgeRetired();
  // Removes a list that no row has named; waits for nothing.
  void DropUnseen(uint32_t list, uint32_t size);

  const DatapathMaps* const maps_;
  VtepTable* const vteps_;
  GracePeriod grace_;
  std::map<Vni, Entry> entries_;
  std::map<uint32_t, std::set<uint32_t>> copied_;       // by VNI: port indices
  std::set<uint32_t> dirty_;                            // VNIs
  std::vector<std::pair<uint32_t, uint32_t>> retired_;  // list, size
  // Kinds that every frame on a freed row may obey; nullopt: there is no such frame.
  std::optional<std::set<SegmentKind>> obeyed_;
  uint32_t last_list_ = 0;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_SEGMENT_TABLE_H_
