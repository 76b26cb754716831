// One guest's QEMU, heard over QMP: tells when it pauses to run on another host, and when it runs.
// Owns its connection, and tries again for as long as it is there: a QEMU that is not up yet, or
// has ended, is nothing to speak of. Knows no ports. Changes nothing of the guest's.
//
// An operator's `stop` is no migration, and QEMU's STOP event does not say which it was: it is
// asked for the run state (QEMU, qapi/run-state.json), and for the state of the migration where
// that is not enough. Its own events of migrations, if somebody has asked for them, come sooner.
//
// How much its network cards have received, it tells from 7.2 on (qapi/virtio.json: x-query-virtio,
// x-query-virtio-queue-status; `mac` of a virtio-net device), and what they take (qapi/net.json:
// query-rx-filter). Another one does not, and nothing else depends on it.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_AGENT_QMP_GUEST_H_
#define OUTRIDER_VSWITCH_AGENT_QMP_GUEST_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "vswitch/agent/departures.h"
#include "vswitch/sys/qmp/qmp_client.h"

namespace outrider::agent {

class QmpGuest {
 public:
  static constexpr std::chrono::milliseconds kFirstBackoff{100};
  static constexpr std::chrono::milliseconds kLastBackoff{5000};

  // `runs`: it runs here, otherwise it has paused to run elsewhere. By QEMU's time; one that is
  // found running ran when it was asked, and of one that is found paused nobody knows since when.
  // With the used indexes of the cards that were asked for.
  using Tell = std::function<void(bool runs, const GuestWord& word)>;

  // Connects from now on. `loop` outlives the object. `clock`: WallMicros, as QEMU's own.
  QmpGuest(stream::PollLoop* loop, std::string path, Tell tell, WallClock clock);
  ~QmpGuest();
  QmpGuest(const QmpGuest&) = delete;
  QmpGuest& operator=(const QmpGuest&) = delete;

  // Of the receive queue of the card of this address, while the guest runs. `done` is not called at
  // all if there is no such card, QEMU does not tell, or it has not yet answered the last time. The
  // first question about a card only finds it.
  void AskUsedIndex(const MacAddress& mac, UsedIndexDone done);
  // A port of its was moved: tells anew how it does. If it stands still it has paused to run
  // elsewhere, whatever QEMU says that it stands still for. Nothing is told while the answer to
  // such a question is still to come, or there is no connection.
  void AskAnew();

 private:
  struct Card {
    // In QEMU's object model.
    std::string path;
    // It has been, and has not answered yet.
    bool asked = false;
  };

  void Connect();
  void ConnectLater();
  void OnEvent(const qmp::Message& event);
  // What it does now, and if it stands still, why, and what it had received. `moved`: why is known.
  void Ask(bool moved = false);
  // Answers to what was asked before mean nothing any more.
  void BeginAnew();
  // All cards' addresses, since this one is not known.
  void LearnCards(const MacAddress& wanted);
  void LearnCard(const std::string& path);
  // Of all cards, for the word of the pause.
  void QueryFilters();
  void NoteFilter(const qmp::ReceiveFilter& told);
  void QueryUsed(const std::string& path, std::function<void(std::optional<uint16_t>)> done);
  void Judge(const std::string& run_state, int64_t asked_us, bool moved);
  // It stands still for a migration: told when the cards' answers are there.
  void NotePaused();
  void TellPaused();
  void TellRuns(int64_t time_us);

  stream::PollLoop* const loop_;
  const std::string path_;
  const Tell tell_;
  const WallClock clock_;
  std::unique_ptr<qmp::QmpClient> client_;
  // Capabilities are done.
  bool ready_ = false;
  std::map<MacAddress, Card> cards_;
  // Looked for, and not found.
  std::set<MacAddress> absent_;
  stream::PollLoop::TimerId retry_ = 0;
  std::chrono::milliseconds backoff_ = kFirstBackoff;
  // Grows with every event that changes what an answer under way would mean.
  uint64_t question_ = 0;
  // It has been asked what it does, and that answer still means something.
  bool asking_ = false;
  // Of a STOP that may be a migration's: QEMU's time of it. Reset when it was told.
  std::optional<int64_t> stopped_us_;
  // Of the cards, since that STOP; and how many answers are still to come.
  std::map<MacAddress, uint16_t> used_;
  std::map<MacAddress, CardFilter> filters_;
  int awaited_ = 0;
  bool paused_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_QMP_GUEST_H_
