#include "vswitch/cli/plan.h"

#include <utility>

namespace outrider::cli {

using ovsdb::Json;

namespace {

// With more names a server that has no index by name is faster in giving the whole table.
constexpr size_t kMostNames = 16;

Json ColumnsJson(const std::set<std::string>& columns) {
  Json json = Json::array();
  for (const std::string& column : columns) json.push_back(column);
  return json;
}

}  // namespace

void Plan::AlsoColumns(const std::string& table, const std::vector<std::string>& columns) {
  const auto found = schema_->tables.find(table);
  if (found == schema_->tables.end()) return;
  for (const std::string& column : columns) {
    if (found->second.columns.count(column) > 0) tables_[table].columns.insert(column);
  }
}

void Plan::Need(const std::string& table, const std::vector<std::string>& columns) {
  if (schema_->tables.count(table) == 0) return;
  tables_[table].all = true;
  AlsoColumns(table, columns);
}

void Plan::NeedNamed(const std::string& table, const std::string& name_column,
                     const std::string& name, const std::vector<std::string>& columns) {
  if (schema_->tables.count(table) == 0) return;
  Rows& rows = tables_[table];
  rows.name_column = name_column;
  rows.names.insert(name);
  rows.all |= whole_ || rows.names.size() > kMostNames;
  AlsoColumns(table, {name_column});
  AlsoColumns(table, columns);
}

Plan::Selects Plan::Operations() const {
  Selects selects;
  for (const auto& [table, rows] : tables_) {
    // Columns alone, of rows nobody asked for.
    if (!rows.all && rows.names.empty()) continue;
    Json columns = ColumnsJson(rows.columns);
    columns.push_back("_uuid");
    const auto select = [&, &table = table](Json where) {
      selects.operations.push_back(
          {{"op", "select"}, {"table", table}, {"where", std::move(where)}, {"columns", columns}});
      selects.tables.push_back(table);
    };
    if (rows.all) {
      select(Json::array());
      continue;
    }
    for (const std::string& name : rows.names) {
      select(Json::array({Json::array({rows.name_column, "==", name})}));
    }
  }
  return selects;
}

Json Plan::MonitorRequests() const {
  Json requests = Json::object();
  for (const auto& [table, rows] : tables_) {
    requests[table] = {{"columns", ColumnsJson(rows.columns)}, {"select", {{"initial", false}}}};
  }
  return requests;
}

}  // namespace outrider::cli
