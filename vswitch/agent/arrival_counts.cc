#include "vswitch/agent/arrival_counts.h"

#include <algorithm>
#include <functional>

namespace outrider::agent {

void ArrivalCounts::Follow(const state::HostState& wanted, const state::HostState&) {
  const std::lock_guard lock(mutex_);
  std::erase_if(arrivals_, [&](const auto& one) { return !wanted.ports.contains(one.first); });
  for (const auto& [id, port] : wanted.ports) {
    if (!port.arrival || port.migration_id.empty()) {
      if (const auto settled = arrivals_.find(id); settled != arrivals_.end()) {
        settled->second.keys.clear();
      }
      continue;
    }
    Arrival& arrival = arrivals_[id];
    if (arrival.counts.migration_id == port.migration_id) continue;
    arrival = {};
    arrival.counts.migration_id = port.migration_id;
  }
}

// Which of them were refused is not said: those that are new are taken for the ones put in.
void ArrivalCounts::Took(const PortId& id, const std::string& migration_id,
                         const std::vector<datapath::ConnectionRecord>& records, uint64_t taken) {
  const std::lock_guard lock(mutex_);
  const auto found = arrivals_.find(id);
  if (found == arrivals_.end() || found->second.counts.migration_id != migration_id) return;
  uint64_t fresh = 0;
  for (const datapath::ConnectionRecord& record : records) {
    if (found->second.keys.insert(std::hash<std::string>()(record.key)).second) ++fresh;
  }
  found->second.counts.connections += std::min(fresh, taken);
}

void ArrivalCounts::Adopted(const PortId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = arrivals_.find(id);
  if (found != arrivals_.end()) ++found->second.counts.adopted;
}

std::map<PortId, ArrivalCounts::Counts> ArrivalCounts::All() const {
  const std::lock_guard lock(mutex_);
  std::map<PortId, Counts> all;
  for (const auto& [id, arrival] : arrivals_) all.emplace(id, arrival.counts);
  return all;
}

ArrivalCounts::Counts ArrivalCounts::Of(const PortId& id, const std::string& migration_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = arrivals_.find(id);
  const bool known = found != arrivals_.end() && found->second.counts.migration_id == migration_id;
  return known ? found->second.counts : Counts{.migration_id = migration_id};
}

}  // namespace outrider::agent
