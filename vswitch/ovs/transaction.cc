#include "vswitch/ovs/transaction.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "vswitch/ovs/condition.h"
#include "vswitch/ovs/mutation.h"
#include "vswitch/ovs/row_text.h"

namespace outrider::ovs {
namespace {

using ovsdb::ColumnSchema;
using ovsdb::Datum;
using ovsdb::ErrorJson;
using ovsdb::Json;
using ovsdb::OvsdbError;
using ovsdb::ToText;
using ovsdb::Uuid;
using Kind = OperationReader::Kind;

// The values of `columns`, by which rows of a result differ.
using Projection = std::vector<Datum>;

Projection Project(const Uuid& uuid, const Row& row, const std::set<std::string>& columns) {
  Projection values;
  Datum scratch;
  for (const std::string& column : columns) {
    values.push_back(ValueOf(uuid, row, column, &scratch));
  }
  return values;
}

Json ProjectionJson(const NamedTable& table, const std::set<std::string>& columns,
                    const Projection& values) {
  Json json = Json::object();
  size_t i = 0;
  for (const std::string& column : columns) {
    json[column] = ToJson(FindColumn(table, column)->type, values[i++]);
  }
  return json;
}

}  // namespace

bool Transaction::Run(const Json& operations, Outcome* outcome) {
  Json& results = outcome->results;
  if (!operations.is_array()) {
    results.push_back(
        ErrorJson(OvsdbError("syntax error", "operations must be an array", ToText(operations))));
    return false;
  }
  for (size_t i = 0; i < operations.size(); ++i) {
    absl::StatusOr<Json> result = RunOne(operations[i], i + 1, operations.size());
    if (result.ok()) {
      results.push_back(*std::move(result));
      continue;
    }
    if (waiting_) {
      results = Json::array();
      outcome->waiting = true;
      outcome->wait_at_most = wait_at_most_;
      return false;
    }
    results.push_back(ErrorJson(result.status()));
    // RFC 7047, 4.1.3: null for each operation that was not tried.
    while (results.size() < operations.size()) results.push_back(nullptr);
    return false;
  }
  return true;
}

absl::StatusOr<Json> Transaction::RunOne(const Json& operation, size_t number, size_t count) {
  OperationReader reader(operation, fmt::format("ovsdb operation {} of {}", number, count));
  const Json* name = reader.Required("op", Kind::kId);
  if (name == nullptr) return reader.status();
  const Operation run = OperationOf(name->get_ref<const std::string&>());
  if (run == nullptr) {
    reader.Fail(fmt::format("No operation \"{}\"", name->get_ref<const std::string&>()));
    return reader.status();
  }
  absl::StatusOr<Json> result = (this->*run)(&reader);
  // A member that does not belong there weighs more than what the others say.
  RETURN_IF_ERROR(reader.Finish());
  return result;
}

Transaction::Operation Transaction::OperationOf(const std::string& name) {
  static constexpr std::pair<const char*, Operation> kOperations[] = {
      {"insert", &Transaction::Insert},   {"select", &Transaction::Select},
      {"update", &Transaction::Update},   {"mutate", &Transaction::Mutate},
      {"delete", &Transaction::Delete},   {"wait", &Transaction::Wait},
      {"commit", &Transaction::Commit},   {"abort", &Transaction::Abort},
      {"comment", &Transaction::Comment}, {"assert", &Transaction::Assert},
  };
  for (const auto& [text, operation] : kOperations) {
    if (name == text) return operation;
  }
  return nullptr;
}

NamedTable Transaction::TableMember(OperationReader* reader) {
  const Json* name = reader->Required("table", Kind::kId);
  if (name == nullptr) return {};
  const auto at = schema_.tables.find(name->get_ref<const std::string&>());
  if (at != schema_.tables.end()) return {&at->first, &at->second};
  reader->Fail(fmt::format("No table named {}.", name->get_ref<const std::string&>()));
  return {};
}

ovsdb::NamedUuids Transaction::Names() {
  return [this](const std::string& name) -> absl::StatusOr<Uuid> {
    // A name may be used before the insert that has it, or without one: then it leads nowhere.
    const auto [at, is_new] = names_.try_emplace(name);
    if (is_new) at->second.uuid = Uuid::Random();
    return at->second.uuid;
  };
}

absl::StatusOr<Transaction::RowOperand> Transaction::ReadRow(const NamedTable& table,
                                                             const Json& json) {
  if (!json.is_object()) {
    return OvsdbError("syntax error", "row must be JSON object", ToText(json));
  }
  RowOperand operand{NewRow(*table.schema), {}, {}};
  for (const auto& [name, value] : json.items()) {
    const ColumnSchema* column = FindColumn(table, name);
    if (column == nullptr) return UnknownColumn(table, name, json);
    ASSIGN_OR_RETURN(Datum datum, DatumFromJson(column->type, value, Names()));
    operand.named.push_back(name);
    if (name == "_uuid") {
      operand.uuid = std::get<Uuid>(datum.keys[0]);
    } else if (name == "_version") {
      operand.row.version = std::get<Uuid>(datum.keys[0]);
    } else {
      operand.row.columns[name] = std::move(datum);
    }
  }
  return operand;
}

absl::StatusOr<Uuid> Transaction::NewUuid(const NamedTable& table, const Json* uuid,
                                          const Json* name) {
  Uuid result = Uuid::Random();
  if (uuid != nullptr) {
    const std::optional<Uuid> parsed = Uuid::Parse(uuid->get_ref<const std::string&>());
    if (!parsed) return OvsdbError("syntax error", "bad uuid", ToText(*uuid));
    if (rows_->IsKnown(*table.name, *parsed)) {
      return OvsdbError("duplicate uuid",
                        "This UUID would duplicate a UUID already present within the table or "
                        "deleted within the same transaction.",
                        ToText(*uuid));
    }
    result = *parsed;
  }
  if (name == nullptr) return result;
  const auto [at, is_new] = names_.try_emplace(name->get<std::string>());
  if (at->second.inserted) {
    return OvsdbError("duplicate uuid-name",
                      "This \"uuid-name\" appeared on an earlier \"insert\" operation.",
                      ToText(*name));
  }
  at->second.inserted = true;
  if (is_new || uuid != nullptr) at->second.uuid = result;
  return at->second.uuid;
}

absl::StatusOr<Json> Transaction::Insert(OperationReader* reader) {
  const NamedTable table = TableMember(reader);
  const Json* uuid_text = reader->Optional("uuid", Kind::kString);
  const Json* uuid_name = reader->Optional("uuid-name", Kind::kId);
  const Json* row_json = reader->Required("row", Kind::kObject);
  RETURN_IF_ERROR(reader->status());
  // The name is known before the row is read: a row may refer to itself.
  ASSIGN_OR_RETURN(const Uuid uuid, NewUuid(table, uuid_text, uuid_name));
  ASSIGN_OR_RETURN(RowOperand operand, ReadRow(table, *row_json));
  // Defaults may break constraints, too.
  for (const auto& [name, column] : table.schema->columns) {
    RETURN_IF_ERROR(CheckConstraints(column.type, operand.row.columns.at(name)));
  }
  operand.row.version = Uuid::Random();
  rows_->Insert(*table.name, uuid, std::make_shared<Row>(std::move(operand.row)));
  return Json{{"uuid", ovsdb::ToJson(ovsdb::Atom(uuid))}};
}

absl::Status Transaction::Count(const std::vector<Datum>& values) {
  // Also a row of no columns is work.
  ++selected_;
  for (const Datum& datum : values) {
    selected_ += 1 + datum.keys.size() + datum.values.size();
    for (const auto* const atoms : {&datum.keys, &datum.values}) {
      for (const ovsdb::Atom& atom : *atoms) {
        const auto* const text = std::get_if<std::string>(&atom);
        if (text != nullptr) selected_ += text->size() / kTextUnit;
      }
    }
  }
  if (selected_ <= kMaxSelected) return absl::OkStatus();
  return OvsdbError("resources exhausted",
                    fmt::format("a transaction may select {} values; ask for fewer rows or columns "
                                "at a time",
                                kMaxSelected));
}

absl::StatusOr<Json> Transaction::Select(OperationReader* reader) {
  const NamedTable table = TableMember(reader);
  const Json* where = reader->Required("where", Kind::kArray);
  const Json* columns_json = reader->Optional("columns", Kind::kArray);
  // An extension of Open vSwitch.
  const Json* sort = reader->Optional("sort", Kind::kArray);
  RETURN_IF_ERROR(reader->status());
  ASSIGN_OR_RETURN(const Condition condition, Condition::FromJson(table, *where, Names()));
  ASSIGN_OR_RETURN(const auto columns, ColumnsFromJson(table, columns_json));
  if (sort != nullptr) RETURN_IF_ERROR(ColumnsFromJson(table, sort).status());
  // Rows that look the same in these columns are one (RFC 7047, 5.2.2: a set of rows).
  std::set<Projection> seen;
  Json rows = Json::array();
  for (const Uuid& uuid : rows_->Matching(*table.name, condition)) {
    const Row& row = *rows_->Find(*table.name, uuid);
    Projection projection = Project(uuid, row, columns);
    RETURN_IF_ERROR(Count(projection));
    const auto [values, is_new] = seen.insert(std::move(projection));
    if (is_new && sort == nullptr) rows.push_back(ProjectionJson(table, columns, *values));
  }
  // The projections are in the order of all their columns.
  if (sort != nullptr) {
    for (const Projection& values : seen) rows.push_back(ProjectionJson(table, columns, values));
  }
  return Json{{"rows", std::move(rows)}};
}

absl::Status Transaction::CheckMutable(const NamedTable& table, const RowOperand& operand,
                                       const Json& operation) const {
  for (const std::string& name : operand.named) {
    const bool implicit = table.schema->columns.count(name) == 0;
    if (FindColumn(table, name)->is_mutable || (options_.trusted && !implicit)) continue;
    return OvsdbError(
        "constraint violation",
        fmt::format("Cannot update immutable column {} in table {}.", name, *table.name),
        ToText(operation));
  }
  return absl::OkStatus();
}

absl::StatusOr<Json> Transaction::Update(OperationReader* reader) {
  const NamedTable table = TableMember(reader);
  const Json* where = reader->Required("where", Kind::kArray);
  const Json* row_json = reader->Required("row", Kind::kObject);
  RETURN_IF_ERROR(reader->status());
  ASSIGN_OR_RETURN(const RowOperand operand, ReadRow(table, *row_json));
  RETURN_IF_ERROR(CheckMutable(table, operand, reader->json()));
  ASSIGN_OR_RETURN(const Condition condition, Condition::FromJson(table, *where, Names()));
  // All are found before the first is changed: a change may make others match.
  const std::vector<Uuid> uuids = rows_->Matching(*table.name, condition);
  for (const Uuid& uuid : uuids) {
    Row* row = rows_->Edit(*table.name, uuid);
    for (const std::string& name : operand.named) row->columns[name] = operand.row.columns.at(name);
  }
  return Json{{"count", uuids.size()}};
}

absl::StatusOr<Json> Transaction::Mutate(OperationReader* reader) {
  const NamedTable table = TableMember(reader);
  const Json* where = reader->Required("where", Kind::kArray);
  const Json* mutations_json = reader->Required("mutations", Kind::kArray);
  RETURN_IF_ERROR(reader->status());
  std::vector<Mutation> mutations;
  for (const Json& json : *mutations_json) {
    ASSIGN_OR_RETURN(Mutation mutation, Mutation::FromJson(table, json, Names(), options_.trusted));
    mutations.push_back(std::move(mutation));
  }
  ASSIGN_OR_RETURN(const Condition condition, Condition::FromJson(table, *where, Names()));
  const std::vector<Uuid> uuids = rows_->Matching(*table.name, condition);
  for (const Uuid& uuid : uuids) {
    Row* row = rows_->Edit(*table.name, uuid);
    for (const Mutation& mutation : mutations) RETURN_IF_ERROR(mutation.Apply(row));
  }
  return Json{{"count", uuids.size()}};
}

absl::StatusOr<Json> Transaction::Delete(OperationReader* reader) {
  const NamedTable table = TableMember(reader);
  const Json* where = reader->Required("where", Kind::kArray);
  RETURN_IF_ERROR(reader->status());
  ASSIGN_OR_RETURN(const Condition condition, Condition::FromJson(table, *where, Names()));
  const std::vector<Uuid> uuids = rows_->Matching(*table.name, condition);
  for (const Uuid& uuid : uuids) rows_->Delete(*table.name, uuid);
  return Json{{"count", uuids.size()}};
}

absl::StatusOr<Json> Transaction::Wait(OperationReader* reader) {
  // In the order in which Open vSwitch looks at them: of several mistakes the first is told.
  const Json* timeout = reader->Optional("timeout", Kind::kInteger);
  const Json* where = reader->Required("where", Kind::kArray);
  const Json* columns_json = reader->Optional("columns", Kind::kArray);
  const Json* until = reader->Required("until", Kind::kString);
  const Json* rows_json = reader->Required("rows", Kind::kArray);
  const NamedTable table = TableMember(reader);
  RETURN_IF_ERROR(reader->status());
  ASSIGN_OR_RETURN(const Condition condition, Condition::FromJson(table, *where, Names()));
  ASSIGN_OR_RETURN(const auto columns, ColumnsFromJson(table, columns_json));
  if (timeout != nullptr && *timeout < 0) {
    return OvsdbError("syntax error", "timeout must be nonnegative", ToText(*timeout));
  }
  if (*until != "==" && *until != "!=") {
    return OvsdbError("syntax error", "\"until\" must be \"==\" or \"!=\"", ToText(*until));
  }
  // Of an expected row, columns it does not name have their defaults.
  std::set<Projection> expected;
  for (const Json& json : *rows_json) {
    ASSIGN_OR_RETURN(const RowOperand operand, ReadRow(table, json));
    expected.insert(Project(operand.uuid, operand.row, columns));
  }
  std::set<Projection> present;
  for (const Uuid& uuid : rows_->Matching(*table.name, condition)) {
    present.insert(Project(uuid, *rows_->Find(*table.name, uuid), columns));
  }
  if ((present == expected) == (*until == "==")) return Json::object();
  return NotMet(timeout);
}

absl::StatusOr<Json> Transaction::NotMet(const Json* timeout) {
  if (timeout != nullptr && *timeout == 0) {
    return OvsdbError("timed out", "\"where\" clause test failed");
  }
  // A century is as good as for ever, and does not overflow a clock.
  constexpr int64_t kLongest = int64_t{100} * 365 * 24 * 3600 * 1000;
  std::optional<std::chrono::milliseconds> at_most;
  if (timeout != nullptr) {
    const bool longest = *timeout > kLongest;
    at_most = std::chrono::milliseconds(longest ? kLongest : timeout->get<int64_t>());
  }
  if (options_.give_up) {
    return OvsdbError("timed out",
                      at_most ? fmt::format("\"wait\" timed out after {} ms", at_most->count())
                              : "\"wait\" timed out");
  }
  waiting_ = true;
  wait_at_most_ = at_most;
  return absl::UnavailableError("waiting");
}

absl::StatusOr<Json> Transaction::Commit(OperationReader* reader) {
  // Every commit is durable before its reply, asked for or not.
  reader->Required("durable", Kind::kBoolean);
  RETURN_IF_ERROR(reader->status());
  return Json::object();
}

absl::StatusOr<Json> Transaction::Abort(OperationReader*) {
  // Failing is all it is for: what fails changes nothing.
  return OvsdbError("aborted", "aborted by request");
}

absl::StatusOr<Json> Transaction::Comment(OperationReader* reader) {
  reader->Required("comment", Kind::kString);
  RETURN_IF_ERROR(reader->status());
  return Json::object();
}

absl::StatusOr<Json> Transaction::Assert(OperationReader* reader) {
  const Json* lock = reader->Required("lock", Kind::kId);
  RETURN_IF_ERROR(reader->status());
  const auto& name = lock->get_ref<const std::string&>();
  if (options_.holds_lock && options_.holds_lock(name)) return Json::object();
  return OvsdbError("not owner", fmt::format("Asserted lock {} not held.", name));
}

}  // namespace outrider::ovs
