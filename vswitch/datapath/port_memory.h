// What a port remembers of its guest's traffic, taken out at the source of a migration and put in
// at the destination: connections, the level of its buckets, multicast memberships, and the base
// its counters go on from. Values are independent of both hosts' clocks and indexes.
//
// Thread rule: any thread; calls for one port one after the other.
#ifndef OUTRIDER_VSWITCH_DATAPATH_PORT_MEMORY_H_
#define OUTRIDER_VSWITCH_DATAPATH_PORT_MEMORY_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vswitch/datapath/datapath.h"

namespace outrider::datapath {

// One connection of a port. `entry` is struct or_connection and `key` struct or_connection_key of
// the ABI version named beside them, with times as ages (nanoseconds before `taken`) and without
// the port's index.
struct ConnectionRecord {
  std::string key;
  std::string entry;
  // Changes whenever the entry does: what is equal need not be sent again.
  uint64_t version = 0;
};

// Fill of a token bucket in 1/1024 of its depth, by the limit's place in the port (or_limit_kind).
struct BucketLevel {
  uint32_t kind = 0;
  uint32_t bytes = 0;
  uint32_t packets = 0;
};

struct ImportResult {
  uint64_t taken = 0;
  // Not put in, with why: table full, or of another ABI version.
  uint64_t refused = 0;
  std::string reason;
};

class PortMemory {
 public:
  virtual ~PortMemory() = default;

  // Of records of another version nothing is understood.
  virtual uint32_t AbiVersion() const = 0;

  // NotFound: no such port, or it went meanwhile. ResourceExhausted is not used: all are returned,
  // so that what is not among them has ended.
  virtual absl::StatusOr<std::vector<ConnectionRecord>> ExportConnections(const PortId& id) = 0;
  // The port's rules judge them as their own (the entry keeps the content of the rule set that
  // admitted it). With a connection that frames have met here already, the record is put together.
  virtual absl::StatusOr<ImportResult> ImportConnections(
      const PortId& id, const std::vector<ConnectionRecord>& records) = 0;
  // Of connections that have ended where they came from: those that no frame has met here since
  // they came go, the others are this host's own. How many went; keys of none there is are no
  // error.
  virtual absl::StatusOr<uint64_t> EndConnections(const PortId& id,
                                                  const std::vector<std::string>& keys) = 0;

  virtual absl::StatusOr<std::vector<BucketLevel>> ExportLevels(const PortId& id) = 0;
  virtual absl::Status ImportLevels(const PortId& id, const std::vector<BucketLevel>& levels) = 0;

  // What DatapathCounters adds to the port's own counts from now on (drops and rules included).
  // Set, not added.
  virtual absl::Status SetCounterBase(const PortId& id, const PortCounters& base) = 0;
  // Of all ports, the drops in their bases: what they counted on the hosts before this one.
  virtual absl::StatusOr<std::map<PortId, std::map<std::string, uint64_t>>> CarriedDrops() = 0;

  // From the first frame on, for `duration_ns`, a TCP packet that is in the middle of a stream and
  // belongs to no connection opens one if the rules would have let its connection begin: its entry
  // may have been lost on the way. Each is logged (EventSink::OnAdoption).
  virtual absl::Status AllowAdoption(const PortId& id, uint64_t duration_ns) = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_PORT_MEMORY_H_
