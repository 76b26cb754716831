// How many connections came along with a port that moved here, and how many did not and were found
// in mid-stream. Owns these counts, by port, of the last migration that brought it. Knows neither
// the datapath nor who reports them.
//
// Thread rule: Follow on the reconciler's thread, the others from any.
#ifndef OUTRIDER_VSWITCH_AGENT_ARRIVAL_COUNTS_H_
#define OUTRIDER_VSWITCH_AGENT_ARRIVAL_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "vswitch/agent/state_follower.h"
#include "vswitch/datapath/port_memory.h"

namespace outrider::agent {

class ArrivalCounts final : public StateFollower {
 public:
  struct Counts {
    std::string migration_id;
    // Taken over from the source; one that was sent twice is one.
    uint64_t connections = 0;
    uint64_t adopted = 0;
    bool operator==(const Counts&) const = default;
  };

  // A port counts until it leaves this host: adoptions come after its migration has ended, too.
  void Follow(const state::HostState& wanted, const state::HostState& in_force) override;

  // The source of the migration sent these connections of the port, and so many were put in.
  void Took(const PortId& id, const std::string& migration_id,
            const std::vector<datapath::ConnectionRecord>& records, uint64_t taken);
  void Adopted(const PortId& id);

  // Of ports that have arrived since the start of this process.
  std::map<PortId, Counts> All() const;
  // Zeros when that migration has not brought the port.
  Counts Of(const PortId& id, const std::string& migration_id) const;

 private:
  struct Arrival {
    Counts counts;
    // Hashes of the connections' keys, until the migration has ended.
    std::unordered_set<size_t> keys;
  };

  mutable std::mutex mutex_;
  std::map<PortId, Arrival> arrivals_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_ARRIVAL_COUNTS_H_
