// show: the tree of bridges, ports and interfaces with what is not as by default.
#include <array>
#include <cstring>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

using ovsdb::ColumnType;
using ovsdb::Datum;

// What is shown of a table's rows, in this order. A column that refers to a table which is here
// shows its rows.
struct Shown {
  const char* table;
  // Null: rows go by their uuid.
  const char* name;
  std::array<const char*, 4> columns;
};

constexpr std::array<Shown, 6> kShown = {{
    {"Open_vSwitch", nullptr, {"manager_options", "bridges", "ovs_version"}},
    {"Bridge", "name", {"controller", "fail_mode", "datapath_type", "ports"}},
    {"Port", "name", {"tag", "trunks", "interfaces"}},
    {"Interface", "name", {"type", "options", "error", "bfd_status"}},
    {"Controller", "target", {"is_connected"}},
    {"Manager", "target", {"is_connected"}},
}};

const Shown* FindShown(const std::string& table) {
  for (const Shown& shown : kShown) {
    if (table == shown.table) return &shown;
  }
  return nullptr;
}

void ShowRow(const View& view, const ViewRow& row, size_t level, std::string* out) {
  static constexpr size_t kIndent = 4;
  const Shown& shown = *FindShown(row.table);
  *out += std::string(level * kIndent, ' ');
  if (shown.name == nullptr) {
    *out += row.uuid.ToString();
  } else {
    *out += row.table + " " + DatumText(view.TypeOf(row, shown.name), view.Read(row, shown.name));
  }
  *out += '\n';
  for (const char* const column : shown.columns) {
    const auto& columns = view.schema().tables.at(row.table).columns;
    if (column == nullptr || columns.count(column) == 0) continue;
    const ColumnType& type = view.TypeOf(row, column);
    const Datum& datum = view.Read(row, column);
    if (FindShown(type.key.ref_table) != nullptr) {
      for (const ovsdb::Atom& key : datum.keys) {
        const ViewRow* const to = view.Find(type.key.ref_table, std::get<ovsdb::Uuid>(key));
        if (to != nullptr) ShowRow(view, *to, level + 1, out);
      }
    } else if (!(datum == ovsdb::DefaultDatum(type))) {
      *out += std::string((level + 1) * kIndent, ' ') + column + ": " + DatumText(type, datum);
      *out += '\n';
    }
  }
}

}  // namespace

absl::Status PlanShow(const Command& /*command*/, Plan* plan) {
  for (const Shown& shown : kShown) {
    if (shown.name != nullptr) plan->Need(shown.table, {shown.name});
    for (const char* const column : shown.columns) {
      if (column != nullptr) plan->Need(shown.table, {column});
    }
  }
  return absl::OkStatus();
}

absl::Status RunShow(Step* step) {
  for (const ViewRow* const row : step->view().Rows("Open_vSwitch")) {
    ShowRow(step->view(), *row, 0, &step->output);
  }
  return absl::OkStatus();
}

}  // namespace outrider::cli
