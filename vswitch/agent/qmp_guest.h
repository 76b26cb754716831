// One guest's QEMU, heard over QMP: tells when it pauses to run on another host, and when it runs.
// Owns its connection, and tries again for as long as it is there: a QEMU that is not up yet, or
// has ended, is nothing to speak of. Knows no ports. Changes nothing of the guest's.
//
// An operator's `stop` is no migration, and QEMU's STOP event does not say which it was: it is
// asked for the run state (QEMU, qapi/run-state.json), and for the state of the migration where
// that is not enough. Its own events of migrations, if somebody has asked for them, come sooner.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_AGENT_QMP_GUEST_H_
#define OUTRIDER_VSWITCH_AGENT_QMP_GUEST_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "vswitch/agent/departures.h"
#include "vswitch/sys/qmp/qmp_client.h"

namespace outrider::agent {

class QmpGuest {
 public:
  static constexpr std::chrono::milliseconds kFirstBackoff{100};
  static constexpr std::chrono::milliseconds kLastBackoff{5000};

  // `runs`: it runs here, otherwise it has paused to run elsewhere. By QEMU's time; what is found
  // out when a connection is made has none.
  using Tell = std::function<void(bool runs, const GuestWord& word)>;

  // Connects from now on. `loop` outlives the object.
  QmpGuest(stream::PollLoop* loop, std::string path, Tell tell);
  ~QmpGuest();
  QmpGuest(const QmpGuest&) = delete;
  QmpGuest& operator=(const QmpGuest&) = delete;

 private:
  void Connect();
  void ConnectLater();
  void OnEvent(const qmp::Message& event);
  // What it does now, and if it stands still, why.
  void Ask();
  void Judge(const std::string& run_state);
  void TellPaused();
  void TellRuns(int64_t time_us);

  stream::PollLoop* const loop_;
  const std::string path_;
  const Tell tell_;
  std::unique_ptr<qmp::QmpClient> client_;
  stream::PollLoop::TimerId retry_ = 0;
  std::chrono::milliseconds backoff_ = kFirstBackoff;
  // Grows with every event that changes what an answer under way would mean.
  uint64_t question_ = 0;
  // Of a STOP that may be a migration's: QEMU's time of it. Reset when it was told.
  std::optional<int64_t> stopped_us_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_QMP_GUEST_H_
