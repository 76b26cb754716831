#include "vswitch/cli/record.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "vswitch/cli/name_match.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::AtomType;
using ovsdb::Datum;
using ovsdb::Uuid;

constexpr std::array<RecordName, 13> kRecordNames = {{
    {"AutoAttach", "Bridge", "name", "auto_attach"},
    {"Bridge", "Bridge", "name", nullptr},
    {"Controller", "Bridge", "name", "controller"},
    {"Flow_Sample_Collector_Set", "Flow_Sample_Collector_Set", "id", nullptr},
    {"Flow_Table", "Flow_Table", "name", nullptr},
    {"IPFIX", "Bridge", "name", "ipfix"},
    {"Interface", "Interface", "name", nullptr},
    {"Manager", "Manager", "target", nullptr},
    {"Mirror", "Mirror", "name", nullptr},
    {"NetFlow", "Bridge", "name", "netflow"},
    {"Port", "Port", "name", nullptr},
    {"QoS", "Port", "name", "qos"},
    {"sFlow", "Bridge", "name", "sflow"},
}};

// Shorter beginnings of uuids could be names too easily.
constexpr size_t kShortestUuidPrefix = 4;

bool IsNamed(const Atom& name, const std::string& record) {
  if (const auto* const number = std::get_if<int64_t>(&name)) {
    return !record.empty() && record.find_first_not_of("0123456789") == std::string::npos &&
           *number == std::strtoll(record.c_str(), nullptr, 10);
  }
  const auto& text = std::get<std::string>(name);
  // A name that is itself a uuid may be shortened as one.
  return text == record || (record.size() >= kShortestUuidPrefix &&
                            text.compare(0, record.size(), record) == 0 && Uuid::Parse(text));
}

absl::StatusOr<ViewRow*> FindNamed(View* view, const std::string& table,
                                   const std::string& record) {
  const RecordName* const by = RecordNameOf(table);
  if (by == nullptr || view->schema().tables.count(by->table) == 0) return nullptr;
  ViewRow* found = nullptr;
  for (ViewRow* const row : view->Rows(by->table)) {
    const Datum& name = view->Read(*row, by->column);
    if (name.size() != 1 || !IsNamed(name.keys[0], record)) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(std::string("multiple rows in ") + by->table + " match \"" +
                                        record + "\"");
    }
    found = row;
  }
  if (found == nullptr) return nullptr;
  if (by->via == nullptr) {
    View::Verify(found, by->column);
    return found;
  }
  View::Verify(found, by->via);
  const Datum& reference = view->Read(*found, by->via);
  if (reference.size() != 1) return nullptr;
  return view->Find(table, std::get<Uuid>(reference.keys[0]));
}

absl::StatusOr<ViewRow*> FindByPrefix(View* view, const std::string& table,
                                      const std::string& record) {
  ViewRow* found = nullptr;
  if (UuidPrefixLength(record) < kShortestUuidPrefix) return nullptr;
  for (ViewRow* const row : view->Rows(table)) {
    if (row->uuid.ToString().compare(0, record.size(), record) != 0) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(table + " contains 2 or more rows whose UUIDs begin with " +
                                        record + ": at least " + found->uuid.ToString() + " and " +
                                        row->uuid.ToString());
    }
    found = row;
  }
  return found;
}

std::string OperatorsInWords(const std::vector<std::string>& operators) {
  std::string words;
  for (size_t i = 0; i < operators.size(); ++i) {
    if (i > 0) words += i + 1 < operators.size() ? ", " : operators.size() > 2 ? ", or " : " or ";
    words += "\"" + operators[i] + "\"";
  }
  return words;
}

}  // namespace

const RecordName* RecordNameOf(const std::string& table) {
  for (const RecordName& name : kRecordNames) {
    if (table == name.of) return &name;
  }
  return nullptr;
}

void PlanRecord(const std::string& table, const std::string& record,
                const std::vector<std::string>& columns, Plan* plan) {
  const RecordName* const by = RecordNameOf(table);
  const bool direct = by != nullptr && by->via == nullptr && strcmp(by->column, "id") != 0;
  // Anything else may also be the beginning of a uuid, of any row.
  if (direct && record != "." && UuidPrefixLength(record) < kShortestUuidPrefix) {
    plan->NeedNamed(table, by->column, record, columns);
    return;
  }
  plan->Need(table, columns);
  if (by == nullptr) return;
  plan->Need(by->table, {by->column});
  if (by->via != nullptr) plan->Need(by->table, {by->via});
}

absl::StatusOr<ViewRow*> FindRecord(View* view, const std::string& table,
                                    const std::string& record) {
  if (const auto uuid = Uuid::Parse(record)) {
    if (ViewRow* const row = view->Find(table, *uuid)) return row;
  }
  if (record == ".") {
    const std::vector<ViewRow*> rows = view->Rows(table);
    if (rows.size() == 1) return rows[0];
  }
  ASSIGN_OR_RETURN(ViewRow* const named, FindNamed(view, table, record));
  if (named != nullptr) return named;
  return FindByPrefix(view, table, record);
}

absl::StatusOr<ViewRow*> RequireRecord(View* view, const std::string& table,
                                       const std::string& record) {
  ASSIGN_OR_RETURN(ViewRow* const row, FindRecord(view, table, record));
  if (row != nullptr) return row;
  return absl::FailedPreconditionError("no row \"" + record + "\" in table " + table);
}

absl::StatusOr<std::string> ColumnOfArgument(const ovsdb::DatabaseSchema& schema,
                                             const std::string& table,
                                             const std::string& argument) {
  const char* rest = argument.c_str();
  ASSIGN_OR_RETURN(const std::string name, TakeToken(&rest));
  if (name.empty()) return absl::InvalidArgumentError(argument + ": missing column name");
  return MatchColumn(schema, table, name);
}

absl::StatusOr<ColumnArgument> ParseColumnArgument(const ovsdb::DatabaseSchema& schema,
                                                   const std::string& table,
                                                   const std::string& argument,
                                                   const std::vector<std::string>& operators) {
  ColumnArgument parsed;
  ASSIGN_OR_RETURN(parsed.column, ColumnOfArgument(schema, table, argument));
  const char* rest = argument.c_str();
  (void)TakeToken(&rest);
  if (*rest == ':') {
    ++rest;
    ASSIGN_OR_RETURN(parsed.key, TakeToken(&rest));
  }
  if (operators.empty()) {
    if (*rest == '\0') return parsed;
    return absl::InvalidArgumentError(argument + ": trailing garbage \"" + rest + "\" in argument");
  }
  size_t length = 0;
  for (size_t i = 0; i < operators.size(); ++i) {
    const size_t size = operators[i].size();
    // With nothing behind it, it is no operator.
    if (size > length && std::strncmp(rest, operators[i].c_str(), size) == 0 &&
        rest[size] != '\0') {
      length = size;
      parsed.op = i;
    }
  }
  if (length == 0) {
    return absl::InvalidArgumentError(argument + ": argument does not end in " +
                                      OperatorsInWords(operators) + " followed by a value.");
  }
  parsed.value = rest + length;
  return parsed;
}

absl::Status CheckMutable(const View& view, const ViewRow& row, const std::string& column) {
  if (!row.stored || view.schema().tables.at(row.table).columns.at(column).is_mutable) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError("cannot modify read-only column " + column + " in table " +
                                       row.table);
}

absl::Status SetColumn(View* view, ViewRow* row, const std::string& argument, bool partly,
                       RowNames* names) {
  ASSIGN_OR_RETURN(const ColumnArgument parsed,
                   ParseColumnArgument(view->schema(), row->table, argument, {"="}));
  const std::string& column = parsed.column;
  RETURN_IF_ERROR(CheckMutable(*view, *row, column));
  const ovsdb::ColumnType& type = view->TypeOf(*row, column);
  if (!parsed.key) {
    ASSIGN_OR_RETURN(Datum datum, DatumFromText(type, parsed.value, names));
    view->Write(row, column, std::move(datum));
    return absl::OkStatus();
  }
  if (!type.IsMap()) {
    return absl::InvalidArgumentError("cannot specify key to set for non-map column " + column);
  }
  ASSIGN_OR_RETURN(const Atom key, AtomFromText(type.key, *parsed.key, names));
  ASSIGN_OR_RETURN(const Atom value, AtomFromText(*type.value, parsed.value, names));
  if (partly) {
    view->Put(row, column, key, value, false);
    return absl::OkStatus();
  }
  Datum datum = view->Read(*row, column);
  datum.Put(key, value);
  View::Verify(row, column);
  view->Write(row, column, std::move(datum));
  return absl::OkStatus();
}

}  // namespace outrider::cli
