// Counts migrations as they end: outcomes, reasons, times, frames and connections. Owns the sums of
// this process; the records themselves are the store's. Must not know hosts or sessions.
//
// A host's last counts come after the end: what a record then says more is added when it does.
//
// Thread-safe.
#ifndef OUTRIDER_CONTROLLER_METRICS_MIGRATION_METRICS_H_
#define OUTRIDER_CONTROLLER_METRICS_MIGRATION_METRICS_H_

#include <prometheus/histogram.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "controller/store/repository.h"
#include "outrider/v1/migration.pb.h"
#include "proto/metrics.h"

namespace outrider::controller {

class MigrationMetrics {
 public:
  // Migrations that end from now on. The repository must outlive it.
  explicit MigrationMetrics(Repository* repository);

  void AddTo(MetricPage* page) const;

 private:
  void OnChanges(const ChangeSet& set);
  // `before` null: there was none.
  void OnRecord(const v1::Migration* before, const v1::Migration& after);
  void CountEnd(const v1::Migration& ended);
  void AddEnds(MetricPage* page) const;
  void AddCounters(MetricPage* page) const;

  prometheus::Histogram prepare_s_;
  prometheus::Histogram switch_s_;
  prometheus::Histogram convergence_s_;
  prometheus::Histogram whole_s_;
  mutable std::mutex mutex_;
  // By outcome and trigger, and by abort class; all that there can be.
  std::map<std::pair<std::string, std::string>, uint64_t> ended_;
  std::map<std::string, uint64_t> aborted_;
  v1::MoveCounters counters_;
  // Last: it calls in.
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_METRICS_MIGRATION_METRICS_H_
