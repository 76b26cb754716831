// Where the controller keeps its objects: a revisioned key-value store with compare-and-swap
// transactions, shaped after etcd so that etcd can be one. Must not know what the values mean.
//
// Thread-safe. Every implementation passes tests/controller/store/store_contract.h.
#ifndef OUTRIDER_CONTROLLER_STORE_STORE_H_
#define OUTRIDER_CONTROLLER_STORE_STORE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace outrider::controller {

struct KeyValue {
  std::string key;
  std::string value;
  // Revision of the commit that created the key (since it was last absent), and of its last put.
  uint64_t create_revision = 0;
  uint64_t mod_revision = 0;

  bool operator==(const KeyValue&) const = default;
};

// Holds when the key's mod_revision is this; 0: when the key does not exist.
struct Compare {
  std::string key;
  uint64_t mod_revision = 0;
};

struct Op {
  enum class Kind { kPut, kDelete };
  Kind kind = Kind::kPut;
  std::string key;
  // Puts only.
  std::string value;
};

// All compares hold and all ops are done, or nothing is. A key appears in at most one op.
struct Txn {
  std::vector<Compare> compares;
  std::vector<Op> ops;
};

struct RangeResult {
  // The revision the items are of.
  uint64_t revision = 0;
  // Ordered by key.
  std::vector<KeyValue> items;
};

// One op of a past commit. Of a delete, `item` has only the key.
struct StoreEvent {
  uint64_t revision = 0;
  Op::Kind kind = Op::Kind::kPut;
  KeyValue item;
};

class Store {
 public:
  virtual ~Store() = default;

  // Durable when it returns. The revision grows by one per commit and is what is returned.
  // Aborted: a compare does not hold (the message names the key). ResourceExhausted: no space.
  // InvalidArgument: no ops. On any error nothing has changed.
  virtual absl::StatusOr<uint64_t> Commit(const Txn& txn) = 0;

  // All keys that begin with `prefix`, at one revision.
  virtual absl::StatusOr<RangeResult> Range(const std::string& prefix) = 0;

  // What commits after `revision` did, oldest first. OutOfRange when they are no longer kept (start
  // over from Range) or when the store has not come to `revision` (it is of another store).
  virtual absl::StatusOr<std::vector<StoreEvent>> ChangesSince(uint64_t revision) = 0;

  // Revision of the last commit; 0 in a new store.
  virtual uint64_t revision() const = 0;

  // Identity of the store, a uuid made with it. Revisions mean something only within one store.
  virtual std::string store_id() const = 0;
};

// How many past revisions ChangesSince can reach back.
inline constexpr uint64_t kKeptRevisions = 10000;

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_STORE_H_
