// get, list, find, wait-until.
#include <unistd.h>

#include <utility>

#include "vswitch/cli/command_table.h"
#include "vswitch/cli/name_match.h"
#include "vswitch/cli/record.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::Datum;

bool IsUuidColumn(const std::string& text) {
  return EqualIgnoringCase(text, "_uuid") || EqualIgnoringCase(text, "-uuid");
}

// The columns of --columns, or all.
absl::StatusOr<std::vector<std::string>> ShownColumns(const Command& command,
                                                      const ovsdb::DatabaseSchema& schema,
                                                      const std::string& table) {
  const std::string* const list = command.Option("--columns");
  return MatchColumns(schema, table, list == nullptr ? "" : *list, list == nullptr);
}

void AddRow(const View& view, const ViewRow& row, OutputTable* table) {
  std::vector<OutputTable::Cell> cells;
  for (const std::string& column : table->headings) {
    if (column == "_uuid") {
      cells.push_back({{{ovsdb::AtomType::kUuid}}, Datum::Of(Atom(row.uuid))});
    } else {
      cells.push_back({view.TypeOf(row, column), view.Read(row, column)});
    }
  }
  table->rows.push_back(std::move(cells));
}

absl::Status NameRow(const std::string& name, const ViewRow& row, RowNames* names) {
  if (name[0] != '@') {
    return absl::InvalidArgumentError("row id \"" + name + "\" does not begin with \"@\"");
  }
  const bool known = names->Has(name);
  RowNames::Name& entry = names->Of(name);
  if (entry.created) {
    return absl::InvalidArgumentError("row id \"" + name +
                                      "\" may only be specified on one --id option");
  }
  if (known) {
    return absl::InvalidArgumentError("row id \"" + name +
                                      "\" specified on \"get\" command was used before it was "
                                      "defined");
  }
  entry = {row.uuid, true, true, false};
  return absl::OkStatus();
}

// What `get` prints for one of its arguments.
absl::StatusOr<std::string> GetText(Step* step, ViewRow* row, const std::string& argument) {
  if (IsUuidColumn(argument)) return row->uuid.ToString();
  View& view = step->view();
  ASSIGN_OR_RETURN(const ColumnArgument parsed,
                   ParseColumnArgument(view.schema(), row->table, argument, {}));
  View::Verify(row, parsed.column);
  const ovsdb::ColumnType& type = view.TypeOf(*row, parsed.column);
  const Datum& datum = view.Read(*row, parsed.column);
  if (!parsed.key) return DatumText(type, datum);
  if (!type.IsMap()) {
    return absl::InvalidArgumentError("cannot specify key to get for non-map column " +
                                      parsed.column);
  }
  ASSIGN_OR_RETURN(const Atom key, AtomFromText(type.key, *parsed.key, &step->attempt->names));
  if (const Atom* const value = datum.ValueOf(key)) return AtomText(*value);
  if (step->command->Has("--if-exists")) return "";
  return absl::FailedPreconditionError("no key \"" + *parsed.key + "\" in " + row->table +
                                       " record \"" + step->Arg(2) + "\" column " + parsed.column);
}

// The row of a command's RECORD argument; null: there is none, and it need not be.
absl::StatusOr<ViewRow*> OptionalRecord(Step* step, const std::string& table,
                                        const std::string& record) {
  if (!step->command->Has("--if-exists")) return RequireRecord(&step->view(), table, record);
  return FindRecord(&step->view(), table, record);
}

absl::StatusOr<std::string> ConditionColumn(const Plan& plan, const std::string& table,
                                            const std::string& argument) {
  return ColumnOfArgument(plan.schema(), table, argument);
}

}  // namespace

absl::Status PlanGet(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  std::vector<std::string> columns;
  for (size_t i = 3; i < command.args.size(); ++i) {
    if (IsUuidColumn(command.args[i])) continue;
    ASSIGN_OR_RETURN(std::string column, ColumnOfArgument(plan->schema(), table, command.args[i]));
    columns.push_back(std::move(column));
  }
  PlanRecord(table, command.args[2], columns, plan);
  return absl::OkStatus();
}

absl::Status RunGet(Step* step) {
  const std::string* const id = step->command->Option("--id");
  if (id != nullptr && step->command->Has("--if-exists")) {
    return absl::InvalidArgumentError("--if-exists and --id may not be specified together");
  }
  if (id == nullptr && step->ArgCount() <= 3 && isatty(STDOUT_FILENO) != 0) {
    step->attempt->console->Warn(
        "db_ctl_base", "\"get\" command without row arguments or \"--id\" is possibly erroneous");
  }
  ASSIGN_OR_RETURN(const std::string table, MatchTable(step->view().schema(), step->Arg(1)));
  ASSIGN_OR_RETURN(ViewRow* const row, OptionalRecord(step, table, step->Arg(2)));
  if (row == nullptr) return absl::OkStatus();
  if (id != nullptr) RETURN_IF_ERROR(NameRow(*id, *row, &step->attempt->names));
  for (size_t i = 3; i < step->ArgCount(); ++i) {
    ASSIGN_OR_RETURN(const std::string text, GetText(step, row, step->Arg(i)));
    step->output += text + '\n';
  }
  return absl::OkStatus();
}

absl::Status PlanList(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  ASSIGN_OR_RETURN(const auto columns, ShownColumns(command, plan->schema(), table));
  for (size_t i = 2; i < command.args.size(); ++i) {
    PlanRecord(table, command.args[i], columns, plan);
  }
  if (command.args.size() == 2) plan->Need(table, columns);
  return absl::OkStatus();
}

absl::Status RunList(Step* step) {
  View& view = step->view();
  ASSIGN_OR_RETURN(const std::string table, MatchTable(view.schema(), step->Arg(1)));
  step->table.emplace();
  ASSIGN_OR_RETURN(step->table->headings, ShownColumns(*step->command, view.schema(), table));
  for (size_t i = 2; i < step->ArgCount(); ++i) {
    ASSIGN_OR_RETURN(const ViewRow* const row, OptionalRecord(step, table, step->Arg(i)));
    if (row != nullptr) AddRow(view, *row, &*step->table);
  }
  if (step->ArgCount() > 2) return absl::OkStatus();
  for (const ViewRow* const row : view.Rows(table)) AddRow(view, *row, &*step->table);
  return absl::OkStatus();
}

absl::Status PlanFind(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  ASSIGN_OR_RETURN(const auto columns, ShownColumns(command, plan->schema(), table));
  plan->Need(table, columns);
  for (size_t i = 2; i < command.args.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string column, ConditionColumn(*plan, table, command.args[i]));
    plan->Need(table, {column});
  }
  return absl::OkStatus();
}

absl::Status RunFind(Step* step) {
  View& view = step->view();
  ASSIGN_OR_RETURN(const std::string table, MatchTable(view.schema(), step->Arg(1)));
  step->table.emplace();
  ASSIGN_OR_RETURN(step->table->headings, ShownColumns(*step->command, view.schema(), table));
  for (const ViewRow* const row : view.Rows(table)) {
    bool meets = true;
    for (size_t i = 2; meets && i < step->ArgCount(); ++i) {
      ASSIGN_OR_RETURN(meets, Meets(view, *row, step->Arg(i), &step->attempt->names));
    }
    if (meets) AddRow(view, *row, &*step->table);
  }
  return absl::OkStatus();
}

absl::Status PlanWaitUntil(const Command& command, Plan* plan) {
  ASSIGN_OR_RETURN(const std::string table, MatchTable(plan->schema(), command.args[1]));
  std::vector<std::string> columns;
  for (size_t i = 3; i < command.args.size(); ++i) {
    ASSIGN_OR_RETURN(std::string column, ConditionColumn(*plan, table, command.args[i]));
    columns.push_back(std::move(column));
  }
  PlanRecord(table, command.args[2], columns, plan);
  return absl::OkStatus();
}

absl::Status RunWaitUntil(Step* step) {
  View& view = step->view();
  ASSIGN_OR_RETURN(const std::string table, MatchTable(view.schema(), step->Arg(1)));
  ASSIGN_OR_RETURN(const ViewRow* const row, FindRecord(&view, table, step->Arg(2)));
  bool meets = row != nullptr;
  for (size_t i = 3; meets && i < step->ArgCount(); ++i) {
    ASSIGN_OR_RETURN(meets, Meets(view, *row, step->Arg(i), &step->attempt->names));
  }
  if (!meets) step->next = Next::kTryAgain;
  return absl::OkStatus();
}

}  // namespace outrider::cli
