#include "vswitch/ovs/references.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace outrider::ovs {
namespace {

using ovsdb::Atom;
using ovsdb::BaseType;
using ovsdb::Datum;
using ovsdb::RefKind;
using ovsdb::Uuid;

// Keys are in order already; values of maps are not, and may be there more than once.
std::vector<Uuid> Sorted(const std::vector<Atom>* atoms) {
  std::vector<Uuid> uuids;
  if (atoms == nullptr) return uuids;
  uuids.reserve(atoms->size());
  for (const Atom& atom : *atoms) uuids.push_back(std::get<Uuid>(atom));
  std::sort(uuids.begin(), uuids.end());
  return uuids;
}

void CompareAtoms(const std::string& column, const BaseType& type, const std::vector<Atom>* before,
                  const std::vector<Atom>* after, const References::Visitor& visitor) {
  if (type.ref == RefKind::kNone) return;
  const std::vector<Uuid> was = Sorted(before);
  const std::vector<Uuid> is = Sorted(after);
  std::vector<Uuid> only;
  std::set_difference(was.begin(), was.end(), is.begin(), is.end(), std::back_inserter(only));
  for (const Uuid& uuid : only) visitor(column, type, uuid, -1);
  only.clear();
  std::set_difference(is.begin(), is.end(), was.begin(), was.end(), std::back_inserter(only));
  for (const Uuid& uuid : only) visitor(column, type, uuid, +1);
}

const Datum* ColumnOf(const Row* row, const std::string& column) {
  return row == nullptr ? nullptr : &row->columns.at(column);
}

}  // namespace

void References::Compare(const ovsdb::TableSchema& table, const Row* before, const Row* after,
                         const Visitor& visitor) {
  for (const auto& [name, column] : table.columns) {
    const bool in_value = column.type.value && column.type.value->ref != RefKind::kNone;
    if (column.type.key.ref == RefKind::kNone && !in_value) continue;
    const Datum* was = ColumnOf(before, name);
    const Datum* is = ColumnOf(after, name);
    // Most columns of a changed row are as they were, and comparing is cheaper than sorting.
    if (was != nullptr && is != nullptr && *was == *is) continue;
    CompareAtoms(name, column.type.key, was ? &was->keys : nullptr, is ? &is->keys : nullptr,
                 visitor);
    if (!in_value) continue;
    CompareAtoms(name, *column.type.value, was ? &was->values : nullptr, is ? &is->values : nullptr,
                 visitor);
  }
}

void References::AddStrong(const RowId& target, int64_t count) {
  int64_t& total = strong_[target];
  total += count;
  if (total == 0) strong_.erase(target);
}

void References::AddWeak(const RowId& target, const RowId& source, int64_t count) {
  auto& sources = weak_[target];
  int64_t& total = sources[source];
  total += count;
  if (total == 0) sources.erase(source);
  if (sources.empty()) weak_.erase(target);
}

int64_t References::StrongCount(const RowId& target) const {
  const auto at = strong_.find(target);
  return at == strong_.end() ? 0 : at->second;
}

std::set<RowId> References::WeakSources(const RowId& target) const {
  std::set<RowId> ids;
  const auto at = weak_.find(target);
  if (at == weak_.end()) return ids;
  for (const auto& [source, count] : at->second) ids.insert(source);
  return ids;
}

}  // namespace outrider::ovs
