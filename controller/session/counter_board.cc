#include "controller/session/counter_board.h"

namespace outrider::controller {

void CounterBoard::Put(const std::string& host, const v1::PortCounters& counters, int64_t time_us) {
  v1::PortCountersResponse row;
  row.set_port_id(counters.port_id());
  row.set_host(host);
  row.set_rx_packets(counters.rx_packets());
  row.set_rx_bytes(counters.rx_bytes());
  row.set_tx_packets(counters.tx_packets());
  row.set_tx_bytes(counters.tx_bytes());
  *row.mutable_drops() = counters.drops();
  row.set_time_us(time_us);
  *row.mutable_rules() = counters.rules();
  row.set_connections(counters.connections());
  const std::lock_guard lock(mutex_);
  ports_[counters.port_id()] = std::move(row);
}

void CounterBoard::Erase(const std::string& port_id) {
  const std::lock_guard lock(mutex_);
  ports_.erase(port_id);
}

std::optional<v1::PortCountersResponse> CounterBoard::Get(const std::string& port_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = ports_.find(port_id);
  if (found == ports_.end()) return std::nullopt;
  return found->second;
}

}  // namespace outrider::controller
