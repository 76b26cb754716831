#include "controller/metrics/migration_metrics.h"

#include <optional>

#include "controller/migration/outcome.h"

namespace outrider::controller {
namespace {

constexpr char kCommitted[] = "committed";
constexpr char kAborted[] = "aborted";

// Seconds. A step is some milliseconds where all is well, and seconds where a host is slow.
prometheus::Histogram::BucketBoundaries StepBounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
}

// The whole of it lasts as long as the hypervisor copies memory.
prometheus::Histogram::BucketBoundaries WholeBounds() {
  return {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};
}

bool HasEnded(const v1::Migration& migration) {
  return migration.phase() == v1::MIGRATION_PHASE_COMMITTED ||
         migration.phase() == v1::MIGRATION_PHASE_ABORTED;
}

void Observe(const std::optional<int64_t>& us, prometheus::Histogram* histogram) {
  if (us) histogram->Observe(MetricSeconds(static_cast<double>(*us)));
}

// Counters of a record only grow.
void AddGrowth(const v1::MoveCounters& before, const v1::MoveCounters& after,
               v1::MoveCounters* sum) {
  sum->set_replayed(sum->replayed() + after.replayed() - before.replayed());
  sum->set_redirected(sum->redirected() + after.redirected() - before.redirected());
  sum->set_lost(sum->lost() + after.lost() - before.lost());
  sum->set_arrived(sum->arrived() + after.arrived() - before.arrived());
  sum->set_refused(sum->refused() + after.refused() - before.refused());
  sum->set_connections(sum->connections() + after.connections() - before.connections());
  sum->set_adopted(sum->adopted() + after.adopted() - before.adopted());
}

}  // namespace

MigrationMetrics::MigrationMetrics(Repository* repository)
    : prepare_s_(StepBounds()),
      switch_s_(StepBounds()),
      convergence_s_(StepBounds()),
      whole_s_(WholeBounds()) {
  // A series that is there from the beginning shows its first event as one.
  for (const std::string& trigger : SwitchTriggers()) {
    ended_[{kAborted, trigger}] = 0;
    if (trigger != "none") ended_[{kCommitted, trigger}] = 0;
  }
  for (const std::string& reason : AbortClasses()) aborted_[reason] = 0;
  subscription_ = repository->Subscribe([this](const ChangeSet& set) { OnChanges(set); });
}

void MigrationMetrics::OnChanges(const ChangeSet& set) {
  for (const Change& change : set.changes) {
    const auto* after = change.After<v1::Migration>();
    if (after != nullptr && HasEnded(*after)) OnRecord(change.Before<v1::Migration>(), *after);
  }
}

void MigrationMetrics::OnRecord(const v1::Migration* before, const v1::Migration& after) {
  const bool is_late = before != nullptr && HasEnded(*before);
  const std::lock_guard lock(mutex_);
  AddGrowth(is_late ? TotalCounters(*before) : v1::MoveCounters(), TotalCounters(after),
            &counters_);
  if (!is_late) CountEnd(after);
}

void MigrationMetrics::CountEnd(const v1::Migration& ended) {
  const bool committed = ended.phase() == v1::MIGRATION_PHASE_COMMITTED;
  ++ended_[{committed ? kCommitted : kAborted, SwitchTrigger(ended)}];
  if (!committed) ++aborted_[AbortClass(ended)];
  const MigrationDurations durations = DurationsOf(ended);
  Observe(durations.prepare_us, &prepare_s_);
  Observe(durations.switch_us, &switch_s_);
  Observe(durations.convergence_us, &convergence_s_);
  Observe(durations.whole_us, &whole_s_);
}

void MigrationMetrics::AddTo(MetricPage* page) const {
  const std::lock_guard lock(mutex_);
  AddEnds(page);
  page->Histogram("outrider_controller_migration_prepare_seconds",
                  "From the intent to the destination's being armed.", prepare_s_.Collect());
  page->Histogram("outrider_controller_migration_switch_seconds",
                  "From the switchover to the news that the destination has opened a port.",
                  switch_s_.Collect());
  page->Histogram("outrider_controller_migration_convergence_seconds",
                  "From the switchover to the last host's acknowledgement.",
                  convergence_s_.Collect());
  page->Histogram("outrider_controller_migration_duration_seconds",
                  "From the intent to the end, committed or aborted.", whole_s_.Collect());
  AddCounters(page);
}

void MigrationMetrics::AddEnds(MetricPage* page) const {
  for (const auto& [key, count] : ended_) {
    page->Counter("outrider_controller_migrations_total",
                  "Migrations that have ended, by outcome and by what moved the ports.",
                  static_cast<double>(count), {{"outcome", key.first}, {"trigger", key.second}});
  }
  for (const auto& [reason, count] : aborted_) {
    page->Counter("outrider_controller_migration_aborts_total",
                  "Migrations that were aborted, by reason.", static_cast<double>(count),
                  {{"reason", reason}});
  }
}

void MigrationMetrics::AddCounters(MetricPage* page) const {
  const auto add = [page](const std::string& what, const std::string& help, uint64_t count) {
    page->Counter("outrider_controller_migration_" + what + "_total", help,
                  static_cast<double>(count));
  };
  add("frames_replayed", "Frames that a paused guest had not received, sent after it.",
      counters_.replayed());
  add("frames_redirected", "Frames that came for a guest that was leaving, sent after it.",
      counters_.redirected());
  add("frames_lost", "Frames that could not be kept or sent after a guest.", counters_.lost());
  add("frames_arrived", "Frames that were sent after a guest and put into its device's queue.",
      counters_.arrived());
  add("frames_refused", "Frames that were sent after a guest and refused there.",
      counters_.refused());
  add("connections_taken_over", "Connections that moved along with a port.",
      counters_.connections());
  add("connections_adopted", "Connections that were lost on the way and found in mid-stream.",
      counters_.adopted());
}

}  // namespace outrider::controller
