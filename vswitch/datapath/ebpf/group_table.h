// Groups of addresses that rules name: a change of members changes no rule set. Owns or_groups,
// or_group_members, or_group_combos and or_group_rows.
//
// A combo is a set of groups. Every prefix that is in some group leads to the combo of all groups
// that it or a shorter prefix around it is in; every pair of combo and rule set has rows of the
// rules that name one of these groups. So one member more or less changes the entry of its prefix
// and of longer ones within, and rows only where a combo is new.
//
// Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_GROUP_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_GROUP_TABLE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/acl/compiler.h"
#include "vswitch/datapath/ebpf/grace_period.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

class GroupTable {
 public:
  // `maps` must outlive this.
  explicit GroupTable(const DatapathMaps* maps) : maps_(maps), grace_(maps->raw) {}

  // Takes over the rows of an inventory, and makes whole what an interrupted Apply left half done.
  absl::Status Load(const Inventory& inventory);

  // Both may be repeated. A member that could not be inserted is taken back, at the latest with the
  // end of a later Apply; one that could not be erased may be half done, and a repetition completes
  // it.
  absl::Status Insert(const state::GroupMember& member);
  absl::Status Erase(const state::GroupMember& member);

  // Before a port refers to the rule set. After an error the set must not be used.
  absl::Status AddSet(uint32_t set, GroupRules rules);
  bool IsNamedBy(uint32_t set) const { return sets_.contains(set); }
  // When no frame looks at the rule set any more.
  absl::Status RemoveSet(uint32_t set);

  // After a call of Apply: connections that old members admitted are judged again; rows that frames
  // may still look at go a grace period later.
  absl::Status EndApply();

 private:
  using Groups = std::set<uint32_t>;  // ids
  struct Prefix {
    Groups groups;       // of its own
    uint32_t combo = 0;  // as or_group_combos has it; 0: it has none
  };
  struct Combo {
    Groups groups;
    uint32_t uses = 0;  // prefixes
  };
  struct Row {
    abi::or_group_row_key key;
    abi::or_group_row row;
  };

  absl::Status Write(const state::GroupMember& member);
  // What of half_written_ can be.
  void TakeBack();
  absl::StatusOr<uint32_t> IdOf(const std::string& group);
  // The groups of a prefix and of all around it.
  Groups GroupsAround(const IpPrefix& prefix) const;
  // Gives the prefix, and those within it, the combos that are theirs by now.
  absl::Status UpdateWithin(const IpPrefix& prefix);
  absl::Status UpdateCombo(const IpPrefix& prefix, Prefix* entry);
  absl::StatusOr<uint32_t> ComboOf(const Groups& groups);
  void Release(uint32_t combo);
  // Rows of the rules that name one of the groups; empty ones are left out.
  std::vector<Row> RowsOf(uint32_t set, const GroupRules& rules, uint32_t combo,
                          const Groups& groups) const;
  absl::Status WriteRows(const std::vector<Row>& rows);
  absl::Status DeleteRows(uint32_t set, uint32_t combo);

  absl::Status RaiseRevision();
  void LoadMembers(const Inventory& inventory);
  void AdoptCombos(const Inventory& inventory);
  absl::Status RepairRows(const Inventory& inventory);
  absl::Status DeleteStrays(const Inventory& inventory);

  const DatapathMaps* const maps_;
  GracePeriod grace_;
  std::set<state::GroupMember> members_;  // as or_group_members has them
  std::set<state::GroupMember> half_written_;
  std::map<std::string, uint32_t> ids_;
  std::map<uint32_t, std::string> names_;
  std::map<IpPrefix, Prefix> prefixes_;
  std::map<std::pair<bool, int>, uint32_t> lengths_;  // {IPv4, length} -> prefixes
  std::map<uint32_t, Combo> combos_;
  std::map<Groups, uint32_t> combo_ids_;
  std::map<uint32_t, GroupRules> sets_;
  std::vector<uint32_t> retired_;  // combos no prefix leads to any more
  std::vector<uint32_t> unseen_;   // ... and, after a grace period, no frame looks at
  uint32_t last_combo_ = 0;
  bool changed_ = false;  // members, since the revision was raised
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_GROUP_TABLE_H_
