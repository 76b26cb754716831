// The border between policy and mechanism: one narrow interface that makes a host forward as a
// HostState says. Implementations: ebpf/ (native), and a stateful fake in the tests; one contract
// suite holds them all to this text.
//
// Thread rule: one thread (the reconciler's) calls all but the counters. The event sink is called
// from a thread of the datapath's; it must not block and must not call back.
#ifndef OUTRIDER_VSWITCH_DATAPATH_DATAPATH_H_
#define OUTRIDER_VSWITCH_DATAPATH_DATAPATH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vswitch/datapath/events.h"
#include "vswitch/state/state_delta.h"

namespace outrider::datapath {

enum class ObjectKind {
  kRuleSet,
  kSegment,
  kNeighbor,
  kPort,
  kDeparture,
  kFdb,
  kGroupMember,
  kMulticastGroup,
};

// "rule-set", "segment", "neighbor", "port", "departure", "fdb", "group-member",
// "multicast-group".
std::string ToString(ObjectKind kind);

// Canonical text of an object's key, as in ObjectFailure.
std::string KeyText(const Vni& vni);
std::string KeyText(const state::FdbKey& key);
std::string KeyText(const state::NeighborKey& key);
std::string KeyText(const PortId& id);
std::string KeyText(const Digest& digest);
std::string KeyText(const state::GroupMember& member);
std::string KeyText(const state::MulticastKey& key);

// One object that could not be applied. Everything else of the delta is in force.
struct ObjectFailure {
  ObjectKind kind;
  // Canonical text of the key: "7" (vni), "7/52:54:00:..", a port id, a digest,
  // "address/web 10.0.0.0/8".
  std::string key;
  absl::Status status;
};

struct ApplyResult {
  // Objects written to and deleted from the datapath.
  uint64_t written = 0;
  uint64_t deleted = 0;
  std::vector<ObjectFailure> failures;
};

class Datapath {
 public:
  virtual ~Datapath() = default;

  // "ebpf".
  virtual std::string Kind() const = 0;

  // What is in force, read back from the kernel: a restarted agent starts from it. An object of an
  // interrupted Apply is returned as far as it forwards, so that the next Apply repairs or removes
  // it. A port whose device vanished, was replaced (another device with the same name or ifindex)
  // or lost its programs is returned with `device` absent and phase BLOCKED; one that is DEPARTED
  // needs no device and stays what it is. An ARMED port that its guest has opened is ACTIVE.
  virtual absl::StatusOr<state::HostState> ReadState() = 0;

  // Applies a valid delta in the order of StateDelta. Each object is switched atomically for
  // frames: none sees half of an old and half of a new one. A port whose device is missing, or
  // cannot carry the segment's MTU, fails (NotFound, FailedPrecondition) and is blocked, never left
  // on its old profile. Idempotent: applying what is in force is no error.
  //
  // Sets the MTU of a port's device to its segment's.
  virtual ApplyResult Apply(const state::StateDelta& delta) = 0;

  // Lets the next upsert of the port be of an older epoch than what is in force: the controller
  // made it anew. It goes on forwarding until then.
  virtual void AllowOlderEpoch(const PortId& id) = 0;

  // Looks for what others have changed: ports in force whose device vanished, was replaced or lost
  // its programs, which forward nothing any more, or lost its shaper; none that is DEPARTED. The
  // next upsert binds them again. What belongs to the host as a whole (the tunnel device) is
  // repaired at once.
  virtual absl::StatusOr<std::set<PortId>> FindLostPorts() = 0;

  // The same for segments: those in force that do not reach their physical network any more, as an
  // upsert would say with the reason. What can be mended is.
  virtual std::set<Vni> FindLostSegments() = 0;

  // Replaces the sink; nullptr to stop events. Returns when the old one is no longer called. The
  // new one is told also of ports whose guest's first frame has opened them, or has taken them back
  // (OnReturned), until Apply writes them again, perhaps twice, on the caller's thread: who was
  // told before may have died of it.
  virtual void SetEventSink(EventSink* sink) = 0;
};

// What a rule of a port's present lists decided, or their default action.
struct RuleCount {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  bool operator==(const RuleCount&) const = default;
};

// Counters of one port, since it was created; they outlive the agent. Sums over CPUs.
struct PortCounters {
  uint64_t rx_packets = 0;  // from the guest
  uint64_t rx_bytes = 0;
  uint64_t tx_packets = 0;  // to the guest
  uint64_t tx_bytes = 0;
  // Packets by drop reason name; only reasons that occurred.
  std::map<std::string, uint64_t> drops;
  // By number in the profile's list, 0 being the default action; only those that decided something.
  std::map<std::pair<Direction, uint32_t>, RuleCount> rules;
  // Held now; what expired since the last sweep counts until the next one.
  uint32_t connections = 0;
  // In local segments: none of the controller's.
  bool local = false;
};

// Apart from Datapath so that reading never grows into policy. Any thread.
class DatapathCounters {
 public:
  virtual ~DatapathCounters() = default;
  virtual absl::StatusOr<std::map<PortId, PortCounters>> ReadPorts() = 0;
  // Drops that belong to no port.
  virtual absl::StatusOr<std::map<std::string, uint64_t>> ReadHostDrops() = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_DATAPATH_H_
