// Rows of values as text: five formats of a table, three of a cell. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_CLI_OUTPUT_TABLE_H_
#define OUTRIDER_VSWITCH_CLI_OUTPUT_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/datum.h"
#include "vswitch/sys/ovsdb/schema.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

struct TableStyle {
  enum class Format { kTable, kList, kHtml, kCsv, kJson };
  enum class Cell { kString, kBare, kJson };
  Format format = Format::kList;
  Cell cell = Cell::kString;
  bool headings = true;
  bool pretty = false;
  // 0: as wide as its widest cell.
  size_t max_column_width = 0;
};

absl::StatusOr<TableStyle::Format> TableFormatFromText(const std::string& text);
absl::StatusOr<TableStyle::Cell> CellFormatFromText(const std::string& text);

struct OutputTable {
  struct Cell {
    ovsdb::ColumnType type;
    ovsdb::Datum datum;
  };
  std::vector<std::string> headings;
  // As many cells as headings in each.
  std::vector<std::vector<Cell>> rows;
};

// `first`: no table was printed before; a blank line keeps others apart, where the format wants it.
std::string Print(const OutputTable& table, const TableStyle& style, bool first);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_OUTPUT_TABLE_H_
