#include "vswitch/datapath/ebpf/policy_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vswitch/datapath/ebpf/absent_row.h"

namespace outrider::datapath::ebpf {
namespace {

abi::or_allowed_slot SlotOf(uint32_t list, size_t slot) {
  return {list, static_cast<uint32_t>(slot)};
}

// What tells of the list first: an interrupted write leaves nothing that nobody finds.
absl::Status WriteAllowedList(const DatapathMaps& maps, uint32_t list,
                              const std::vector<abi::or_allowed_row>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    RETURN_IF_ERROR(maps.allowed_rows.Update(SlotOf(list, i), rows[i]));
  }
  for (const abi::or_allowed_row& row : rows) {
    if (const auto mac = AllowedMac(list, row)) {
      RETURN_IF_ERROR(maps.allowed_macs.Update(*mac, 1));
    }
    if (const auto key = AllowedKey(list, row)) RETURN_IF_ERROR(maps.allowed.Update(*key, 1));
  }
  return absl::OkStatus();
}

template <typename Value>
void KeepUnused(const std::map<uint32_t, Value>& all, const std::set<uint32_t>& used,
                std::set<uint32_t>* unused) {
  unused->clear();
  for (const auto& [id, value] : all) {
    if (!used.contains(id)) unused->insert(id);
  }
}

}  // namespace

absl::Status DeleteAllowedList(const DatapathMaps& maps, uint32_t list,
                               const std::vector<abi::or_allowed_row>& rows) {
  for (const abi::or_allowed_row& row : rows) {
    if (const auto key = AllowedKey(list, row)) {
      RETURN_IF_ERROR(OkIfAbsent(maps.allowed.Delete(*key)));
    }
    if (const auto mac = AllowedMac(list, row)) {
      RETURN_IF_ERROR(OkIfAbsent(maps.allowed_macs.Delete(*mac)));
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    RETURN_IF_ERROR(OkIfAbsent(maps.allowed_rows.Delete(SlotOf(list, i))));
  }
  return absl::OkStatus();
}

bool PolicyTable::LessBytes::operator()(const abi::or_limits& a, const abi::or_limits& b) const {
  return std::memcmp(&a, &b, sizeof(a)) < 0;
}

bool PolicyTable::LessBytes::operator()(const AllowedRows& a, const AllowedRows& b) const {
  if (a.size() != b.size()) return a.size() < b.size();
  return !a.empty() && std::memcmp(a.data(), b.data(), a.size() * sizeof(a[0])) < 0;
}

void PolicyTable::Load(const Inventory& inventory) {
  for (const auto& [id, limits] : inventory.limits) {
    limits_[id] = limits;
    limit_ids_[limits] = id;
    last_limits_ = id;
  }
  for (const auto& [list, slots] : inventory.allowed) {
    AllowedRows rows;
    for (const auto& [slot, row] : slots) rows.push_back(row);
    allowed_ids_[rows] = list;
    allowed_[list] = std::move(rows);
    last_allowed_ = list;
  }
}

absl::StatusOr<PolicyIds> PolicyTable::Ensure(const state::Port& port) {
  PolicyIds ids;
  const abi::or_limits limits = EncodeLimits(port);
  const abi::or_limits none{};
  if (LessBytes()(none, limits)) {
    ASSIGN_OR_RETURN(ids.limits, EnsureLimits(limits));
  }
  if (!port.allowed.empty()) {
    ASSIGN_OR_RETURN(ids.allowed, EnsureAllowed(EncodeAllowed(port.allowed)));
  }
  return ids;
}

absl::StatusOr<uint32_t> PolicyTable::EnsureLimits(const abi::or_limits& limits) {
  if (const auto found = limit_ids_.find(limits); found != limit_ids_.end()) {
    retired_limits_.erase(found->second);
    return found->second;
  }
  const uint32_t id = last_limits_ + 1;
  RETURN_IF_ERROR(maps_->limits.Update(id, limits, sys::UpdateMode::kNoExist));
  last_limits_ = id;
  limits_[id] = limits;
  limit_ids_[limits] = id;
  return id;
}

absl::StatusOr<uint32_t> PolicyTable::EnsureAllowed(const AllowedRows& rows) {
  if (const auto found = allowed_ids_.find(rows); found != allowed_ids_.end()) {
    retired_allowed_.erase(found->second);
    return found->second;
  }
  // Taken also when the write fails: what is left of it must not become part of another list.
  const uint32_t list = ++last_allowed_;
  if (const absl::Status status = WriteAllowedList(*maps_, list, rows); !status.ok()) {
    allowed_[list] = rows;
    retired_allowed_.insert(list);
    return status;
  }
  allowed_[list] = rows;
  allowed_ids_[rows] = list;
  return list;
}

abi::or_limits PolicyTable::LimitsOf(uint32_t id) const {
  const auto found = limits_.find(id);
  return found == limits_.end() ? abi::or_limits{} : found->second;
}

void PolicyTable::Retire(const std::set<uint32_t>& used_limits,
                         const std::set<uint32_t>& used_allowed) {
  KeepUnused(limits_, used_limits, &retired_limits_);
  KeepUnused(allowed_, used_allowed, &retired_allowed_);
}

absl::Status PolicyTable::RemoveRetired() {
  while (!retired_limits_.empty()) {
    const uint32_t id = *retired_limits_.begin();
    RETURN_IF_ERROR(OkIfAbsent(maps_->limits.Delete(id)));
    retired_limits_.erase(id);
    limit_ids_.erase(limits_[id]);
    limits_.erase(id);
  }
  while (!retired_allowed_.empty()) {
    const uint32_t list = *retired_allowed_.begin();
    RETURN_IF_ERROR(DeleteAllowedList(*maps_, list, allowed_[list]));
    retired_allowed_.erase(list);
    // A list whose write failed never was the one of its content.
    const auto found = allowed_ids_.find(allowed_[list]);
    if (found != allowed_ids_.end() && found->second == list) allowed_ids_.erase(found);
    allowed_.erase(list);
  }
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
