#include "vswitch/datapath/ebpf/group_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "vswitch/datapath/ebpf/absent_row.h"
#include "vswitch/datapath/ebpf/group_codec.h"

namespace outrider::datapath::ebpf {
namespace {

bool Covers(const IpPrefix& outer, const IpPrefix& inner) {
  return outer.IsV4() == inner.IsV4() && outer.length() <= inner.length() &&
         IpPrefix::Create(inner.address(), outer.length()) == outer;
}

// ORs `rules` into a row.
void Include(const RuleBitmap& rules, abi::or_group_row* row) {
  rules.ForEachWord([row](uint32_t block, uint64_t word) {
    row->words[block] |= word;
    row->summary[block / 64] |= uint64_t{1} << (block % 64);
  });
}

bool IsEmpty(const abi::or_group_row& row) {
  return std::all_of(std::begin(row.summary), std::end(row.summary),
                     [](uint64_t word) { return word == 0; });
}

std::array<uint32_t, 3> Ordered(const abi::or_group_row_key& key) {
  return {key.set, key.combo, key.destination};
}

}  // namespace

absl::Status GroupTable::Insert(const state::GroupMember& member) {
  if (members_.contains(member)) return absl::OkStatus();
  changed_ = true;
  const absl::Status status = Write(member);
  if (status.ok()) {
    half_written_.erase(member);
    return status;
  }
  // Nobody knows of a member that failed: it must not stay in force when it is wanted no more.
  half_written_.insert(member);
  TakeBack();
  return status;
}

void GroupTable::TakeBack() {
  const std::set<state::GroupMember> members = half_written_;
  for (const state::GroupMember& member : members) {
    if (Erase(member).ok()) half_written_.erase(member);
  }
}

absl::Status GroupTable::Write(const state::GroupMember& member) {
  ASSIGN_OR_RETURN(const uint32_t group, IdOf(member.group));
  const auto [entry, is_new] = prefixes_.try_emplace(member.prefix);
  if (is_new) ++lengths_[{member.prefix.IsV4(), member.prefix.length()}];
  entry->second.groups.insert(group);
  RETURN_IF_ERROR(UpdateWithin(member.prefix));
  // Last: an interrupted Apply leaves the member out of ReadState, and is repeated.
  const abi::or_group_member row{.group = group, .prefix = EncodePrefix(member.prefix)};
  RETURN_IF_ERROR(maps_->group_members.Update(row, 0));
  members_.insert(member);
  return absl::OkStatus();
}

absl::Status GroupTable::Erase(const state::GroupMember& member) {
  const auto group = ids_.find(member.group);
  if (group == ids_.end()) return absl::OkStatus();
  changed_ = true;
  if (const auto entry = prefixes_.find(member.prefix); entry != prefixes_.end()) {
    entry->second.groups.erase(group->second);
    RETURN_IF_ERROR(UpdateWithin(member.prefix));
  }
  const abi::or_group_member row{.group = group->second, .prefix = EncodePrefix(member.prefix)};
  RETURN_IF_ERROR(OkIfAbsent(maps_->group_members.Delete(row)));
  members_.erase(member);
  half_written_.erase(member);
  // Members of one group stand together.
  const auto left = members_.lower_bound({.group = member.group, .prefix = {}});
  if (left != members_.end() && left->group == member.group) return absl::OkStatus();
  RETURN_IF_ERROR(OkIfAbsent(maps_->groups.Delete(group->second)));
  names_.erase(group->second);
  ids_.erase(group);
  return absl::OkStatus();
}

absl::Status GroupTable::AddSet(uint32_t set, GroupRules rules) {
  if (rules.source.empty() && rules.destination.empty()) return absl::OkStatus();
  std::vector<Row> rows;
  for (const auto& [combo, entry] : combos_) {
    for (const Row& row : RowsOf(set, rules, combo, entry.groups)) rows.push_back(row);
  }
  sets_[set] = std::move(rules);
  return WriteRows(rows);
}

absl::Status GroupTable::RemoveSet(uint32_t set) {
  if (!sets_.contains(set)) return absl::OkStatus();
  for (const auto& [combo, entry] : combos_) RETURN_IF_ERROR(DeleteRows(set, combo));
  for (const auto* left : {&retired_, &unseen_}) {
    for (const uint32_t combo : *left) RETURN_IF_ERROR(DeleteRows(set, combo));
  }
  sets_.erase(set);
  grace_.MarkFreed();
  return absl::OkStatus();
}

absl::Status GroupTable::EndApply() {
  TakeBack();
  if (changed_) RETURN_IF_ERROR(RaiseRevision());
  if (!unseen_.empty()) {
    RETURN_IF_ERROR(grace_.Wait());
    for (const uint32_t combo : unseen_) {
      for (const auto& [set, rules] : sets_) RETURN_IF_ERROR(DeleteRows(set, combo));
    }
    unseen_.clear();
    grace_.MarkFreed();
  }
  if (!retired_.empty()) grace_.MarkFreed();
  std::swap(unseen_, retired_);
  grace_.Begin();
  return absl::OkStatus();
}

absl::Status GroupTable::RaiseRevision() {
  ASSIGN_OR_RETURN(const uint64_t revision, maps_->group_revision.Lookup(0));
  RETURN_IF_ERROR(maps_->group_revision.Update(0, revision + 1));
  changed_ = false;
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> GroupTable::IdOf(const std::string& group) {
  if (const auto found = ids_.find(group); found != ids_.end()) return found->second;
  const uint32_t id = names_.empty() ? 1 : names_.rbegin()->first + 1;
  abi::or_group row{};
  std::memcpy(row.name, group.data(), std::min(group.size(), sizeof(row.name) - 1));
  RETURN_IF_ERROR(maps_->groups.Update(id, row, sys::UpdateMode::kNoExist));
  ids_[group] = id;
  names_[id] = group;
  return id;
}

GroupTable::Groups GroupTable::GroupsAround(const IpPrefix& prefix) const {
  Groups groups;
  for (auto length = lengths_.lower_bound({prefix.IsV4(), 0}); length != lengths_.end(); ++length) {
    if (length->first.first != prefix.IsV4() || length->first.second > prefix.length()) break;
    const auto found = prefixes_.find(IpPrefix::Create(prefix.address(), length->first.second));
    if (found == prefixes_.end()) continue;
    groups.insert(found->second.groups.begin(), found->second.groups.end());
  }
  return groups;
}

absl::Status GroupTable::UpdateWithin(const IpPrefix& prefix) {
  auto it = prefixes_.find(prefix);
  const bool gone = it->second.groups.empty();
  for (auto inner = std::next(it); inner != prefixes_.end(); ++inner) {
    // In order of addresses: behind the last address within there is nothing more. IPv4's are in
    // the midst of ::/0 and the like, but not within.
    if (!Covers(prefix, inner->first)) {
      if (inner->first.IsV4() && !prefix.IsV4()) continue;
      break;
    }
    RETURN_IF_ERROR(UpdateCombo(inner->first, &inner->second));
  }
  if (!gone) return UpdateCombo(prefix, &it->second);
  if (it->second.combo != 0) {
    RETURN_IF_ERROR(OkIfAbsent(maps_->group_combos.Delete(EncodePrefix(prefix))));
    Release(it->second.combo);
  }
  const auto length = lengths_.find({prefix.IsV4(), prefix.length()});
  if (--length->second == 0) lengths_.erase(length);
  prefixes_.erase(it);
  return absl::OkStatus();
}

absl::Status GroupTable::UpdateCombo(const IpPrefix& prefix, Prefix* entry) {
  const Groups groups = GroupsAround(prefix);
  if (entry->combo != 0 && combos_.at(entry->combo).groups == groups) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint32_t combo, ComboOf(groups));
  RETURN_IF_ERROR(maps_->group_combos.Update(EncodePrefix(prefix), combo));
  ++combos_.at(combo).uses;
  if (entry->combo != 0) Release(entry->combo);
  entry->combo = combo;
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> GroupTable::ComboOf(const Groups& groups) {
  if (const auto found = combo_ids_.find(groups); found != combo_ids_.end()) return found->second;
  const uint32_t id = last_combo_ + 1;
  std::vector<Row> rows;
  for (const auto& [set, rules] : sets_) {
    for (const Row& row : RowsOf(set, rules, id, groups)) rows.push_back(row);
  }
  RETURN_IF_ERROR(WriteRows(rows));
  last_combo_ = id;
  combo_ids_[groups] = id;
  combos_[id].groups = groups;
  return id;
}

void GroupTable::Release(uint32_t combo) {
  const auto found = combos_.find(combo);
  if (--found->second.uses > 0) return;
  combo_ids_.erase(found->second.groups);
  combos_.erase(found);
  retired_.push_back(combo);
}

std::vector<GroupTable::Row> GroupTable::RowsOf(uint32_t set, const GroupRules& rules,
                                                uint32_t combo, const Groups& groups) const {
  std::vector<Row> rows;
  for (const uint32_t destination : {0u, 1u}) {
    Row row{.key = {.set = set, .combo = combo, .destination = destination}, .row = {}};
    const auto& by_name = destination == 0 ? rules.source : rules.destination;
    for (const uint32_t group : groups) {
      const auto found = by_name.find(names_.at(group));
      if (found != by_name.end()) Include(found->second, &row.row);
    }
    if (!IsEmpty(row.row)) rows.push_back(row);
  }
  return rows;
}

absl::Status GroupTable::WriteRows(const std::vector<Row>& rows) {
  if (rows.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(grace_.Wait());
  for (const Row& row : rows) RETURN_IF_ERROR(maps_->group_rows.Update(row.key, row.row));
  return absl::OkStatus();
}

absl::Status GroupTable::DeleteRows(uint32_t set, uint32_t combo) {
  for (const uint32_t destination : {0u, 1u}) {
    RETURN_IF_ERROR(OkIfAbsent(maps_->group_rows.Delete({set, combo, destination})));
  }
  return absl::OkStatus();
}

absl::Status GroupTable::Load(const Inventory& inventory) {
  LoadMembers(inventory);
  for (const auto& [id, loaded] : inventory.rule_sets) {
    GroupRules rules = FindGroupRules(loaded.set);
    if (!rules.source.empty() || !rules.destination.empty()) sets_[id] = std::move(rules);
  }
  AdoptCombos(inventory);
  RETURN_IF_ERROR(RepairRows(inventory));
  for (auto& [prefix, entry] : prefixes_) RETURN_IF_ERROR(UpdateCombo(prefix, &entry));
  RETURN_IF_ERROR(DeleteStrays(inventory));
  // Who ran before may have ended between a change and this.
  return sets_.empty() ? absl::OkStatus() : RaiseRevision();
}

void GroupTable::LoadMembers(const Inventory& inventory) {
  for (const auto& [id, name] : inventory.groups) {
    ids_[name] = id;
    names_[id] = name;
  }
  for (const abi::or_group_member& row : inventory.group_members) {
    const auto name = names_.find(row.group);
    if (name == names_.end()) continue;
    const IpPrefix prefix = DecodePrefix(row.prefix);
    members_.insert({.group = name->second, .prefix = prefix});
    const auto [entry, is_new] = prefixes_.try_emplace(prefix);
    if (is_new) ++lengths_[{prefix.IsV4(), prefix.length()}];
    entry->second.groups.insert(row.group);
  }
}

// A prefix keeps its combo where that stands for the groups it should. Which groups those are is
// not written down: the first prefix that leads to a combo tells.
void GroupTable::AdoptCombos(const Inventory& inventory) {
  for (const auto& [key, id] : inventory.group_combos) {
    last_combo_ = std::max(last_combo_, id);
    const auto entry = prefixes_.find(DecodePrefix(key));
    if (entry == prefixes_.end()) continue;
    const Groups groups = GroupsAround(entry->first);
    const auto [known, is_new] = combos_.try_emplace(id, Combo{.groups = groups, .uses = 0});
    if (is_new && !combo_ids_.try_emplace(groups, id).second) {
      combos_.erase(known);
      continue;
    }
    if (known->second.groups != groups) continue;
    ++known->second.uses;
    entry->second.combo = id;
  }
}

absl::Status GroupTable::RepairRows(const Inventory& inventory) {
  std::map<std::array<uint32_t, 3>, const abi::or_group_row*> present;
  for (const auto& [key, row] : inventory.group_rows) {
    present[Ordered(key)] = &row;
    last_combo_ = std::max(last_combo_, key.combo);
  }
  std::vector<Row> wrong;
  std::set<std::array<uint32_t, 3>> wanted;
  for (const auto& [set, rules] : sets_) {
    for (const auto& [combo, entry] : combos_) {
      for (const Row& row : RowsOf(set, rules, combo, entry.groups)) {
        wanted.insert(Ordered(row.key));
        const auto found = present.find(Ordered(row.key));
        const bool right =
            found != present.end() && std::memcmp(found->second, &row.row, sizeof(row.row)) == 0;
        if (!right) wrong.push_back(row);
      }
    }
  }
  for (const auto& [key, row] : inventory.group_rows) {
    if (wanted.contains(Ordered(key))) continue;
    RETURN_IF_ERROR(OkIfAbsent(maps_->group_rows.Delete(key)));
    grace_.MarkFreed();
  }
  return WriteRows(wrong);
}

// Entries that are of no member.
absl::Status GroupTable::DeleteStrays(const Inventory& inventory) {
  for (const auto& [key, id] : inventory.group_combos) {
    if (prefixes_.contains(DecodePrefix(key))) continue;
    RETURN_IF_ERROR(OkIfAbsent(maps_->group_combos.Delete(key)));
  }
  for (const abi::or_group_member& row : inventory.group_members) {
    if (names_.contains(row.group)) continue;
    RETURN_IF_ERROR(OkIfAbsent(maps_->group_members.Delete(row)));
  }
  for (const auto& [id, name] : inventory.groups) {
    const auto left = members_.lower_bound({.group = name, .prefix = {}});
    if (left != members_.end() && left->group == name) continue;
    RETURN_IF_ERROR(OkIfAbsent(maps_->groups.Delete(id)));
    ids_.erase(name);
    names_.erase(id);
  }
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
