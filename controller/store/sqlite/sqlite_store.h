// Store in one SQLite file: the default of a single controller. Durable before a commit returns
// (WAL, synchronous=FULL). Owns the file, its side files and "<path>.lock", which keeps a second
// controller out.
//
// Thread-safe: calls are serialised.
#ifndef OUTRIDER_CONTROLLER_STORE_SQLITE_SQLITE_STORE_H_
#define OUTRIDER_CONTROLLER_STORE_SQLITE_SQLITE_STORE_H_

#include <memory>
#include <mutex>
#include <string>

#include "controller/store/sqlite/database.h"
#include "controller/store/sqlite/file_lock.h"
#include "controller/store/store.h"

namespace outrider::controller {

class SqliteStore : public Store {
 public:
  struct Options {
    // The directory must exist.
    std::string path;
    uint64_t kept_revisions = kKeptRevisions;
  };

  // Opens the file, or creates it when there is none. FailedPrecondition: another controller has
  // it, or a newer release wrote it. DataLoss: it is damaged or is no store of ours; the message
  // says what was found and what to do, and neither the file nor its write-ahead log was written
  // to.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const Options& options);

  absl::StatusOr<uint64_t> Commit(const Txn& txn) override;
  absl::StatusOr<RangeResult> Range(const std::string& prefix) override;
  absl::StatusOr<std::vector<StoreEvent>> ChangesSince(uint64_t revision) override;
  uint64_t revision() const override;
  std::string store_id() const override { return store_id_; }

 private:
  SqliteStore(Options options, FileLock lock, Database database);
  absl::Status LoadState();
  absl::Status CheckCompares(const Txn& txn);
  absl::Status WriteOps(const Txn& txn, uint64_t revision);
  absl::Status WriteOp(const Op& op, uint64_t revision, size_t position);
  absl::Status WriteState(uint64_t revision, uint64_t compacted);

  const Options options_;
  const FileLock lock_;
  mutable std::mutex mutex_;
  Database database_;
  std::string store_id_;
  uint64_t revision_ = 0;
  // Changes up to this revision are no longer kept.
  uint64_t compacted_ = 0;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_SQLITE_SQLITE_STORE_H_
