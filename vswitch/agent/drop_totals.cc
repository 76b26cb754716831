#include "vswitch/agent/drop_totals.h"

#include <algorithm>
#include <utility>

namespace outrider::agent {
namespace {

using ByReason = DropTotals::ByReason;

ByReason CountedHere(const ByReason& drops, const ByReason& carried) {
  ByReason here;
  for (const auto& [reason, count] : drops) {
    const auto found = carried.find(reason);
    const uint64_t elsewhere = found == carried.end() ? 0 : found->second;
    here[reason] = std::max(count, elsewhere) - elsewhere;
  }
  return here;
}

void Add(const ByReason& drops, ByReason* sum) {
  for (const auto& [reason, count] : drops) (*sum)[reason] += count;
}

// Made anew since it was looked at.
bool HasFallen(const ByReason& before, const ByReason& now) {
  return std::any_of(before.begin(), before.end(), [&](const auto& one) {
    const auto found = now.find(one.first);
    return (found == now.end() ? 0 : found->second) < one.second;
  });
}

}  // namespace

ByReason DropTotals::Update(const std::map<PortId, datapath::PortCounters>& ports,
                            const std::map<PortId, ByReason>& carried, const ByReason& host) {
  const std::lock_guard lock(mutex_);
  const std::map<PortId, ByReason> before = std::exchange(present_, {});
  for (const auto& [id, counters] : ports) {
    const auto base = carried.find(id);
    present_.emplace(
        id, CountedHere(counters.drops, base == carried.end() ? ByReason() : base->second));
  }
  for (const auto& [id, drops] : before) {
    const auto now = present_.find(id);
    if (now == present_.end() || HasFallen(drops, now->second)) Add(drops, &left_);
  }
  ByReason total = left_;
  for (const auto& [id, drops] : present_) Add(drops, &total);
  Add(host, &total);
  return total;
}

}  // namespace outrider::agent
