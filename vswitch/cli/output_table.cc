#include "vswitch/cli/output_table.h"

#include <algorithm>
#include <utility>

#include "vswitch/cli/value_text.h"
#include "vswitch/sys/ovsdb/datum_json.h"

namespace outrider::cli {
namespace {

using Texts = std::vector<std::vector<std::string>>;

// Least width of a heading in the list format.
constexpr size_t kListHeading = 20;
constexpr size_t kUuidLength = 36;

std::string CellText(const OutputTable::Cell& cell, const TableStyle& style) {
  switch (style.cell) {
    case TableStyle::Cell::kString:
      return DatumText(cell.type, cell.datum);
    case TableStyle::Cell::kBare:
      return DatumBareText(cell.datum);
    case TableStyle::Cell::kJson:
      break;
  }
  return ovsdb::ToText(ovsdb::ToJson(cell.type, cell.datum));
}

std::string Padded(const std::string& text, size_t width) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

void EndLine(std::string* out) {
  out->erase(out->find_last_not_of(' ') + 1);
  *out += '\n';
}

std::vector<size_t> Widths(const OutputTable& table, const Texts& texts, const TableStyle& style) {
  std::vector<size_t> widths;
  for (size_t x = 0; x < table.headings.size(); ++x) {
    size_t width = 0;
    for (const auto& row : texts) width = std::max(width, row[x].size());
    if (style.max_column_width > 0) width = std::min(width, style.max_column_width);
    if (style.headings) width = std::max(width, table.headings[x].size());
    widths.push_back(width);
  }
  return widths;
}

std::string PrintTable(const OutputTable& table, const Texts& texts, const TableStyle& style) {
  const std::vector<size_t> widths = Widths(table, texts, style);
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells, char pad) {
    std::string text;
    for (size_t x = 0; x < widths.size(); ++x) {
      if (x > 0) text += ' ';
      text += cells.empty() ? std::string(widths[x], pad)
                            : Padded(cells[x].substr(0, widths[x]), widths[x]);
    }
    EndLine(&text);
    out += text;
  };
  if (style.headings) {
    line(table.headings, ' ');
    line({}, '-');
  }
  for (const auto& row : texts) line(row, ' ');
  return out;
}

std::string PrintList(const OutputTable& table, const Texts& texts, const TableStyle& style) {
  std::string out;
  for (const auto& row : texts) {
    if (!out.empty()) out += '\n';
    for (size_t x = 0; x < row.size(); ++x) {
      if (style.headings) out += Padded(table.headings[x], kListHeading) + ": ";
      out += row[x] + '\n';
    }
  }
  return out;
}

std::string HtmlText(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// A uuid is a link to the row of that name.
std::string HtmlCell(const char* element, const std::string& text) {
  std::string out = std::string("    <") + element + ">";
  for (size_t i = 0; i < text.size();) {
    const std::string here = text.substr(i, kUuidLength);
    if (here.size() == kUuidLength && ovsdb::Uuid::Parse(here)) {
      out.append("<a href=\"#").append(here).append("\">").append(here.substr(0, 8)).append("</a>");
      i += kUuidLength;
    } else {
      out += HtmlText(text.substr(i++, 1));
    }
  }
  return out + "</" + element + ">\n";
}

std::string PrintHtml(const OutputTable& table, const Texts& texts, const TableStyle& style) {
  std::string out = "<table border=1>\n";
  if (style.headings) {
    out += "  <tr>\n";
    for (const std::string& heading : table.headings) out += HtmlCell("th", heading);
    out += "  </tr>\n";
  }
  for (const auto& row : texts) {
    out += "  <tr>\n";
    for (size_t x = 0; x < row.size(); ++x) {
      if (table.headings[x] == "_uuid") {
        out += "    <td><a name=\"" + HtmlText(row[x]) + "\">" + HtmlText(row[x].substr(0, 8)) +
               "</a></td>\n";
      } else {
        out += HtmlCell("td", row[x]);
      }
    }
    out += "  </tr>\n";
  }
  return out + "</table>\n";
}

std::string CsvLine(const std::vector<std::string>& cells) {
  std::string out;
  for (size_t x = 0; x < cells.size(); ++x) {
    if (x > 0) out += ',';
    if (cells[x].find_first_of("\n\",") == std::string::npos) {
      out += cells[x];
      continue;
    }
    out += '"';
    for (const char c : cells[x]) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  return out + '\n';
}

std::string PrintCsv(const OutputTable& table, const Texts& texts, const TableStyle& style) {
  std::string out = style.headings ? CsvLine(table.headings) : "";
  for (const auto& row : texts) out += CsvLine(row);
  return out;
}

std::string PrintJson(const OutputTable& table, const TableStyle& style) {
  ovsdb::Json data = ovsdb::Json::array();
  for (const auto& row : table.rows) {
    ovsdb::Json cells = ovsdb::Json::array();
    for (const auto& cell : row) cells.push_back(ovsdb::ToJson(cell.type, cell.datum));
    data.push_back(std::move(cells));
  }
  const ovsdb::Json json = {{"headings", table.headings}, {"data", std::move(data)}};
  return (style.pretty ? json.dump(2) : ovsdb::ToText(json)) + '\n';
}

}  // namespace

absl::StatusOr<TableStyle::Format> TableFormatFromText(const std::string& text) {
  if (text == "table") return TableStyle::Format::kTable;
  if (text == "list") return TableStyle::Format::kList;
  if (text == "html") return TableStyle::Format::kHtml;
  if (text == "csv") return TableStyle::Format::kCsv;
  if (text == "json") return TableStyle::Format::kJson;
  return absl::InvalidArgumentError("unknown output format \"" + text + "\"");
}

absl::StatusOr<TableStyle::Cell> CellFormatFromText(const std::string& text) {
  if (text == "string") return TableStyle::Cell::kString;
  if (text == "bare") return TableStyle::Cell::kBare;
  if (text == "json") return TableStyle::Cell::kJson;
  return absl::InvalidArgumentError("unknown data format \"" + text + "\"");
}

std::string Print(const OutputTable& table, const TableStyle& style, bool first) {
  if (style.format == TableStyle::Format::kJson) return PrintJson(table, style);
  Texts texts;
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    cells.reserve(row.size());
    for (const auto& cell : row) cells.push_back(CellText(cell, style));
    texts.push_back(std::move(cells));
  }
  if (style.format == TableStyle::Format::kHtml) return PrintHtml(table, texts, style);
  const std::string blank = first ? "" : "\n";
  if (style.format == TableStyle::Format::kTable) return blank + PrintTable(table, texts, style);
  if (style.format == TableStyle::Format::kCsv) return blank + PrintCsv(table, texts, style);
  return blank + PrintList(table, texts, style);
}

}  // namespace outrider::cli
