#include "controller/service/migration_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace outrider::controller {
namespace {

// Which receipts are missing, for the message of a wait that ended.
std::string MissingReceipts(const v1::Migration& migration) {
  std::string missing;
  for (const std::string& port_id : migration.port_ids()) {
    if (migration.receipts().count(port_id) != 0) continue;
    missing += fmt::format("{}\"{}\"", missing.empty() ? "" : ", ", port_id);
  }
  return missing.empty() ? "a receipt with the expected digest" : "receipts of ports " + missing;
}

}  // namespace

grpc::Status MigrationService::Prepare(grpc::ServerContext* context,
                                       const v1::PrepareMigrationRequest* request,
                                       v1::Migration* response) {
  const auto prepared = driver_->Prepare(*request);
  if (!prepared.ok() || request->wait_armed_ms() == 0) return ToGrpc(prepared, response);
  return ToGrpc(WaitArmed(context, prepared->meta().name(), request->wait_armed_ms()), response);
}

absl::StatusOr<v1::Migration> MigrationService::WaitArmed(grpc::ServerContext* context,
                                                          const std::string& id, uint32_t wait_ms) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + milliseconds(wait_ms);
  ChangeQueue queue(repository());
  while (true) {
    ASSIGN_OR_RETURN(v1::Migration migration, repository()->Get<v1::Migration>(id));
    if (migration.phase() == v1::MIGRATION_PHASE_ABORTED) {
      return absl::FailedPreconditionError(
          fmt::format("migration \"{}\" was aborted: {}", id, migration.reason()));
    }
    if (migration.phase() != v1::MIGRATION_PHASE_PREPARING) return migration;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds(0)) {
      return absl::DeadlineExceededError(
          fmt::format("migration \"{}\" is not armed after {} ms: host \"{}\" owes {}; it goes on, "
                      "see `outrider migration show {}`",
                      id, wait_ms, migration.destination(), MissingReceipts(migration), id));
    }
    if (stopping()) {
      return absl::UnavailableError(fmt::format(
          "migration \"{0}\" is not armed yet, and the controller stops; it goes on when one runs "
          "again, see `outrider migration show {0}`",
          id));
    }
    if (context->IsCancelled()) return absl::CancelledError("prepare: the caller left");
    RETURN_IF_ERROR(queue.Next(std::min(left, kCancelPoll)).status());
  }
}

grpc::Status MigrationService::Switchover(grpc::ServerContext*,
                                          const v1::SwitchoverRequest* request,
                                          v1::Migration* response) {
  return ToGrpc(driver_->Switchover(request->name(), request->paused_us()), response);
}

grpc::Status MigrationService::Abort(grpc::ServerContext*, const v1::AbortMigrationRequest* request,
                                     v1::Migration* response) {
  return ToGrpc(driver_->Abort(request->name(), request->reason()), response);
}

}  // namespace outrider::controller
