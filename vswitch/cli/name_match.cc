#include "vswitch/cli/name_match.h"

#include <strings.h>

#include <map>

namespace outrider::cli {
namespace {

char Folded(char c) {
  if (c == '-') return '_';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The rank of how well the text names `name`: 0 not at all, 1 a prefix, 2 but for case, 3 exactly.
int Rank(const std::string& name, const std::string& text) {
  if (name == text) return 3;
  if (text.empty() || text.size() > name.size()) return 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (Folded(name[i]) != Folded(text[i])) return 0;
  }
  return text.size() == name.size() ? 2 : 1;
}

// The names of best rank; in order, as maps are.
template <typename Map>
std::vector<std::string> Best(const Map& map, const std::string& text) {
  std::vector<std::string> best;
  int best_rank = 1;
  for (const auto& entry : map) {
    const int rank = Rank(entry.first, text);
    if (rank < best_rank) continue;
    if (rank > best_rank) best.clear();
    best_rank = rank;
    best.push_back(entry.first);
  }
  return best;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string line;
  for (const std::string& name : names) line += (line.empty() ? "" : ", ") + name;
  return line;
}

}  // namespace

bool EqualIgnoringCase(const std::string& a, const std::string& b) {
  return strcasecmp(a.c_str(), b.c_str()) == 0;
}

absl::StatusOr<std::string> MatchTable(const ovsdb::DatabaseSchema& schema,
                                       const std::string& text) {
  const std::vector<std::string> best = Best(schema.tables, text);
  if (best.size() == 1) return best[0];
  if (best.empty()) return absl::NotFoundError("unknown table \"" + text + "\"");
  return absl::InvalidArgumentError("\"" + text +
                                    "\" matches multiple table names: " + Joined(best));
}

absl::StatusOr<std::string> MatchColumn(const ovsdb::DatabaseSchema& schema,
                                        const std::string& table, const std::string& text) {
  const std::vector<std::string> best = Best(schema.tables.at(table).columns, text);
  if (best.size() == 1) return best[0];
  if (best.empty()) {
    return absl::NotFoundError(table + " does not contain a column whose name matches \"" + text +
                               "\"");
  }
  return absl::InvalidArgumentError(table + " contains more than one column whose name matches \"" +
                                    text + "\": " + Joined(best));
}

absl::StatusOr<std::vector<std::string>> MatchColumns(const ovsdb::DatabaseSchema& schema,
                                                      const std::string& table,
                                                      const std::string& list, bool all) {
  std::vector<std::string> columns;
  if (all) {
    columns.emplace_back("_uuid");
    for (const auto& entry : schema.tables.at(table).columns) columns.push_back(entry.first);
    return columns;
  }
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find_first_of(", ", begin), list.size());
    const std::string text = list.substr(begin, end - begin);
    begin = end + 1;
    if (text.empty()) continue;
    if (EqualIgnoringCase(text, "_uuid")) {
      columns.emplace_back("_uuid");
      continue;
    }
    ASSIGN_OR_RETURN(std::string column, MatchColumn(schema, table, text));
    columns.push_back(std::move(column));
  }
  if (columns.empty()) {
    return absl::InvalidArgumentError("must specify at least one column name");
  }
  return columns;
}

}  // namespace outrider::cli
