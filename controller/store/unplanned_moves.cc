#include "controller/store/unplanned_moves.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/model/names.h"

namespace outrider::controller {

void CountUnplannedMove(int64_t time_us, v1::Port* port) {
  auto* times = port->mutable_unplanned_moves_us();
  const auto old = [&](int64_t earlier) { return earlier <= time_us - kUnplannedWindowUs; };
  times->erase(std::remove_if(times->begin(), times->end(), old), times->end());
  times->Add(time_us);
  if (times->size() >= kMaxUnplannedMoves) port->set_frozen_us(time_us);
}

bool ForgiveMove(int64_t time_us, v1::Port* port) {
  auto* times = port->mutable_unplanned_moves_us();
  const auto counted = std::find(times->begin(), times->end(), time_us);
  if (counted == times->end()) return false;
  times->erase(counted);
  if (times->size() < kMaxUnplannedMoves) port->clear_frozen_us();
  return true;
}

absl::Status ForgiveMoves(Repository* repository, const std::string& port_id,
                          const std::vector<int64_t>& times_us) {
  const auto fn = [&](const Model& model, Transaction* transaction) {
    const v1::Port* present = model.Find<v1::Port>(port_id);
    if (present == nullptr) return absl::OkStatus();
    v1::Port port = *present;
    bool forgiven = false;
    for (const int64_t time_us : times_us) forgiven |= ForgiveMove(time_us, &port);
    if (forgiven) transaction->Put(std::move(port));
    return absl::OkStatus();
  };
  return repository->Transact(fn).status();
}

absl::StatusOr<v1::Port> ThawPort(Repository* repository, const std::string& port_id) {
  const std::string id = ToLower(port_id);
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const v1::Port* present = model.Find<v1::Port>(id);
    if (present == nullptr) return Repository::NotFound(Kind::kPort, id);
    if (present->frozen_us() == 0) {
      return absl::FailedPreconditionError(fmt::format("port \"{}\" is not frozen", id));
    }
    v1::Port port = *present;
    port.clear_frozen_us();
    port.clear_unplanned_moves_us();
    transaction->Put(std::move(port));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(repository->Transact(fn).status());
  return repository->Get<v1::Port>(id);
}

}  // namespace outrider::controller
