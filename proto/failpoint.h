// Named places where a process can be made to crash, stand still or fail, for fault runs: the
// variable OUTRIDER_FAILPOINTS says which, at the start of the process. Compiled in always; a place
// that is passed while nothing is armed costs one load and a branch.
//
//   OUTRIDER_FAILPOINTS="controller.after-commit.armed=crash,agent.before-apply=stall:300@2"
//
// Owns the names and what armed places do. Must not know what happens around a place. What is armed
// is the process's own, the one global here: places are in the middle of everything. Arm before
// other threads start; passing is for any thread.
#ifndef OUTRIDER_PROTO_FAILPOINT_H_
#define OUTRIDER_PROTO_FAILPOINT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace outrider {

inline constexpr char kFailpointsVariable[] = "OUTRIDER_FAILPOINTS";

// What happens at a place, as one `name=action[@N]` says.
struct FailpointOrder {
  enum class Action {
    kCrash,  // the process is killed as by kill -9: nothing is flushed or closed
    kStall,  // the thread sleeps
    kError,  // the place fails with Unavailable, where it can
  };
  std::string name;
  Action action = Action::kCrash;
  int64_t stall_ms = 0;
  // At which passing, from 1; 0: at each.
  uint64_t passing = 0;
};

// The value of the variable. InvalidArgument, naming what is wrong in it: a name that no place has,
// an action that is none or that the place does not take, a passing that is no number.
absl::StatusOr<std::vector<FailpointOrder>> ParseFailpoints(const std::string& text);

// Counts how often each place is passed, and does what was ordered. Thread-safe.
class Failpoints {
 public:
  explicit Failpoints(std::vector<FailpointOrder> orders) : orders_(std::move(orders)) {}

  // Unavailable when the place is to fail.
  absl::Status Pass(const std::string& name);

 private:
  const std::vector<FailpointOrder> orders_;
  std::mutex mutex_;
  std::map<std::string, uint64_t> passings_;
};

// Arms the process by the variable's value; null or empty: nothing is armed. Once, at the start.
// InvalidArgument as of ParseFailpoints.
absl::Status ArmFailpoints(const char* text);

namespace internal {
extern std::atomic<Failpoints*> armed_failpoints;
}  // namespace internal

// For places whose name takes making.
inline bool FailpointsArmed() {
  return internal::armed_failpoints.load(std::memory_order_relaxed) != nullptr;
}

// Passes a place that can fail. `name` is one that ParseFailpoints knows.
inline absl::Status Failpoint(const char* name) {
  Failpoints* const armed = internal::armed_failpoints.load(std::memory_order_relaxed);
  if (armed == nullptr) [[likely]]
    return absl::OkStatus();
  return armed->Pass(name);
}

// Passes a place that can crash or stand still, but not fail.
inline void PassFailpoint(const char* name) { Failpoint(name).IgnoreError(); }

}  // namespace outrider

#endif  // OUTRIDER_PROTO_FAILPOINT_H_
