// Gives memory back to the kernel that passes of the reconciler have left free: each makes whole
// states anew, and with many MACs the heap keeps more of the old ones than the host's state takes.
//
// Thread rule: the executor's thread.
#ifndef OUTRIDER_VSWITCH_AGENT_FREE_MEMORY_H_
#define OUTRIDER_VSWITCH_AGENT_FREE_MEMORY_H_

#include <functional>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/state_follower.h"

namespace outrider::agent {

class FreeMemory final : public StateFollower {
 public:
  // Without a pass in this time nothing is under way that it could hold up.
  static constexpr Executor::Duration kQuiet = std::chrono::seconds(5);

  // `give_back` takes milliseconds; it defaults to that of the C library. The executor runs nothing
  // of it any more when the object goes.
  explicit FreeMemory(Executor* executor, std::function<void()> give_back = GiveBack);

  void Follow(const state::HostState& wanted, const state::HostState& in_force) override;

 private:
  static void GiveBack();
  void Wait();

  Executor* const executor_;
  const std::function<void()> give_back_;
  bool waiting_ = false;
  // There was another pass since the wait began.
  bool again_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_FREE_MEMORY_H_
