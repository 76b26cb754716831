#include "vswitch/ovs/monitor_update.h"

#include <utility>

namespace outrider::ovs {
namespace {

using ovsdb::Datum;
using ovsdb::Json;
using ovsdb::ToJson;
using ovsdb::Uuid;

// A row as one side of a change has it: null before an insert, after a delete, and where the
// condition does not hold.
struct RowStep {
  const Uuid& uuid;
  const Row* before;
  const Row* after;
};

Datum ValueOf(const Uuid& uuid, const Row& row, const std::string& column) {
  Datum scratch;
  return ovs::ValueOf(uuid, row, column, &scratch);
}

uint8_t KindOf(const RowStep& step) {
  if (step.before == nullptr) return kSelectInsert;
  return step.after == nullptr ? kSelectDelete : kSelectModify;
}

bool AnyColumnChanged(const MonitoredTable& table, const RowStep& step) {
  for (const auto& [name, column] : table.columns) {
    if (ValueOf(step.uuid, *step.before, name) != ValueOf(step.uuid, *step.after, name))
      return true;
  }
  return false;
}

// RFC 7047's <row-update>: all selected columns, and of a modified row the old values of those that
// changed.
Json RowUpdate1(const MonitoredTable& table, const RowStep& step, uint8_t kind) {
  Json update = Json::object();
  if (step.before != nullptr) update["old"] = Json::object();
  if (step.after != nullptr) update["new"] = Json::object();
  for (const auto& [name, column] : table.columns) {
    if ((column.select & kind) == 0) continue;
    const Datum before = step.before ? ValueOf(step.uuid, *step.before, name) : Datum{};
    const Datum after = step.after ? ValueOf(step.uuid, *step.after, name) : Datum{};
    if (step.before && (!step.after || before != after)) {
      update["old"][name] = ToJson(column.type, before);
    }
    if (step.after) update["new"][name] = ToJson(column.type, after);
  }
  return update;
}

// <row-update2>: of new rows what is not default, of modified ones what differs.
Json RowUpdate2(const MonitoredTable& table, const RowStep& step, uint8_t kind) {
  if (kind == kSelectDelete) return {{"delete", nullptr}};
  Json columns = Json::object();
  for (const auto& [name, column] : table.columns) {
    if ((column.select & kind) == 0) continue;
    const Datum after = ValueOf(step.uuid, *step.after, name);
    if (kind == kSelectModify) {
      const Datum before = ValueOf(step.uuid, *step.before, name);
      if (before == after) continue;
      columns[name] = ToJson(column.type, DatumDiff(column.type, before, after));
    } else if (after != ovsdb::DefaultDatum(column.type)) {
      columns[name] = ToJson(column.type, after);
    }
  }
  const char* const word = kind == kSelectInitial  ? "initial"
                           : kind == kSelectInsert ? "insert"
                                                   : "modify";
  return {{word, std::move(columns)}};
}

void AddRow(const MonitorSpec& spec, const std::string& name, const MonitoredTable& table,
            const RowStep& step, uint8_t kind, Json* updates) {
  if ((table.select & kind) == 0) return;
  if (kind == kSelectModify && !AnyColumnChanged(table, step)) return;
  (*updates)[name][step.uuid.ToString()] = spec.version == MonitorVersion::kV1
                                               ? RowUpdate1(table, step, kind)
                                               : RowUpdate2(table, step, kind);
}

const Row* IfMatches(const MonitorCondition& condition, const Uuid& uuid, const RowPtr& row) {
  return row != nullptr && condition.Matches(uuid, *row) ? row.get() : nullptr;
}

const Table* RowsOf(const Tables& tables, const std::string& name) {
  const auto found = tables.find(name);
  return found == tables.end() ? nullptr : &found->second;
}

}  // namespace

Datum DatumDiff(const ovsdb::ColumnType& type, const Datum& from, const Datum& to) {
  if (type.max == 1) return to;
  // Both are in order: one pass merges them.
  Datum diff;
  size_t i = 0;
  size_t j = 0;
  const auto take = [&diff](const Datum& datum, size_t at) {
    diff.keys.push_back(datum.keys[at]);
    if (!datum.values.empty()) diff.values.push_back(datum.values[at]);
  };
  while (i < from.size() || j < to.size()) {
    if (j == to.size() || (i < from.size() && from.keys[i] < to.keys[j])) {
      take(from, i++);
    } else if (i == from.size() || to.keys[j] < from.keys[i]) {
      take(to, j++);
    } else {
      if (!to.values.empty() && from.values[i] != to.values[j]) take(to, j);
      ++i;
      ++j;
    }
  }
  return diff;
}

Json InitialUpdate(const MonitorSpec& spec, const Tables& tables) {
  Json updates = Json::object();
  for (const auto& [name, table] : spec.tables) {
    const Table* const rows = RowsOf(tables, name);
    if (rows == nullptr) continue;
    for (const auto& [uuid, row] : *rows) {
      const Row* const after = IfMatches(table.condition, uuid, row);
      if (after == nullptr) continue;
      AddRow(spec, name, table, {uuid, nullptr, after}, kSelectInitial, &updates);
    }
  }
  return updates;
}

Json ChangesUpdate(const MonitorSpec& spec, const Changes& changes) {
  Json updates = Json::object();
  for (const RowChange& change : changes) {
    const auto table = spec.tables.find(change.table);
    if (table == spec.tables.end()) continue;
    const MonitorCondition& condition = table->second.condition;
    const RowStep step{change.uuid, IfMatches(condition, change.uuid, change.before),
                       IfMatches(condition, change.uuid, change.after)};
    if (step.before == nullptr && step.after == nullptr) continue;
    AddRow(spec, change.table, table->second, step, KindOf(step), &updates);
  }
  return updates;
}

Json ConditionsUpdate(const MonitorSpec& from, const MonitorSpec& to, const Tables& tables) {
  Json updates = Json::object();
  for (const auto& [name, table] : to.tables) {
    const MonitorCondition& old = from.tables.at(name).condition;
    const Table* const rows = RowsOf(tables, name);
    if (rows == nullptr || old.text() == table.condition.text()) continue;
    for (const auto& [uuid, row] : *rows) {
      const RowStep step{uuid, IfMatches(old, uuid, row), IfMatches(table.condition, uuid, row)};
      // A row that stays has not changed by that.
      if ((step.before == nullptr) == (step.after == nullptr)) continue;
      AddRow(to, name, table, step, KindOf(step), &updates);
    }
  }
  return updates;
}

}  // namespace outrider::ovs
