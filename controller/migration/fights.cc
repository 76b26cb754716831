#include "controller/migration/fights.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/migration/machine.h"
#include "controller/migration/timeline.h"
#include "controller/model/names.h"
#include "controller/store/unplanned_moves.h"

namespace outrider::controller {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

// The source was paused, or let go, or whoever opened the destination knew of it.
bool WasPlanned(const v1::Migration& migration) {
  return std::any_of(
      migration.timeline().begin(), migration.timeline().end(),
      [&](const v1::MigrationEvent& event) {
        const bool by_source = event.host() == migration.source();
        return (event.kind() == "paused" && by_source) ||
               (event.kind() == "detached" && by_source) ||
               (event.kind() == "activated" && event.detail() == kPortDataTrigger) ||
               (event.kind() == "switchover" && event.host() != migration.destination());
      });
}

// The hosts of the moves that are counted at the port, and `host`.
NameSet Fighters(const Model& model, const v1::Port& port, const std::string& host) {
  NameSet hosts{host, port.location().host()};
  for (const auto& [id, migration] : model.All<v1::Migration>()) {
    const int64_t at_us = RecordedAt(*migration, "switchover");
    const auto& counted = port.unplanned_moves_us();
    if (!migration->source_epochs().contains(port.meta().name())) continue;
    if (std::find(counted.begin(), counted.end(), at_us) == counted.end()) continue;
    hosts.insert(migration->source());
    hosts.insert(migration->destination());
  }
  return hosts;
}

// "h1" and "h2"
std::string Listed(const NameSet& names) {
  std::string text;
  for (const std::string& name : names) {
    text += fmt::format("{}host \"{}\"", text.empty() ? "" : " and ", name);
  }
  return text;
}

}  // namespace

int64_t UnplannedAt(const v1::Migration& migration) {
  if (!migration.detected() || WasPlanned(migration)) return 0;
  return RecordedAt(migration, "switchover");
}

std::vector<int64_t> MovesFrom(const Model& model, const std::string& host,
                               const std::string& port_id) {
  std::vector<int64_t> times;
  for (const std::string& id : model.index().moves_of_port_at.Get(PairKey(port_id, host))) {
    const v1::Migration& migration = *model.Find<v1::Migration>(id);
    const int64_t at_us = RecordedAt(migration, "switchover");
    if (migration.source() == host && at_us != 0) times.push_back(at_us);
  }
  return times;
}

std::string FrozenText(const Model& model, const v1::Port& port, const std::string& host) {
  return fmt::format(
      "port \"{0}\" is frozen on host \"{1}\": {2} have claimed it from each other, {3} times "
      "within "
      "{4} s, and its guest was neither paused nor detached where it was; stop the one that is not "
      "to have it, run \"outrider port thaw {0}\", and attach it again",
      port.meta().name(), port.location().host(), Listed(Fighters(model, port, host)),
      port.unplanned_moves_us_size(), kUnplannedWindowUs / kUsPerSecond);
}

}  // namespace outrider::controller
