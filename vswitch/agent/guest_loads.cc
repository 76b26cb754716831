#include "vswitch/agent/guest_loads.h"

namespace outrider::agent {

void GuestLoads::Changed(const std::string& device) {
  if (!changed_.insert(device).second) return;
  dependencies_.executor->PostAfter(kSettle, [this, device, time_us = dependencies_.clock()] {
    changed_.erase(device);
    // A device that has gone meanwhile takes nothing.
    if (dependencies_.takes_checksums(device).value_or(false)) {
      dependencies_.loaded(device, time_us);
    }
  });
}

}  // namespace outrider::agent
