#include "vswitch/ovs/condition.h"

#include <fmt/format.h>

#include <utility>

namespace outrider::ovs {

using ovsdb::AtomType;
using ovsdb::ColumnSchema;
using ovsdb::ColumnType;
using ovsdb::Datum;
using ovsdb::Json;
using ovsdb::OvsdbError;
using ovsdb::ToText;

std::optional<Condition::Function> Condition::FunctionOf(const std::string& name) {
  constexpr std::pair<const char*, Function> kFunctions[] = {
      {"<", Function::kLess},
      {"<=", Function::kAtMost},
      {"==", Function::kEqual},
      {"!=", Function::kNotEqual},
      {">=", Function::kAtLeast},
      {">", Function::kMore},
      {"includes", Function::kIncludes},
      {"excludes", Function::kExcludes},
  };
  for (const auto& [text, function] : kFunctions) {
    if (name == text) return function;
  }
  return std::nullopt;
}

absl::StatusOr<Condition::Clause> Condition::ClauseFromJson(const NamedTable& table,
                                                            const Json& json,
                                                            const ovsdb::NamedUuids& names) {
  if (!json.is_array() || json.size() != 3 || !json[0].is_string() || !json[1].is_string()) {
    return OvsdbError("syntax error", "Parse error in condition.", ToText(json));
  }
  Clause clause;
  clause.column = json[0].get<std::string>();
  const ColumnSchema* column = FindColumn(table, clause.column);
  if (column == nullptr) return UnknownColumn(table, clause.column, json);
  const auto& name = json[1].get_ref<const std::string&>();
  const std::optional<Function> function = FunctionOf(name);
  if (!function) return OvsdbError("unknown function", "No function named " + name + ".");
  clause.function = *function;

  // What may be compared with a value is wider, or narrower, than what the column may hold.
  ColumnType type = column->type;
  const bool is_order = clause.function == Function::kLess ||
                        clause.function == Function::kAtMost ||
                        clause.function == Function::kAtLeast || clause.function == Function::kMore;
  if (is_order) {
    const bool is_number = type.key.type == AtomType::kInteger || type.key.type == AtomType::kReal;
    if (!is_number || type.IsMap() || type.max != 1) {
      return OvsdbError("syntax error",
                        fmt::format("Type mismatch: \"{}\" operator may not be applied to column "
                                    "{} of type {}.",
                                    name, clause.column, TypeText(type)),
                        ToText(json));
    }
    type.min = 1;
  } else if (!type.IsScalar() && clause.function == Function::kIncludes) {
    type.min = 0;
  } else if (!type.IsScalar() && clause.function == Function::kExcludes) {
    type.min = 0;
    type.max = ColumnType::kUnlimited;
  }
  ASSIGN_OR_RETURN(clause.argument, DatumFromJson(type, json[2], names));
  return clause;
}

absl::StatusOr<Condition> Condition::FromJson(const NamedTable& table, const Json& json,
                                              const ovsdb::NamedUuids& names) {
  Condition condition;
  for (const Json& element : json) {
    if (element.is_boolean()) {
      condition.never_ = condition.never_ || !element.get<bool>();
      continue;
    }
    ASSIGN_OR_RETURN(Clause clause, ClauseFromJson(table, element, names));
    const bool names_row = clause.column == "_uuid" && (clause.function == Function::kEqual ||
                                                        clause.function == Function::kIncludes);
    if (names_row) condition.only_row_ = std::get<ovsdb::Uuid>(clause.argument.keys[0]);
    condition.clauses_.push_back(std::move(clause));
  }
  return condition;
}

bool Condition::Holds(const Clause& clause, const Datum& value) {
  const Datum& argument = clause.argument;
  switch (clause.function) {
    case Function::kEqual:
      return value == argument;
    case Function::kNotEqual:
      return value != argument;
    case Function::kLess:
      return !value.empty() && value.keys[0] < argument.keys[0];
    case Function::kAtMost:
      return !value.empty() && value.keys[0] <= argument.keys[0];
    case Function::kAtLeast:
      return !value.empty() && value.keys[0] >= argument.keys[0];
    case Function::kMore:
      return !value.empty() && value.keys[0] > argument.keys[0];
    case Function::kIncludes:
    case Function::kExcludes:
      break;
  }
  const bool wanted = clause.function == Function::kIncludes;
  for (size_t i = 0; i < argument.size(); ++i) {
    const std::optional<size_t> at = value.Find(argument.keys[i]);
    const bool there = at && (argument.values.empty() || value.values[*at] == argument.values[i]);
    if (there != wanted) return false;
  }
  return true;
}

bool Condition::Matches(const ovsdb::Uuid& uuid, const Row& row) const {
  if (never_) return false;
  Datum scratch;
  for (const Clause& clause : clauses_) {
    if (!Holds(clause, ValueOf(uuid, row, clause.column, &scratch))) return false;
  }
  return true;
}

}  // namespace outrider::ovs
