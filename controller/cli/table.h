// Aligned plain text for people: tables with a header row, and lists of labelled fields.
//
// Knows nothing about objects. Text from objects is made harmless here: control characters, which
// could steer the reader's terminal, become '?'. No colours, ever, so a pipe and a terminal see the
// same bytes. Single-threaded values.
#ifndef OUTRIDER_CONTROLLER_CLI_TABLE_H_
#define OUTRIDER_CONTROLLER_CLI_TABLE_H_

#include <string>
#include <utility>
#include <vector>

namespace outrider::controller::cli {

// `text` with control characters replaced by '?', and "-" when it is empty.
std::string Cell(const std::string& text);

// Columns as wide as their widest cell, two spaces apart; the last column is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

  // `cells` has as many entries as the header; an empty one is shown as "-".
  void AddRow(std::vector<std::string> cells);

  // Ends with a newline. `indent` spaces before each line.
  std::string Render(size_t indent = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "Label:   value" lines, values in one column.
class Fields {
 public:
  // An empty value is shown as "-".
  void Add(std::string label, const std::string& value);

  std::string Render(size_t indent = 0) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_TABLE_H_
