// Has the datapath forget connections whose time is over, every few seconds, so that they do not
// take the place of others. Owns the timer.
//
// Thread rule: Start on any thread; the sweeps run on the executor, which stops before this goes.
#ifndef OUTRIDER_VSWITCH_AGENT_CONNECTION_SWEEP_H_
#define OUTRIDER_VSWITCH_AGENT_CONNECTION_SWEEP_H_

#include "vswitch/agent/executor.h"
#include "vswitch/datapath/connection_table.h"

namespace outrider::agent {

class ConnectionSweep {
 public:
  static constexpr auto kInterval = std::chrono::seconds(5);

  // Both outlive the object.
  ConnectionSweep(Executor* executor, datapath::ConnectionTable* connections)
      : executor_(executor), connections_(connections) {}

  // The first sweep comes after an interval.
  void Start();

 private:
  void Sweep();

  Executor* const executor_;
  datapath::ConnectionTable* const connections_;
  // The last sweep failed: said once, not every few seconds.
  bool failing_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_CONNECTION_SWEEP_H_
