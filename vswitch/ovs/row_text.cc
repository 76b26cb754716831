#include "vswitch/ovs/row_text.h"

#include <utility>

namespace outrider::ovs {

using ovsdb::Datum;
using ovsdb::Json;
using ovsdb::ToText;

Row NewRow(const ovsdb::TableSchema& table) {
  Row row{ovsdb::Uuid::Random(), {}};
  for (const auto& [name, column] : table.columns) {
    row.columns.emplace_hint(row.columns.end(), name, DefaultDatum(column.type));
  }
  return row;
}

std::string TextOfRow(const ovsdb::TableSchema& table, const Row& row) {
  Json json = Json::object();
  for (const auto& [name, column] : table.columns) {
    const Datum& value = row.columns.at(name);
    // Most columns of most rows hold nothing, and a text of two hundred bytes is written faster.
    if (column.ephemeral || value == DefaultDatum(column.type)) continue;
    json[name] = ToJson(column.type, value);
  }
  return ToText(json);
}

absl::StatusOr<Row> RowOfText(const ovsdb::TableSchema& table, const std::string& text,
                              std::vector<std::string>* dropped) {
  ASSIGN_OR_RETURN(const Json json, ovsdb::ParseJson(text));
  if (!json.is_object()) return absl::InvalidArgumentError("not a JSON object");
  Row row = NewRow(table);
  for (const auto& [name, value] : json.items()) {
    const auto column = table.columns.find(name);
    if (column == table.columns.end() || column->second.ephemeral) {
      dropped->push_back(name);
      continue;
    }
    absl::StatusOr<Datum> datum = DatumFromJson(column->second.type, value, nullptr);
    if (!datum.ok()) return Annotate(datum.status(), "column " + name);
    row.columns[name] = *std::move(datum);
  }
  return row;
}

bool DifferWhereKept(const ovsdb::TableSchema& table, const Row& a, const Row& b) {
  for (const auto& [name, column] : table.columns) {
    if (!column.ephemeral && a.columns.at(name) != b.columns.at(name)) return true;
  }
  return false;
}

}  // namespace outrider::ovs
