// What the agent must know after a restart, in one SQLite file: who it is, what is attached, what
// the controller said last, and the rows of the Open_vSwitch database. Knows nothing of protobuf:
// the controller's state is bytes to it.
//
// Durability: attachments, rows and identity are on the disk (fsync) when the call returns. The
// controller's state survives the death of the process; after a power failure it may be a few
// generations old, which is no loss: what was in force is gone as well, and the controller has it.
//
// Thread rule: any thread; one lock.
#ifndef OUTRIDER_VSWITCH_AGENT_LOCAL_STORE_H_
#define OUTRIDER_VSWITCH_AGENT_LOCAL_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vswitch/ovs/row_store.h"
#include "vswitch/state/attachment.h"

struct sqlite3;

namespace outrider::agent {

// Who the host is and where its controller is, learned from the join token.
struct Enrollment {
  std::string host_id;
  // host:port.
  std::string endpoint;
  bool operator==(const Enrollment&) const = default;
};

// A state and the deltas since, each serialised; `generation` is that of the last.
struct StoredControllerState {
  std::string store_id;
  Generation generation{};
  std::string state;
  std::vector<std::string> deltas;
  bool operator==(const StoredControllerState&) const = default;
};

class LocalStore {
 public:
  // Opens or creates the file. DataLoss names a damaged file, FailedPrecondition one of a newer
  // agent; neither is touched.
  static absl::StatusOr<std::unique_ptr<LocalStore>> Open(const std::string& path);
  ~LocalStore();
  LocalStore(const LocalStore&) = delete;
  LocalStore& operator=(const LocalStore&) = delete;

  // Random, made with the file: a uuid.
  const std::string& instance_id() const { return instance_id_; }

  absl::StatusOr<state::Attachments> LoadAttachments();
  // Also a claim of the port, until it is settled.
  absl::Status PutAttachment(const PortId& id, const state::Attachment& attachment);
  absl::Status PutAttachments(const state::Attachments& attachments);
  absl::Status DeleteAttachment(const PortId& id);
  // Of attachments the controller has not answered since they were put. Settling needs no disk:
  // what is claimed once more after a power failure has no guest.
  absl::StatusOr<std::set<PortId>> LoadClaims();
  absl::Status SettleClaim(const PortId& id);

  absl::StatusOr<std::optional<Enrollment>> LoadEnrollment();
  // Another host id than before forgets the controller's state: it was meant for another host.
  absl::Status SaveEnrollment(const Enrollment& enrollment);

  absl::StatusOr<std::optional<StoredControllerState>> LoadControllerState();
  // Replaces all before it.
  absl::Status SaveSnapshot(const std::string& store_id, Generation generation,
                            const std::string& state);
  // Several may lead to one generation: what is not of the controller's model changes as well.
  absl::Status AppendDelta(Generation generation, const std::string& delta);
  // Rows of the Open_vSwitch database; RowStore has the contract.
  absl::StatusOr<std::vector<ovs::StoredRow>> LoadOvsdbRows();
  absl::Status WriteOvsdbRows(const std::vector<ovs::StoredRow>& rows, ovs::Durability durability);

  // A number below `limit` for each bridge, by its row's uuid, which stays as long as the bridge is
  // asked for; others are forgotten. ResourceExhausted: more bridges than numbers.
  absl::StatusOr<std::map<std::string, uint32_t>> NumberBridges(const std::set<std::string>& uuids,
                                                                uint32_t limit);

  // Whether the deltas have grown so much that a snapshot in their place is due: amortised over
  // them, a snapshot then costs no more than they did.
  bool SnapshotDue() const;

 private:
  explicit LocalStore(sqlite3* db);
  absl::Status Initialize();
  absl::Status LoadInstanceId();
  // Runs `writes` in one transaction, synced to the disk or not.
  absl::Status Transact(bool sync, const std::function<absl::Status()>& writes);
  absl::Status PutMeta(const std::string& key, const std::string& value);
  absl::StatusOr<std::optional<std::string>> GetMeta(const std::string& key);

  sqlite3* db_;
  mutable std::mutex mutex_;
  std::string instance_id_;
  size_t snapshot_bytes_ = 0;
  size_t delta_bytes_ = 0;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_LOCAL_STORE_H_
