#include "vswitch/agent/connection_sweep.h"

#include <spdlog/spdlog.h>

#include "vswitch/types/status.h"

namespace outrider::agent {

void ConnectionSweep::Start() {
  executor_->PostAfter(kInterval, [this] {
    Sweep();
    Start();
  });
}

void ConnectionSweep::Sweep() {
  const auto swept = connections_->SweepConnections();
  if (!swept.ok() && !failing_) {
    spdlog::error("connections that are over cannot be removed: {}", Message(swept.status()));
  }
  failing_ = !swept.ok();
}

}  // namespace outrider::agent
