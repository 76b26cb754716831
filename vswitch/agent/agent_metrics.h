// What the agent tells Prometheus: ports, generation, failures, drops, moves and its session. Reads
// what there is when it is asked. Must not know HTTP.
//
// Thread rule: Collect from any thread but the reconciler's, which it waits for; maybe at once.
#ifndef OUTRIDER_VSWITCH_AGENT_AGENT_METRICS_H_
#define OUTRIDER_VSWITCH_AGENT_AGENT_METRICS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "proto/metrics.h"
#include "vswitch/agent/controller_session.h"
#include "vswitch/agent/drop_totals.h"
#include "vswitch/agent/reconciler.h"
#include "vswitch/datapath/port_memory.h"
#include "vswitch/datapath/underlay_path.h"

namespace outrider::agent {

class AgentMetrics {
 public:
  // All outlive it.
  struct Dependencies {
    Executor* reconciler_executor;
    Reconciler* reconciler;
    datapath::DatapathCounters* counters;
    datapath::PortMemory* memory;
    datapath::UnderlayPath* underlay;
    std::function<SessionStatus()> session;
    // Microseconds since the Unix epoch.
    std::function<int64_t()> certificate_expiry;
    std::string version;
    int64_t started_us;
  };
  explicit AgentMetrics(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  MetricFamilies Collect();

 private:
  void AddState(MetricPage* page);
  void AddSession(MetricPage* page) const;
  void AddCounters(MetricPage* page);
  void AddUnderlay(MetricPage* page) const;

  const Dependencies dependencies_;
  DropTotals drops_;
  // That the datapath's counters cannot be read is logged once.
  std::atomic<bool> unreadable_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_AGENT_METRICS_H_
