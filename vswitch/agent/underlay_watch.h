// Tells the datapath of changes of the underlay: routes at once, but not all the time when they
// come one after the other; neighbours one by one; and that somebody listens.
//
// Thread rule: created and destroyed by anybody; what it calls runs on the executor.
#ifndef OUTRIDER_VSWITCH_AGENT_UNDERLAY_WATCH_H_
#define OUTRIDER_VSWITCH_AGENT_UNDERLAY_WATCH_H_

#include <atomic>
#include <chrono>
#include <memory>

#include "vswitch/agent/executor.h"
#include "vswitch/datapath/underlay_path.h"

namespace outrider::agent {

class UnderlayWatch {
 public:
  // Between two looks at the routes.
  static constexpr Executor::Duration kPause = std::chrono::milliseconds(100);
  static constexpr Executor::Duration kRenewal = std::chrono::seconds(1);

  // Both must outlive this; the path only until Stop().
  UnderlayWatch(Executor* executor, datapath::UnderlayPath* path)
      : executor_(executor), path_(path) {}

  // Listens in the namespace of the calling thread.
  absl::Status Start();
  // On the executor, once; nothing is told any more, and this goes when the executor has stopped.
  void Stop();
  // Any thread.
  void OnEvent(const sys::NextHopEvent& event);

 private:
  void Refresh();
  void Renew();

  Executor* const executor_;
  datapath::UnderlayPath* const path_;
  // A look at the routes is due.
  std::atomic<bool> due_ = false;
  // On the executor: the last one was less than kPause ago.
  bool resting_ = false;
  bool stopped_ = false;
  std::unique_ptr<sys::NextHopWatch> watch_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_UNDERLAY_WATCH_H_
