// What an ended migration came to, in words of fixed sets and in times: for statistics. What the
// record says to people, free text of operators included, is in none of them.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_OUTCOME_H_
#define OUTRIDER_CONTROLLER_MIGRATION_OUTCOME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "outrider/v1/migration.pb.h"

namespace outrider::controller {

// What moved the ports: "switchover" (asked for through the API), "detached" (the source let go),
// what opened them at the destination, or said that they may be ("first-frame", "port-data",
// "tap-features", "qmp", "libvirt", "api", or "other"), or "none": they did not move.
std::string SwitchTrigger(const v1::Migration& migration);
const std::vector<std::string>& SwitchTriggers();

// Why it was aborted: "request" (by whoever moves guests), "lease" (nobody finished it), "returned"
// (the guest runs at the source again), "detached-at-source", "detached-at-destination",
// "destination-gone", "not-in-force" (the destination did not get it in force), "evacuated".
std::string AbortClass(const v1::Migration& migration);
const std::vector<std::string>& AbortClasses();

// By the controller's clock, microseconds; absent: it did not come so far.
struct MigrationDurations {
  // From the intent to ARMED, the last time if there were several.
  std::optional<int64_t> prepare_us;
  // From the switchover to the first port's opening at the destination; 0 where that opened it by
  // itself.
  std::optional<int64_t> switch_us;
  // From the switchover to the last host's acknowledgement.
  std::optional<int64_t> convergence_us;
  // From the intent to the end.
  std::optional<int64_t> whole_us;
};
MigrationDurations DurationsOf(const v1::Migration& migration);

// Of all its ports, at the source or the destination, as counted so far.
v1::MoveCounters TotalCounters(const v1::Migration& migration);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_OUTCOME_H_
