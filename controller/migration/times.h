// How long migrations wait for hosts, guests and operators, microseconds. Values; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_TIMES_H_
#define OUTRIDER_CONTROLLER_MIGRATION_TIMES_H_

#include <cstdint>

namespace outrider::controller {

// How long a switched migration waits for the guest's first frame before it commits without.
inline constexpr int64_t kCommitGraceUs = 10'000'000;
// How long a destination may be gone after the switchover before the ports go back, while nothing
// says that the guest runs there. Longer than an agent takes to restart and connect.
inline constexpr int64_t kAbsenceUs = 30'000'000;
// What a destination did while nobody listened has come this long after it connected.
inline constexpr int64_t kReportTimeUs = 5'000'000;
// How much longer than its lease, or than the controller has been up, a migration waits for a
// destination that may have gone on by itself.
inline constexpr int64_t kLeaseGraceUs = 600'000'000;

// Lease of a migration that was detected; renewed as long as the destination keeps the device.
inline constexpr int64_t kDetectedLeaseUs = 600'000'000;
// From the intent on it is renewed so long at most: a device may have been forgotten there.
inline constexpr int64_t kMaxDetectedUs = 86'400'000'000;

// How long the hosts beside source and destination go on sending to the source when one of these
// two does not acknowledge the switchover.
inline constexpr int64_t kRerouteGraceUs = 1'000'000;
// How long source and destination go on as they are once everybody has the move in force: for what
// is still under way by the former route. Longer than a host is busy, or a path slow.
inline constexpr int64_t kDrainUs = 100'000;
// What else the source has to say follows its word that the guest runs there again so soon.
inline constexpr int64_t kRollbackSettleUs = 50'000;
// A migration that has ended takes the hosts' final counts so long.
inline constexpr int64_t kFinalCountsUs = 60'000'000;
// A port is probed so long after the end: what it was sent late, and the way back, are seen, too.
inline constexpr int64_t kProbeAfterUs = 5'000'000;
// A port's words of its hypervisor that are kept, of each kind.
inline constexpr int kMaxSourceEvents = 16;

// How long migrations wait, as the controller was told; the constants above are the defaults.
struct MigrationTimes {
  // Of a migration that was not given one.
  int64_t lease_us = kDetectedLeaseUs;
  int64_t absence_us = kAbsenceUs;
  // As kLeaseGraceUs.
  int64_t grace_us = kLeaseGraceUs;
  // What is shorter than an absence stays so.
  constexpr int64_t commit_grace_us() const { return absence_us / 3; }
  constexpr int64_t report_us() const { return absence_us / 6; }
};
static_assert(MigrationTimes().commit_grace_us() == kCommitGraceUs);
static_assert(MigrationTimes().report_us() == kReportTimeUs);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_TIMES_H_
