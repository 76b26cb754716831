// The source's part in a move: as soon as a departure is in force, learns how its guest's device
// counts; when the guest pauses, decides from which frame on everything is sent after it; takes
// that back when it runs here again; keeps it going while the device it left behind goes. Owns who
// has paused. Knows no hypervisor, no wire, and not how a frame travels.
//
// Thread rule: the reconciler's thread.
#ifndef OUTRIDER_VSWITCH_AGENT_DEPARTURES_H_
#define OUTRIDER_VSWITCH_AGENT_DEPARTURES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/move_reports.h"
#include "vswitch/agent/pause_decision.h"
#include "vswitch/agent/received_frames.h"
#include "vswitch/state/host_state.h"

namespace outrider::agent {

// What a hypervisor, or who speaks for it, says of a guest.
struct GuestWord {
  // PortEvent::trigger.
  std::string trigger;
  // Wall clock, microseconds since the Unix epoch, of the guest's pausing or resuming; 0: now.
  int64_t time_us = 0;
  // Of a paused guest, by its cards' addresses: the used index of the receive queue, as far as its
  // QEMU tells.
  std::map<MacAddress, uint16_t> used = {};
  // The same, what the cards take.
  std::map<MacAddress, CardFilter> filters = {};
};

// Asks a running guest's QEMU for the used index of a port's receive queue. It must not block;
// `done` is called later on the reconciler's thread, or never.
using UsedIndexDone = std::function<void(uint16_t used)>;
using UsedIndexQuestion = std::function<void(const PortId& id, UsedIndexDone done)>;

// Asks whoever knows the guest of a port that was moved how it does: the answer is a word, Paused
// or Resumed. It must not block; nobody may answer.
using GuestQuestion = std::function<void(const PortId& id)>;

// Asks whether a device is read by the kernel itself (vhost). It must not block; `done` is called
// later on the reconciler's thread, or never.
using KernelReaderQuestion =
    std::function<void(const std::string& device, std::function<void(bool by_kernel)> done)>;

// Counts of a guest's device; nullopt: of such a device they say nothing about the guest.
using QueueReader = std::function<std::optional<QueueCounts>(const std::string& device)>;

class Departures {
 public:
  static constexpr Executor::Duration kSampleInterval = std::chrono::milliseconds(25);
  // Of the time it runs, what looking at many ports may take: one part in so many.
  static constexpr int kSampleShare = 20;
  // At once when a departure appears: the pause may come soon.
  static constexpr int kFirstSamples = 8;
  // Of a running guest's QEMU, in one interval.
  static constexpr int kMostQuestions = 4;
  // Until the device's count stands still.
  static constexpr int kMostReads = 16;
  // Without counts: how much earlier than the word says the guest may have stopped reading.
  static constexpr int64_t kMarginUs = 2000;
  // How long a port that the controller has moved waits for QEMU's word of the pause, which says
  // exactly what the guest has; and how often it is asked for meanwhile. QEMU answers nobody while
  // it writes its devices' state.
  static constexpr Executor::Duration kHold = std::chrono::milliseconds(40);
  static constexpr Executor::Duration kAskInterval = std::chrono::milliseconds(4);

  // All outlive the object. `moves` may be null: then nothing is sent after anybody.
  struct Dependencies {
    Executor* executor;
    datapath::MovePath* moves;
    // Null: the time of the pause decides.
    QueueReader queue;
    WallClock clock;
    // CLOCK_BOOTTIME, microseconds.
    WallClock boot_clock;
    MoveReports* reports;
    // What Prepare has held back may be applied: called from within Paused or a timer, so that it
    // must do no more than to see to it that Prepare is called soon.
    std::function<void()> release = nullptr;
    // Null: no device is.
    KernelReaderQuestion ask_reader = nullptr;
  };
  explicit Departures(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  // From now on. Null: nobody is asked.
  void SetUsedIndexQuestion(UsedIndexQuestion question) { ask_used_ = std::move(question); }
  void SetGuestQuestion(GuestQuestion question) { ask_guest_ = std::move(question); }

  // What the controller wants and what is in force, after each change of either.
  void Follow(const state::HostState& controller, const state::HostState& applied);
  // `desired` is about to be applied. A port whose guest is sent after its device has gone is
  // DEPARTED whatever the controller knows of it: what comes for it has nowhere else to go. A port
  // that becomes DEPARTED without anybody's having noticed the pause stays ACTIVE for a moment, if
  // its QEMU can say exactly what the guest has; otherwise it is decided on now, while it is still
  // watched. A departure that goes is counted once more.
  void Prepare(const state::HostState& controller, const state::HostState& applied,
               state::HostState* desired);
  // Whether the last Prepare has held a port back, so that what the controller wants is not in
  // force.
  bool Holds() const { return holds_; }

  // Whether a guest is about to leave that, as far as is known, still runs.
  bool AwaitPause() const;
  // The guest has paused to run elsewhere. True: what comes for it is sent after it from now on.
  bool Paused(const PortId& id, const GuestWord& word);
  // It runs here. True: something was taken back, or is to be.
  bool Resumed(const PortId& id, const GuestWord& word);
  // The datapath has taken it back.
  void Returned(const PortId& id, int64_t time_us);

 private:
  // kUnknown: what comes for it is sent after it, though no word of a pause was heard.
  enum class Guest { kRuns, kPaused, kUnknown };
  struct Watch {
    std::string migration_id;
    // Empty: none.
    std::string device;
    MacAddress mac;
    QueueCalibration queue;
    UsedCalibration used;
    // As the device counts.
    ReceivedSamples received;
    bool redirected = false;
    Guest guest = Guest::kRuns;
    // The controller has moved the port.
    bool departed = false;
    // It is held back until then, by the clock of frames.
    std::optional<int64_t> held_until_us;
    // Its device is known to be.
    bool read_by_kernel = false;
    // Of the last frame by which the guest has returned.
    int64_t returned_us = 0;
    uint64_t lost = 0;
    int64_t redirect_delay_us = 0;
  };

  // As far as a word tells.
  struct Pause {
    // Wall clock.
    int64_t time_us = 0;
    // How much earlier the guest may have stopped reading.
    int64_t margin_us = 0;
    std::optional<uint16_t> used;
    std::optional<CardFilter> filter;
  };

  void Begin(const PortId& id, const state::Departure& departure, Watch* watch);
  void End(const PortId& id, const Watch& watch);
  void NoteDeparted(const PortId& id, bool departed, Watch* watch);
  // Nobody had noticed the pause.
  void RedirectUnheard(const PortId& id, Watch* watch);
  // Whether a port that is to be DEPARTED waits for its QEMU's word.
  bool Hold(const PortId& id, Watch* watch);
  void AskWhileHeld(const PortId& id, const std::string& migration_id);
  void Release(Watch* watch);
  void AskGuest(const PortId& id) const;
  // Of a guest that runs here.
  void BeginAnew(Watch* watch);
  void Sample(Watch* watch, const PortId& id);
  void ScheduleSamples(Executor::Duration delay = kSampleInterval);
  // OK, or why nothing could be sent after the guest.
  absl::Status Redirect(const PortId& id, Watch* watch, const Pause& pause);
  // The first frame that its guest has not received, if its QEMU tells. `read`: its device.
  std::optional<FirstUnreceived> FirstUnreceivedOf(const Watch& watch, const Pause& pause,
                                                   uint64_t read,
                                                   const datapath::DeliveredFrames& frames) const;
  absl::StatusOr<Replay> Decide(const PortId& id, const Watch& watch, const Pause& pause) const;
  void AskReader(const PortId& id, const Watch& watch);
  // Again and again, until what is known is exact.
  void AskUsed(const PortId& id, const Watch& watch, int times);
  void NoteUsed(const PortId& id, const std::string& migration_id, uint64_t read_before,
                uint16_t used, int times);
  // Nanoseconds of CLOCK_BOOTTIME at a time of the wall clock that is not to come.
  uint64_t BootNsOf(int64_t wall_us) const;
  // Of a paused guest's device.
  std::optional<uint64_t> FinalRead(const std::string& device) const;
  void TellEvent(PortEvent::Kind kind, const PortId& id, const Watch& watch, const GuestWord& word);
  void TellCounts(const PortId& id, const Watch& watch);

  const Dependencies dependencies_;
  UsedIndexQuestion ask_used_;
  GuestQuestion ask_guest_;
  std::map<PortId, Watch> watches_;
  bool holds_ = false;
  bool sampling_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_DEPARTURES_H_
