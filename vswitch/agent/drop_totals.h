// Frames dropped on this host by reason, over all ports that it has had: a sum that never falls, as
// rates are made of it. What a port counted on the hosts before this one is theirs.
//
// What a port drops between the last look at it and its leaving is not counted. After a restart of
// the agent ports that have left count no more.
//
// Thread-safe.
#ifndef OUTRIDER_VSWITCH_AGENT_DROP_TOTALS_H_
#define OUTRIDER_VSWITCH_AGENT_DROP_TOTALS_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "vswitch/datapath/datapath.h"

namespace outrider::agent {

class DropTotals {
 public:
  using ByReason = std::map<std::string, uint64_t>;

  // Of all ports there are now, what of it is of other hosts, and what belongs to no port.
  ByReason Update(const std::map<PortId, datapath::PortCounters>& ports,
                  const std::map<PortId, ByReason>& carried, const ByReason& host);

 private:
  std::mutex mutex_;
  // Of ports that have left.
  ByReason left_;
  std::map<PortId, ByReason> present_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_DROP_TOTALS_H_
