// Multicast groups and where their frames go: to VTEPs by the controller's word, to ports by what
// their guests have said. Owns or_multicast_groups and or_multicast_members. The second half is not
// part of the host's state: it ages, and is kept in the map for the next process.
//
// A group's row is written before its first member and removed after the last, so that a group with
// members is never taken for one without. Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_MULTICAST_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_MULTICAST_TABLE_H_

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/vtep_table.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

class MulticastTable {
 public:
  // Both must outlive this.
  MulticastTable(const DatapathMaps* maps, VtepTable* vteps) : maps_(maps), vteps_(vteps) {}

  // Takes over the rows of an inventory without orphans (sweeper.h).
  void Load(const Inventory& inventory);

  // The VTEPs of a group, instead of those it has.
  absl::Status Upsert(const state::MulticastKey& key, const std::set<IpAddress>& vteps);
  absl::Status Delete(const state::MulticastKey& key) { return Upsert(key, {}); }

  // `until_ns`: CLOCK_BOOTTIME. Of a member it is renewed.
  absl::Status Join(const state::MulticastKey& key, uint32_t port, uint64_t until_ns);
  absl::Status Leave(const state::MulticastKey& key, uint32_t port);
  // The port is no more.
  absl::Status DropPort(uint32_t port);
  // Groups that ports joined, with port index and time.
  struct Member {
    state::MulticastKey key;
    uint32_t port = 0;
    uint64_t until_ns = 0;
  };
  std::vector<Member> Members() const;

 private:
  // Of one group: place, as in struct or_multicast_member, and the value of its row.
  using Places = std::map<uint32_t, uint64_t>;

  absl::Status Add(const state::MulticastKey& key, uint32_t place, uint64_t value);
  absl::Status Remove(const state::MulticastKey& key, uint32_t place);
  absl::Status AddVtep(const state::MulticastKey& key, const IpAddress& vtep);
  absl::Status RemoveVtep(const state::MulticastKey& key, uint32_t place);

  const DatapathMaps* const maps_;
  VtepTable* const vteps_;
  std::map<state::MulticastKey, Places> groups_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_MULTICAST_TABLE_H_
