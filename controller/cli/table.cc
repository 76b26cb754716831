#include "controller/cli/table.h"

#include <algorithm>

namespace outrider::controller::cli {
namespace {

constexpr size_t kGap = 2;

// Terminal columns of UTF-8 text: code points, which is right for the scripts names are written in.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void PadTo(size_t column, const std::string& text, std::string* out) {
  *out += text;
  out->append(column + kGap - Width(text), ' ');
}

}  // namespace

std::string Cell(const std::string& text) {
  if (text.empty()) return "-";
  std::string clean = text;
  std::replace_if(
      clean.begin(), clean.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return clean;
}

void Table::AddRow(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = Cell(cell);
  cells.resize(rows_.front().size(), "-");
  rows_.push_back(std::move(cells));
}

std::string Table::Render(size_t indent) const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    out.append(indent, ' ');
    for (size_t i = 0; i + 1 < row.size(); ++i) PadTo(widths[i], row[i], &out);
    out += row.back() + "\n";
  }
  return out;
}

void Fields::Add(std::string label, const std::string& value) {
  fields_.emplace_back(std::move(label) + ":", Cell(value));
}

std::string Fields::Render(size_t indent) const {
  size_t width = 0;
  for (const auto& [label, value] : fields_) width = std::max(width, Width(label));
  std::string out;
  for (const auto& [label, value] : fields_) {
    out.append(indent, ' ');
    PadTo(width, label, &out);
    out += value + "\n";
  }
  return out;
}

}  // namespace outrider::controller::cli
