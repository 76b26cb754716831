#include "controller/migration/outcome.h"

#include <algorithm>
#include <utility>

#include "controller/migration/timeline.h"

namespace outrider::controller {
namespace {

constexpr char kOther[] = "other";
constexpr char kByRequest[] = "request";

using Event = v1::MigrationEvent;

const Event* FirstOf(const v1::Migration& migration, const std::string& kind) {
  const auto& timeline = migration.timeline();
  const auto found = std::find_if(timeline.begin(), timeline.end(),
                                  [&](const Event& event) { return event.kind() == kind; });
  return found == timeline.end() ? nullptr : &*found;
}

bool Opens(const Event& event, const v1::Migration& migration) {
  return event.host() == migration.destination() &&
         (event.kind() == "activated" || event.kind() == "first-frame");
}

bool IsTrigger(const std::string& word) {
  const auto& known = SwitchTriggers();
  return std::find(known.begin(), known.end(), word) != known.end();
}

// Of an event that opens a port.
std::string TriggerOf(const Event& event) {
  if (event.kind() == "first-frame") return event.kind();
  return IsTrigger(event.detail()) ? event.detail() : kOther;
}

bool Ends(const std::string& text, const std::string& with) {
  return text.size() >= with.size() &&
         text.compare(text.size() - with.size(), with.size(), with) == 0;
}

void Add(const v1::MoveCounters& counters, v1::MoveCounters* sum) {
  sum->set_replayed(sum->replayed() + counters.replayed());
  sum->set_redirected(sum->redirected() + counters.redirected());
  sum->set_lost(sum->lost() + counters.lost());
  sum->set_arrived(sum->arrived() + counters.arrived());
  sum->set_refused(sum->refused() + counters.refused());
  sum->set_connections(sum->connections() + counters.connections());
  sum->set_adopted(sum->adopted() + counters.adopted());
}

}  // namespace

const std::vector<std::string>& SwitchTriggers() {
  static const auto* const kAll = new std::vector<std::string>{
      "api",  "detached",  "first-frame", "libvirt",    "none",
      kOther, "port-data", "qmp",         "switchover", "tap-features"};
  return *kAll;
}

// At the destination the opening comes just before the switchover that it causes; where the
// source's pause is what counts, the detail begins with who told of it.
std::string SwitchTrigger(const v1::Migration& migration) {
  std::string opened = kOther;
  for (const Event& event : migration.timeline()) {
    if (Opens(event, migration)) opened = TriggerOf(event);
    if (event.kind() != "switchover") continue;
    if (event.host() == kController) return "switchover";
    if (event.host() == migration.source()) return "detached";
    const std::string told = event.detail().substr(0, event.detail().find(' '));
    return IsTrigger(told) ? told : opened;
  }
  return "none";
}

const std::vector<std::string>& AbortClasses() {
  static const auto* const kAll = new std::vector<std::string>{"destination-gone",
                                                               "detached-at-destination",
                                                               "detached-at-source",
                                                               "evacuated",
                                                               "lease",
                                                               "not-in-force",
                                                               kByRequest,
                                                               "returned"};
  return *kAll;
}

// By the ends of the reasons that the state machine and the evacuation give.
std::string AbortClass(const v1::Migration& migration) {
  static const auto* const kEnds = new std::vector<std::pair<std::string, std::string>>{
      {"is gone, and the guest was not seen there", "destination-gone"},
      {"was detached at the destination", "detached-at-destination"},
      {"was detached at the destination before the guest was seen there",
       "detached-at-destination"},
      {"was detached at the source", "detached-at-source"},
      {"was evacuated", "evacuated"},
      {"lease expired", "lease"},
      {"did not put the ports in force", "not-in-force"},
      {"\" again", "returned"}};
  for (const auto& [end, word] : *kEnds) {
    if (Ends(migration.reason(), end)) return word;
  }
  return kByRequest;
}

MigrationDurations DurationsOf(const v1::Migration& migration) {
  MigrationDurations durations;
  const Event* const intent = FirstOf(migration, "intent");
  const int64_t armed_us = RecordedAt(migration, "armed");
  const int64_t ended_us =
      std::max(RecordedAt(migration, "committed"), RecordedAt(migration, "aborted"));
  if (intent != nullptr && armed_us != 0) durations.prepare_us = armed_us - intent->recorded_us();
  if (intent != nullptr && ended_us != 0) durations.whole_us = ended_us - intent->recorded_us();
  const Event* const switchover = FirstOf(migration, "switchover");
  if (switchover == nullptr) return durations;
  const auto& timeline = migration.timeline();
  const auto opened = std::find_if(timeline.begin(), timeline.end(),
                                   [&](const Event& event) { return Opens(event, migration); });
  if (opened != timeline.end()) {
    durations.switch_us = std::max<int64_t>(opened->recorded_us() - switchover->recorded_us(), 0);
  }
  if (FirstOf(migration, "converged") != nullptr) {
    durations.convergence_us = migration.converge_max_us();
  }
  return durations;
}

v1::MoveCounters TotalCounters(const v1::Migration& migration) {
  v1::MoveCounters sum;
  for (const auto& [port, counters] : migration.source_counters()) Add(counters, &sum);
  for (const auto& [port, counters] : migration.destination_counters()) Add(counters, &sum);
  return sum;
}

}  // namespace outrider::controller
