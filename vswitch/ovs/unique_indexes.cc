#include "vswitch/ovs/unique_indexes.h"

namespace outrider::ovs {

UniqueIndexes::Values UniqueIndexes::ValuesOf(const std::vector<std::string>& index,
                                              const Row& row) {
  Values values;
  values.reserve(index.size());
  for (const std::string& column : index) values.push_back(row.columns.at(column));
  return values;
}

std::optional<ovsdb::Uuid> UniqueIndexes::Find(const std::string& table, size_t index,
                                               const Values& values) const {
  const auto at = tables_.find(table);
  if (at == tables_.end()) return std::nullopt;
  const auto entry = at->second[index].find(values);
  if (entry == at->second[index].end()) return std::nullopt;
  return entry->second;
}

void UniqueIndexes::Add(const std::string& table, const ovsdb::TableSchema& schema,
                        const ovsdb::Uuid& uuid, const Row& row) {
  if (schema.indexes.empty()) return;
  auto& indexes = tables_[table];
  indexes.resize(schema.indexes.size());
  for (size_t i = 0; i < indexes.size(); ++i) {
    indexes[i].emplace(ValuesOf(schema.indexes[i], row), uuid);
  }
}

void UniqueIndexes::Remove(const std::string& table, const ovsdb::TableSchema& schema,
                           const Row& row) {
  if (schema.indexes.empty()) return;
  auto& indexes = tables_[table];
  for (size_t i = 0; i < indexes.size(); ++i) {
    indexes[i].erase(ValuesOf(schema.indexes[i], row));
  }
}

}  // namespace outrider::ovs
