#include "vswitch/ovs/working_set.h"

#include <utility>

namespace outrider::ovs {

using ovsdb::Uuid;

const Table* WorkingSet::TableOf(const std::string& table) const {
  const auto at = tables_.find(table);
  return at == tables_.end() ? nullptr : &at->second;
}

const PendingRow* WorkingSet::PendingOf(const std::string& table, const Uuid& uuid) const {
  const auto rows = pending_.find(table);
  if (rows == pending_.end()) return nullptr;
  const auto row = rows->second.find(uuid);
  return row == rows->second.end() ? nullptr : &row->second;
}

const Row* WorkingSet::Before(const std::string& table, const Uuid& uuid) const {
  const Table* rows = TableOf(table);
  if (rows == nullptr) return nullptr;
  const auto row = rows->find(uuid);
  return row == rows->end() ? nullptr : row->second.get();
}

const Row* WorkingSet::Find(const std::string& table, const Uuid& uuid) const {
  const PendingRow* pending = PendingOf(table, uuid);
  return pending != nullptr ? pending->after.get() : Before(table, uuid);
}

bool WorkingSet::IsKnown(const std::string& table, const Uuid& uuid) const {
  return PendingOf(table, uuid) != nullptr || Before(table, uuid) != nullptr;
}

Row* WorkingSet::Edit(const std::string& table, const Uuid& uuid) {
  PendingTable& rows = pending_[table];
  const auto at = rows.find(uuid);
  if (at != rows.end()) return at->second.after.get();
  const Table* base = TableOf(table);
  if (base == nullptr) return nullptr;
  const auto row = base->find(uuid);
  if (row == base->end()) return nullptr;
  PendingRow& pending = rows[uuid];
  pending.before = row->second;
  pending.after = std::make_shared<Row>(*row->second);
  return pending.after.get();
}

void WorkingSet::Insert(const std::string& table, const Uuid& uuid, std::shared_ptr<Row> row) {
  pending_[table][uuid] = PendingRow{nullptr, std::move(row)};
}

void WorkingSet::Delete(const std::string& table, const Uuid& uuid) {
  PendingTable& rows = pending_[table];
  const auto at = rows.find(uuid);
  if (at != rows.end()) {
    at->second.after = nullptr;
    return;
  }
  const Table* base = TableOf(table);
  const auto row = base->find(uuid);
  rows[uuid] = PendingRow{row->second, nullptr};
}

std::vector<Uuid> WorkingSet::Matching(const std::string& table, const Condition& condition) const {
  std::vector<Uuid> uuids;
  // What clients that know their rows ask, whatever the size of the table.
  if (const std::optional<Uuid> only = condition.only_row()) {
    const Row* row = Find(table, *only);
    if (row != nullptr && condition.Matches(*only, *row)) uuids.push_back(*only);
    return uuids;
  }
  const auto changed = pending_.find(table);
  if (const Table* rows = TableOf(table)) {
    for (const auto& [uuid, row] : *rows) {
      if (changed != pending_.end() && changed->second.count(uuid) != 0) continue;
      if (condition.Matches(uuid, *row)) uuids.push_back(uuid);
    }
  }
  // Rows in the transaction are as it left them, and some were not there before.
  if (changed == pending_.end()) return uuids;
  for (const auto& [uuid, row] : changed->second) {
    if (row.after != nullptr && condition.Matches(uuid, *row.after)) uuids.push_back(uuid);
  }
  return uuids;
}

size_t WorkingSet::Count(const std::string& table) const {
  const Table* rows = TableOf(table);
  size_t count = rows == nullptr ? 0 : rows->size();
  const auto changed = pending_.find(table);
  if (changed == pending_.end()) return count;
  for (const auto& [uuid, row] : changed->second) {
    if (row.before == nullptr && row.after != nullptr) ++count;
    if (row.before != nullptr && row.after == nullptr) --count;
  }
  return count;
}

void WorkingSet::DropUnchanged() {
  for (auto& [table, rows] : pending_) {
    std::erase_if(rows, [](const auto& entry) {
      const PendingRow& row = entry.second;
      if (row.before == nullptr || row.after == nullptr) return row.before == row.after;
      return row.before->columns == row.after->columns;
    });
  }
  std::erase_if(pending_, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace outrider::ovs
