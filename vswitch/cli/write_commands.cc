// set, add, remove, clear, create, destroy.
#include <utility>

#include "vswitch/cli/command_table.h"
#include "vswitch/cli/name_match.h"
#include "vswitch/cli/record.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::ColumnType;
using ovsdb::Datum;

// The commands' TABLE and RECORD; null: there is no such row, and --if-exists allows it.
absl::StatusOr<ViewRow*> RecordOf(Step* step) {
  View& view = step->view();
  ASSIGN_OR_RETURN(const std::string table, MatchTable(view.schema(), step->Arg(1)));
  if (step->command->Has("--if-exists")) return FindRecord(&view, table, step->Arg(2));
  return RequireRecord(&view, table, step->Arg(2));
}

// Rows were written without the index's knowledge.
void Invalidate(Step* step) { step->attempt->bridges.reset(); }

// Any number of members but none.
ColumnType Loose(const ColumnType& type) {
  ColumnType loose = type;
  loose.min = 1;
  loose.max = ColumnType::kUnlimited;
  return loose;
}

absl::Status CheckCount(const char* command, const Datum& datum, const ViewRow& row,
                        const std::string& column, const ColumnType& type) {
  const bool few = datum.size() < type.min;
  if (!few && datum.size() <= type.max) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "\"" + std::string(command) + "\" operation would put " + std::to_string(datum.size()) +
      (type.IsMap() ? " pairs" : " values") + " in column " + column + " of table " + row.table +
      " but the " + (few ? "minimum" : "maximum") + " number is " +
      std::to_string(few ? type.min : type.max));
}

// Takes the members of an argument of `remove` out of `datum`: keys or pairs of a map.
absl::Status TakeOut(const ColumnType& type, const std::string& argument, RowNames* names,
                     Datum* datum) {
  absl::StatusOr<Datum> gone = DatumFromText(Loose(type), argument, names);
  if (!gone.ok() && type.IsMap()) {
    ColumnType keys = Loose(type);
    keys.value.reset();
    gone = DatumFromText(keys, argument, names);
  }
  RETURN_IF_ERROR(gone.status());
  for (size_t i = 0; i < gone->size(); ++i) {
    const Atom* const value = datum->ValueOf(gone->keys[i]);
    const bool other = !gone->values.empty() && value != nullptr && *value != gone->values[i];
    if (!other) datum->Erase(gone->keys[i]);
  }
  return absl::OkStatus();
}

absl::Status PlanOneColumn(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  ASSIGN_OR_RETURN(const std::string column, MatchColumn(plan->schema(), table, command.args[3]));
  PlanRecord(table, command.args[2], {column}, plan);
  return absl::OkStatus();
}

// Puts a member, or pair, of one datum into another.
void PutFrom(const Datum& from, size_t i, Datum* to) {
  if (from.values.empty()) {
    to->Put(from.keys[i]);
  } else {
    to->Put(from.keys[i], from.values[i]);
  }
}

// What `add` puts in, of all its arguments; of keys that are there twice the first counts.
absl::StatusOr<Datum> AddedMembers(Step* step, const ColumnType& type) {
  Datum added;
  for (size_t i = 4; i < step->ArgCount(); ++i) {
    ASSIGN_OR_RETURN(const Datum some,
                     DatumFromText(Loose(type), step->Arg(i), &step->attempt->names));
    for (size_t k = 0; k < some.size(); ++k) {
      if (!added.Find(some.keys[k])) PutFrom(some, k, &added);
    }
  }
  return added;
}

// The uuid for --id; absent: none was asked for.
struct NewRow {
  std::optional<ovsdb::Uuid> uuid;
  bool keeps = false;
};
absl::StatusOr<NewRow> NewRowFor(const std::string* id, bool is_root, RowNames* names) {
  if (id == nullptr) return NewRow();
  if (const auto uuid = ovsdb::Uuid::Parse(*id)) return NewRow{uuid, true};
  if ((*id)[0] != '@') {
    return absl::InvalidArgumentError("row id \"" + *id + "\" does not begin with \"@\"");
  }
  RowNames::Name& name = names->Of(*id);
  if (name.created) {
    return absl::InvalidArgumentError("row id \"" + *id +
                                      "\" may only be specified on one --id option");
  }
  name.created = true;
  // Rows of such tables stay without a reference.
  name.strong |= is_root;
  return NewRow{name.uuid};
}

// TABLE RECORD COLUMN: the row, and the column, which may be changed; nullptr: there is no row, and
// need not be.
absl::StatusOr<ViewRow*> RecordToChange(Step* step, std::string* column) {
  View& view = step->view();
  ASSIGN_OR_RETURN(const std::string table, MatchTable(view.schema(), step->Arg(1)));
  ASSIGN_OR_RETURN(*column, MatchColumn(view.schema(), table, step->Arg(3)));
  ASSIGN_OR_RETURN(ViewRow* const row, RecordOf(step));
  if (row != nullptr) RETURN_IF_ERROR(CheckMutable(view, *row, *column));
  return row;
}

}  // namespace

absl::Status PlanSet(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  std::vector<std::string> columns;
  for (size_t i = 3; i < command.args.size(); ++i) {
    ASSIGN_OR_RETURN(std::string column, ColumnOfArgument(plan->schema(), table, command.args[i]));
    columns.push_back(std::move(column));
  }
  PlanRecord(table, command.args[2], columns, plan);
  return absl::OkStatus();
}

absl::Status RunSet(Step* step) {
  ASSIGN_OR_RETURN(ViewRow* const row, RecordOf(step));
  if (row == nullptr) return absl::OkStatus();
  for (size_t i = 3; i < step->ArgCount(); ++i) {
    RETURN_IF_ERROR(SetColumn(&step->view(), row, step->Arg(i), step->last, &step->attempt->names));
  }
  Invalidate(step);
  return absl::OkStatus();
}

absl::Status PlanAdd(const Command& command, Plan* plan) { return PlanOneColumn(command, plan); }

absl::Status RunAdd(Step* step) {
  View& view = step->view();
  std::string column;
  ASSIGN_OR_RETURN(ViewRow* const row, RecordToChange(step, &column));
  if (row == nullptr) return absl::OkStatus();
  const ColumnType& type = view.TypeOf(*row, column);
  ASSIGN_OR_RETURN(const Datum added, AddedMembers(step, type));
  Invalidate(step);
  if (step->last) {
    for (size_t i = 0; i < added.size(); ++i) {
      view.Put(row, column, added.keys[i], type.IsMap() ? added.values[i] : Atom(), false);
    }
    return absl::OkStatus();
  }
  Datum datum = view.Read(*row, column);
  for (size_t i = 0; i < added.size(); ++i) {
    if (!datum.Find(added.keys[i])) PutFrom(added, i, &datum);
  }
  RETURN_IF_ERROR(CheckCount("add", datum, *row, column, type));
  View::Verify(row, column);
  view.Write(row, column, std::move(datum));
  return absl::OkStatus();
}

absl::Status PlanRemove(const Command& command, Plan* plan) { return PlanOneColumn(command, plan); }

absl::Status RunRemove(Step* step) {
  View& view = step->view();
  std::string column;
  ASSIGN_OR_RETURN(ViewRow* const row, RecordToChange(step, &column));
  if (row == nullptr) return absl::OkStatus();
  const ColumnType& type = view.TypeOf(*row, column);
  Datum datum = view.Read(*row, column);
  for (size_t i = 4; i < step->ArgCount(); ++i) {
    RETURN_IF_ERROR(TakeOut(type, step->Arg(i), &step->attempt->names, &datum));
  }
  RETURN_IF_ERROR(CheckCount("remove", datum, *row, column, type));
  View::Verify(row, column);
  view.Write(row, column, std::move(datum));
  Invalidate(step);
  return absl::OkStatus();
}

absl::Status PlanClear(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  std::vector<std::string> columns;
  for (size_t i = 3; i < command.args.size(); ++i) {
    ASSIGN_OR_RETURN(std::string column, MatchColumn(plan->schema(), table, command.args[i]));
    columns.push_back(std::move(column));
  }
  PlanRecord(table, command.args[2], columns, plan);
  return absl::OkStatus();
}

absl::Status RunClear(Step* step) {
  View& view = step->view();
  ASSIGN_OR_RETURN(ViewRow* const row, RecordOf(step));
  if (row == nullptr) return absl::OkStatus();
  for (size_t i = 3; i < step->ArgCount(); ++i) {
    ASSIGN_OR_RETURN(const std::string column,
                     MatchColumn(view.schema(), row->table, step->Arg(i)));
    RETURN_IF_ERROR(CheckMutable(view, *row, column));
    if (view.TypeOf(*row, column).min > 0) {
      return absl::FailedPreconditionError("\"clear\" operation cannot be applied to column " +
                                           column + " of table " + row->table +
                                           ", which is not allowed to be empty");
    }
    view.Write(row, column, Datum());
  }
  Invalidate(step);
  return absl::OkStatus();
}

absl::Status PlanCreate(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  if (!command.Has("--id") && !plan->schema().tables.at(table).is_root) {
    plan->Warn("applying \"create\" command to table " + table +
               " without --id option will have no effect");
  }
  return absl::OkStatus();
}

absl::Status RunCreate(Step* step) {
  View& view = step->view();
  ASSIGN_OR_RETURN(const std::string table, MatchTable(view.schema(), step->Arg(1)));
  ASSIGN_OR_RETURN(const NewRow id,
                   NewRowFor(step->command->Option("--id"), view.schema().tables.at(table).is_root,
                             &step->attempt->names));
  ViewRow* const row = view.Insert(table, id.uuid, id.keeps);
  for (size_t i = 2; i < step->ArgCount(); ++i) {
    RETURN_IF_ERROR(SetColumn(&view, row, step->Arg(i), false, &step->attempt->names));
  }
  step->created = row->uuid;
  return absl::OkStatus();
}

absl::Status PlanDestroy(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  for (size_t i = 2; i < command.args.size(); ++i) PlanRecord(table, command.args[i], {}, plan);
  if (command.Has("--all")) plan->Need(table, {});
  return absl::OkStatus();
}

absl::Status RunDestroy(Step* step) {
  View& view = step->view();
  const bool all = step->command->Has("--all");
  const bool if_exists = step->command->Has("--if-exists");
  ASSIGN_OR_RETURN(const std::string table, MatchTable(view.schema(), step->Arg(1)));
  if (all && step->ArgCount() > 2) {
    return absl::InvalidArgumentError(
        "--all and records argument should not be specified together");
  }
  if (all && if_exists) {
    return absl::InvalidArgumentError("--all and --if-exists should not be specified together");
  }
  if (!all && step->ArgCount() == 2) {
    step->attempt->console->Warn("db_ctl_base",
                                 "either --all or records argument should be specified");
    return absl::OkStatus();
  }
  for (size_t i = 2; i < step->ArgCount(); ++i) {
    ASSIGN_OR_RETURN(ViewRow* const row, if_exists ? FindRecord(&view, table, step->Arg(i))
                                                   : RequireRecord(&view, table, step->Arg(i)));
    if (row != nullptr) view.Delete(row);
  }
  if (all) {
    for (ViewRow* const row : view.Rows(table)) view.Delete(row);
  }
  Invalidate(step);
  return absl::OkStatus();
}

}  // namespace outrider::cli
