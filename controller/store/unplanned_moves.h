// Ports that hosts fight for: how often a port changed hosts because one of them said so, what that
// leads to, and how it is lifted. The only writer of Port.unplanned_moves_us and Port.frozen_us.
// Must not know what makes a move planned.
//
// Pure on ports; ForgiveMoves and ThawPort as thread-safe as the repository. Errors as of
// Repository::Transact and as named.
#ifndef OUTRIDER_CONTROLLER_STORE_UNPLANNED_MOVES_H_
#define OUTRIDER_CONTROLLER_STORE_UNPLANNED_MOVES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "controller/store/repository.h"

namespace outrider::controller {

// So many within the window freeze a port; of RFC 7432, 15.1, which has the same figures.
inline constexpr int kMaxUnplannedMoves = 5;
inline constexpr int64_t kUnplannedWindowUs = 180'000'000;

// The port moved at `time_us`, and nobody had planned it. Older ones than the window are forgotten.
void CountUnplannedMove(int64_t time_us, v1::Port* port);

// A move that was counted turns out to be planned, or was undone. With less than are too many the
// port is not frozen any more. Returns whether it had been counted.
bool ForgiveMove(int64_t time_us, v1::Port* port);

// Forgives moves of the port, by the times they were counted at. Writes nothing when none was.
absl::Status ForgiveMoves(Repository* repository, const std::string& port_id,
                          const std::vector<int64_t>& times_us);

// Lets hosts claim a frozen port again. NotFound; FailedPrecondition: it is not frozen.
absl::StatusOr<v1::Port> ThawPort(Repository* repository, const std::string& port_id);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_UNPLANNED_MOVES_H_
