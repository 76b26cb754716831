// Conditions of find and wait-until.
#include <utility>

#include "vswitch/cli/record.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::ColumnType;
using ovsdb::Datum;

// In the order of their enumerators.
enum Operator : size_t {
  kEq,
  kNe,
  kLt,
  kGt,
  kLe,
  kGe,
  kSetEq,
  kSetNe,
  kSetLt,
  kSetGt,
  kSetLe,
  kSetGe,
  kSetIn,
  kSetNotIn
};
const std::vector<std::string>& Operators() {
  static const std::vector<std::string> kOperators = {
      "=",    "!=",  "<",   ">",    "<=",   ">=",   "{=}",
      "{!=}", "{<}", "{>}", "{<=}", "{>=}", "{in}", "{not-in}"};
  return kOperators;
}

// How many members of `part` `all` has; of maps, pairs.
size_t CountIn(const Datum& part, const Datum& all) {
  size_t count = 0;
  for (size_t i = 0; i < part.size(); ++i) {
    const auto at = all.Find(part.keys[i]);
    if (!at) continue;
    count += part.values.empty() || all.values.empty() || part.values[i] == all.values[*at] ? 1 : 0;
  }
  return count;
}

bool Evaluate(const Datum& have, const Datum& want, size_t op) {
  switch (op) {
    case kEq:
    case kSetEq:
      return have == want;
    case kNe:
    case kSetNe:
      return !(have == want);
    case kLt:
      return have < want;
    case kGt:
      return want < have;
    case kLe:
      return !(want < have);
    case kGe:
      return !(have < want);
    case kSetLt:
      return want.size() > have.size() && CountIn(have, want) == have.size();
    case kSetGt:
      return have.size() > want.size() && CountIn(want, have) == want.size();
    case kSetLe:
    case kSetIn:
      return CountIn(have, want) == have.size();
    case kSetGe:
      return CountIn(want, have) == want.size();
    default:
      return CountIn(have, want) == 0;
  }
}

absl::StatusOr<bool> KeyMeets(const Datum& have, const ColumnType& type,
                              const ColumnArgument& argument, RowNames* names) {
  if (!type.IsMap()) {
    return absl::InvalidArgumentError("cannot specify key to check for non-map column " +
                                      argument.column);
  }
  ASSIGN_OR_RETURN(const Atom key, AtomFromText(type.key, *argument.key, names));
  const ColumnType of_value = {*type.value, std::nullopt, type.min, ColumnType::kUnlimited};
  ASSIGN_OR_RETURN(const Datum want, DatumFromText(of_value, argument.value, names));
  const Atom* const value = have.ValueOf(key);
  // A key that is not there is the empty set, but to the plain operators it is nothing at all.
  if (value == nullptr && argument.op < kSetEq) return false;
  return Evaluate(value == nullptr ? Datum() : Datum::Of(*value), want, argument.op);
}

}  // namespace

absl::StatusOr<bool> Meets(const View& view, const ViewRow& row, const std::string& argument,
                           RowNames* names) {
  ASSIGN_OR_RETURN(const ColumnArgument parsed,
                   ParseColumnArgument(view.schema(), row.table, argument, Operators()));
  const ColumnType& type = view.TypeOf(row, parsed.column);
  const Datum& have = view.Read(row, parsed.column);
  if (parsed.key) return KeyMeets(have, type, parsed, names);
  ASSIGN_OR_RETURN(const Datum want, DatumFromText(type, parsed.value, names));
  return Evaluate(have, want, parsed.op);
}

}  // namespace outrider::cli
