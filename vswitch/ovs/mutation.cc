#include "vswitch/ovs/mutation.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

namespace outrider::ovs {
namespace {

using ovsdb::Atom;
using ovsdb::AtomType;
using ovsdb::BaseType;
using ovsdb::ColumnSchema;
using ovsdb::ColumnType;
using ovsdb::Datum;
using ovsdb::Json;
using ovsdb::OvsdbError;
using ovsdb::ToText;

absl::Status DivisionByZero() { return OvsdbError("domain error", "Division by zero."); }

}  // namespace

absl::StatusOr<Mutation> Mutation::FromJson(const NamedTable& table, const Json& json,
                                            const ovsdb::NamedUuids& names, bool trusted) {
  if (!json.is_array() || json.size() != 3 || !json[0].is_string() || !json[1].is_string()) {
    return OvsdbError("syntax error", "Parse error in mutation.", ToText(json));
  }
  Mutation mutation;
  mutation.column_ = json[0].get<std::string>();
  const ColumnSchema* column = FindColumn(table, mutation.column_);
  if (column == nullptr) return UnknownColumn(table, mutation.column_, json);
  const bool implicit = table.schema->columns.count(mutation.column_) == 0;
  if (!column->is_mutable && (implicit || !trusted)) {
    return OvsdbError("constraint violation",
                      fmt::format("Cannot mutate immutable column {} in table {}.",
                                  mutation.column_, *table.name),
                      ToText(json));
  }
  mutation.type_ = column->type;
  mutation.name_ = json[1].get<std::string>();
  constexpr std::pair<const char*, Mutator> kMutators[] = {
      {"+=", Mutator::kAdd},        {"-=", Mutator::kSubtract}, {"*=", Mutator::kMultiply},
      {"/=", Mutator::kDivide},     {"%=", Mutator::kModulo},   {"insert", Mutator::kInsert},
      {"delete", Mutator::kDelete},
  };
  const auto* const end = std::end(kMutators);
  const auto* at = std::begin(kMutators);
  while (at != end && mutation.name_ != at->first) ++at;
  if (at == end) {
    return OvsdbError("unknown mutator", "No mutator named " + mutation.name_ + ".");
  }
  mutation.mutator_ = at->second;
  RETURN_IF_ERROR(mutation.ReadArgument(json, names));
  return mutation;
}

absl::Status Mutation::ReadArgument(const Json& json, const ovsdb::NamedUuids& names) {
  const bool is_member = mutator_ == Mutator::kInsert || mutator_ == Mutator::kDelete;
  const bool is_integer = type_.key.type == AtomType::kInteger;
  const bool is_number = is_integer || type_.key.type == AtomType::kReal;
  const bool fits =
      is_member ? type_.min != 1 || type_.max != 1
                : is_number && !type_.IsMap() && (is_integer || mutator_ != Mutator::kModulo);
  if (!fits) {
    return OvsdbError(
        "syntax error",
        fmt::format("Type mismatch: \"{}\" operator may not be applied to column {} of type {}.",
                    name_, column_, TypeText(type_)),
        ToText(json));
  }
  // What is added must fit the column; what is taken out may be more than it can hold; a number is
  // only a number, whatever the column's range.
  ColumnType type = type_;
  if (is_member) {
    type.min = 0;
    if (mutator_ == Mutator::kDelete) type.max = ColumnType::kUnlimited;
  } else {
    type = ColumnType();
    type.key.type = type_.key.type;
  }
  absl::StatusOr<Datum> argument = DatumFromJson(type, json[2], names);
  if (!argument.ok() && mutator_ == Mutator::kDelete && type.IsMap()) {
    // From a map also keys alone can go.
    type.value.reset();
    argument = DatumFromJson(type, json[2], names);
  }
  if (!argument.ok()) return argument.status();
  argument_ = *std::move(argument);
  return absl::OkStatus();
}

absl::Status Mutation::Apply(Row* row) const {
  Datum& value = row->columns[column_];
  if (mutator_ == Mutator::kInsert) {
    Insert(&value);
  } else if (mutator_ == Mutator::kDelete) {
    Delete(&value);
  } else {
    return Calculate(&value);
  }
  if (value.size() >= type_.min && value.size() <= type_.max) return absl::OkStatus();
  return OvsdbError("constraint violation", fmt::format("Attempted to store {} elements in {}.",
                                                        value.size(), TypeText(type_)));
}

absl::Status Mutation::Calculate(Datum* value) const {
  // Constraints hold after each mutation and not only after the last.
  for (Atom& atom : value->keys) {
    ASSIGN_OR_RETURN(atom, Calculated(atom));
    RETURN_IF_ERROR(CheckConstraints(type_.key, atom));
  }
  if (Normalize(value)) return absl::OkStatus();
  return OvsdbError("constraint violation",
                    fmt::format("Result of \"{}\" operation contains duplicates.", name_));
}

absl::StatusOr<Atom> Mutation::Calculated(const Atom& atom) const {
  if (type_.key.type == AtomType::kInteger) {
    return Integer(std::get<int64_t>(atom), std::get<int64_t>(argument_.keys[0]));
  }
  return Real(std::get<double>(atom), std::get<double>(argument_.keys[0]));
}

absl::StatusOr<Atom> Mutation::Integer(int64_t left, int64_t right) const {
  int64_t result = 0;
  bool overflow = false;
  const bool divides = mutator_ == Mutator::kDivide || mutator_ == Mutator::kModulo;
  if (divides && right == 0) return DivisionByZero();
  // Its negative is one more than the largest: the processor traps.
  if (divides && right == -1 && left == std::numeric_limits<int64_t>::min()) {
    overflow = true;
  } else if (mutator_ == Mutator::kAdd) {
    overflow = __builtin_add_overflow(left, right, &result);
  } else if (mutator_ == Mutator::kSubtract) {
    overflow = __builtin_sub_overflow(left, right, &result);
  } else if (mutator_ == Mutator::kMultiply) {
    overflow = __builtin_mul_overflow(left, right, &result);
  } else {
    result = mutator_ == Mutator::kDivide ? left / right : left % right;
  }
  if (!overflow) return result;
  return OvsdbError("range error",
                    fmt::format("Result of \"{}\" operation is out of range.", name_));
}

absl::StatusOr<Atom> Mutation::Real(double left, double right) const {
  if (mutator_ == Mutator::kDivide && right == 0) return DivisionByZero();
  double result = left / right;
  if (mutator_ == Mutator::kAdd) result = left + right;
  if (mutator_ == Mutator::kSubtract) result = left - right;
  if (mutator_ == Mutator::kMultiply) result = left * right;
  // + 0.0 makes one zero of the two.
  if (std::isfinite(result)) return result + 0.0;
  return OvsdbError("range error",
                    fmt::format("Result of \"{}\" operation is out of range.", name_));
}

void Mutation::Insert(Datum* value) const {
  if (argument_.size() > 1) {
    // One pass where many come: the first of two with one key stays, as a map asks for it.
    value->keys.insert(value->keys.end(), argument_.keys.begin(), argument_.keys.end());
    value->values.insert(value->values.end(), argument_.values.begin(), argument_.values.end());
    Normalize(value);
    return;
  }
  for (size_t i = 0; i < argument_.size(); ++i) {
    if (value->Find(argument_.keys[i])) continue;
    if (type_.IsMap()) {
      value->Put(argument_.keys[i], argument_.values[i]);
    } else {
      value->Put(argument_.keys[i]);
    }
  }
}

void Mutation::Delete(Datum* value) const {
  for (size_t i = 0; i < argument_.size(); ++i) {
    const std::optional<size_t> at = value->Find(argument_.keys[i]);
    // A pair goes only with its value, a key with any.
    if (at && (argument_.values.empty() || value->values[*at] == argument_.values[i])) {
      value->Erase(argument_.keys[i]);
    }
  }
}

}  // namespace outrider::ovs
