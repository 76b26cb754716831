// What the controller tells Prometheus: model, sessions and migrations. Owns the sums of migrations
// that have ended; all else is read when it is asked for. Must not know HTTP.
//
// Thread-safe.
#ifndef OUTRIDER_CONTROLLER_METRICS_CONTROLLER_METRICS_H_
#define OUTRIDER_CONTROLLER_METRICS_CONTROLLER_METRICS_H_

#include <cstdint>

#include "controller/metrics/migration_metrics.h"
#include "controller/session/session_hub.h"
#include "controller/store/repository.h"
#include "proto/metrics.h"

namespace outrider::controller {

class ControllerMetrics {
 public:
  // Both must outlive it. Counts from now on; `started_us` is now.
  ControllerMetrics(Repository* repository, const SessionHub* hub, int64_t started_us)
      : repository_(repository), hub_(hub), started_us_(started_us), migrations_(repository) {}

  MetricFamilies Collect() const;

 private:
  void AddModel(MetricPage* page) const;
  void AddSessions(MetricPage* page) const;

  Repository* const repository_;
  const SessionHub* const hub_;
  const int64_t started_us_;
  MigrationMetrics migrations_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_METRICS_CONTROLLER_METRICS_H_
