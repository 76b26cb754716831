#include "vswitch/agent/tap_queue.h"

namespace outrider::agent {

QueueReader TapQueues(sys::DeviceCounterReader* counters) {
  return [counters](const std::string& device) -> std::optional<QueueCounts> {
    const auto read = counters->Read(device);
    // "tun" is the kind of both, tun and tap.
    if (!read.ok() || read->link.kind != "tun") return std::nullopt;
    return QueueCounts{.read = read->counters.tx_packets, .dropped = read->counters.tx_dropped};
  };
}

}  // namespace outrider::agent
