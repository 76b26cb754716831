// Makes what is in force on this host equal to what is desired. Owns desired and applied state, the
// generation held, and who waits for a port. Knows nothing of streams, gRPC or devices' details.
//
// Inputs arrive in any order; each leads to one pass: merge, diff, apply, report. What fails is
// data: it stays different, and is tried again with backoff and when its device appears.
//
// Start-up: what is in force is read back; with a stored controller state the host follows it at
// once, without one what is in force stays until the controller speaks. So a restart changes
// nothing. Local segments and ports are added to what the controller wants, which wins where both
// want something; what is in force of them stays until SetLocal is called first. The controller
// hears nothing of them.
//
// Thread rule: every method on the executor's thread, but for OnFirstFrame, OnReturned, OnAclLog,
// OnMulticast and OnAdoption (any thread).
#ifndef OUTRIDER_VSWITCH_AGENT_RECONCILER_H_
#define OUTRIDER_VSWITCH_AGENT_RECONCILER_H_

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vswitch/agent/announcer.h"
#include "vswitch/agent/arrival_counts.h"
#include "vswitch/agent/controller_state.h"
#include "vswitch/agent/departures.h"
#include "vswitch/agent/executor.h"
#include "vswitch/agent/local_objects.h"
#include "vswitch/agent/multicast_snooper.h"
#include "vswitch/agent/port_reports.h"
#include "vswitch/agent/state_follower.h"
#include "vswitch/datapath/datapath.h"

namespace outrider::agent {

// What a session's hello says the agent holds.
struct HeldState {
  // Empty when nothing is held; then the rest is, too.
  std::string store_id;
  Generation generation{};
  std::string digest;
  state::Attachments attachments;
  // Of the attachments, those the controller has not answered since they were made.
  std::set<PortId> claims = {};
};

// A port as this host has it, for people.
struct PortView {
  PortId id;
  std::optional<state::Attachment> attachment;
  // BLOCKED when nothing is in force.
  state::Port in_force;
  // Its receipt's digest; empty while no profile is in force.
  std::string digest;
  // Why it is blocked; empty when it is not.
  std::string problem;
  // See Reconciler::PortDataOf.
  std::string port_data = {};
};

struct ReconcilerStatus {
  std::string store_id;
  Generation generation{};
  // Objects written to and deleted from the datapath by this process.
  uint64_t objects_written = 0;
  uint64_t objects_deleted = 0;
  std::vector<datapath::ObjectFailure> failures;
};

class Reconciler final : public datapath::EventSink {
 public:
  static constexpr Executor::Duration kFirstRetry = std::chrono::milliseconds(500);
  static constexpr Executor::Duration kLastRetry = std::chrono::seconds(30);
  // How often it looks whether others have changed what is in force.
  static constexpr Executor::Duration kCheckInterval = std::chrono::seconds(10);
  // Adoptions come in bursts: they are told together.
  static constexpr Executor::Duration kAdoptionDelay = std::chrono::milliseconds(500);

  // What it works with; all outlive the reconciler.
  struct Dependencies {
    Executor* executor;
    datapath::Datapath* datapath;
    LocalStore* store;
    WallClock clock;
    // Follows what is in force; nullptr: nobody does.
    MulticastSnooper* multicast = nullptr;
    // Told of ports that begin to forward; null: nobody is.
    Announcer* announcer = nullptr;
    // Follow what moves: one after the other.
    std::vector<StateFollower*> followers = {};
    // What is sent after moving guests; null: nothing is.
    datapath::MovePath* moves = nullptr;
    // Of guests' devices; null: they are not counted.
    QueueReader queue = nullptr;
    // CLOCK_BOOTTIME, microseconds.
    WallClock boot_clock = BootMicros;
    // Of guests' devices; null: none is read by the kernel.
    KernelReaderQuestion ask_reader = nullptr;
    // Of ports that arrive, also one of `followers`; null: nobody counts.
    ArrivalCounts* arrivals = nullptr;
  };
  explicit Reconciler(Dependencies dependencies);
  // SetEventSink(nullptr) of the datapath must have been called, and the executor be stopped.
  ~Reconciler() override = default;

  // First call. Reads the store and the datapath, and brings them together.
  absl::Status Start();
  // Replaces the observer; nullptr for none.
  void SetObserver(ReportObserver* observer);

  // ---- The controller's word. Refused (see ControllerState::Take) it changes nothing. ----
  absl::Status TakeSnapshot(ControllerSnapshot snapshot);
  absl::Status TakeDelta(const ControllerDelta& delta);
  // Of an attachment: FailedPrecondition, or NotFound when it was for a known port only and that
  // is not.
  void TakeRefusal(const PortId& id, const absl::Status& why);

  // ---- The host's ----
  // Also a change of an attachment, and one made anew after the controller refused it or took the
  // port elsewhere: a claim, until the controller answers. The device is guarded when it returns.
  void Attach(const state::Attachments& attachments);
  void Attach(const PortId& id, const state::Attachment& attachment) { Attach({{id, attachment}}); }
  void Detach(const PortId& id);
  // A device of that name appeared, or the one that was there is gone.
  void DeviceAppeared(const std::string& device);
  void DeviceGone(const std::string& device);
  // Looks whether what is in force still is, and mends it: on a timer, and when there is a reason.
  void CheckDatapath();
  // The same when an uplink's device came, went or changed; what failed for it is tried at once,
  // and the ports behind it are announced anew.
  void UplinkChanged(const std::string& device);
  // This host's own segments, ports and rates, in place of those before. Whoever says so keeps
  // them: after a start he says so again. What of it is in force when the call returns, problems
  // tell.
  void SetLocal(LocalState local);
  // Why local ports are not in force, or not as they were asked for; by port.
  std::map<PortId, std::string> LocalProblems() const { return local_.ProblemsAmong(failures_); }
  void OnFirstFrame(const datapath::FirstFrameEvent& event) override;
  void OnReturned(const datapath::ReturnedEvent& event) override;
  void OnAclLog(const datapath::AclLogEvent& event) override;
  void OnMulticast(const datapath::MulticastEvent& event) override;
  void OnAdoption(const datapath::AdoptionEvent& event) override;

  // ---- Moving ----
  // What tells the destination of a migration, once that is armed, that the port's guest is about
  // to run there (port_data.h). Empty: the port is in no such migration from here.
  std::string PortDataOf(const PortId& id) const;
  // Told whenever that changes, and what it is now at once; must not block. Null: nobody is.
  using PortDataObserver = std::function<void(const PortId& id, const std::string& port_data)>;
  void SetPortDataObserver(PortDataObserver observer);
  // The source's: the guest is about to run here. Opens the port as its first frame would, if it is
  // armed by the migration named; OK also when it is open by it. Otherwise without effect:
  // InvalidArgument (malformed), NotFound (no such port here), FailedPrecondition (of another
  // migration or epoch; no device), Unavailable (the datapath refused; it is tried again).
  absl::Status TakePortData(const PortId& id, const std::string& text);
  // A hypervisor's word on a port's guest; ports that no migration concerns do not change. Paused,
  // at the source of an armed one: what comes for the port is sent after its guest; true when that
  // is in force. Resumed: at the source what was sent away is taken back, at the destination an
  // armed port is opened; true when one of the two was so.
  bool GuestPaused(const PortId& id, const GuestWord& word);
  bool GuestResumed(const PortId& id, const GuestWord& word);
  // A guest's state seems to have been loaded behind the device (guest_loads.h). Of a port that
  // arrives on it the controller is told, which knows whether the source has paused; alone it opens
  // nothing.
  void GuestLoaded(const std::string& device, int64_t time_us);
  // Who knows what a moving guest has received; null: nobody.
  void SetUsedIndexQuestion(UsedIndexQuestion question) {
    departures_.SetUsedIndexQuestion(std::move(question));
  }
  // What was seen of a port of another host while it moved.
  void TellProbe(const ProbeReport& report) { move_reports_.Tell(report); }
  // Who asks the hypervisor whether a guest has paused; must not block. Null: nobody.
  void SetPauseQuestion(std::function<void()> question) { pause_question_ = std::move(question); }
  // Somebody may have asked for PortData, as libvirt does while a guest stands still: if one is
  // about to leave, its hypervisor is asked at once. Anybody may ask for it, so this alone says
  // nothing.
  void PortDataRead();
  // Who knows how the guest of a moved port does; null: nobody.
  void SetGuestQuestion(GuestQuestion question) {
    departures_.SetGuestQuestion(std::move(question));
  }
  // Told of what is attached now and whenever that changes; must not block. Null: nobody is.
  using AttachmentObserver = std::function<void(const state::Attachments&)>;
  void SetAttachmentObserver(AttachmentObserver observer);

  // ---- Waiting ----
  // Calls `done` once the port's own profile is in force on its device (ARMED counts, its receipt
  // has been told), or with the reason why it will not be. Returns a token for CancelWait, which
  // calls `done` with DeadlineExceeded.
  using WaitDone = std::function<void(absl::Status)>;
  uint64_t WaitInForce(const PortId& id, WaitDone done);
  void CancelWait(uint64_t token);
  // Nobody waits from here on: present and later waits end with Unavailable.
  void StopWaiting();

  // ---- Looking ----
  HeldState Held() const;
  // Reports what is in force now, all of it: to a session that just began.
  void ReportAll();
  const state::Attachments& attachments() const { return attachments_; }
  // Whether the controller has the port here, or has yet to answer for it.
  bool IsServed(const PortId& id) const {
    return claims_.contains(id) || controller_.state().ports.contains(id);
  }
  // Segments of a port, by the controller's word or else what is in force. Empty: not known.
  std::set<Vni> SegmentsOf(const PortId& id) const;
  std::vector<PortView> ListPorts() const;
  ReconcilerStatus Status() const;
  const MoveTotals& move_totals() const { return move_reports_.totals(); }
  const state::HostState& desired() const { return desired_; }
  const state::HostState& applied() const { return applied_; }
  absl::StatusOr<state::HostState> ReadBack() { return dependencies_.datapath->ReadState(); }

 private:
  struct Waiter {
    PortId id;
    WaitDone done;
  };

  void Reconcile();
  // Applies, counts, reports; returns what failed.
  std::vector<datapath::ObjectFailure> ApplyDelta(const state::StateDelta& delta);
  // Announces the delta's ports that forward where they did not in `before`.
  void Announce(const state::StateDelta& delta, const std::map<PortId, state::Port>& before);
  void Announce(const PortId& id);
  // Of its attachment.
  std::set<IpAddress> IpsOf(const PortId& id) const;
  void TellApplied();
  void NoteFailures(std::vector<datapath::ObjectFailure> failures);
  void ScheduleRetry();
  void HandleFirstFrame(const datapath::FirstFrameEvent& event);
  void Activate(const PortId& id, int64_t time_us, const std::string& trigger);
  // Claims of ports the controller has here are answered.
  void SettleClaims();
  void TellFollowers();
  void SettleClaim(const PortId& id);
  void TellPortData();
  void TellAttachments();
  // Of a port that arrives here.
  void TellArrival(const PortId& id, const state::Port& port);
  // Those of arrivals that `desired` does not have any more, while they can be read.
  void EndArrivals();
  // Connections that came along, or were adopted, since that was told.
  void TellConnections();
  void AllowOlderEpochs();
  void ScheduleCheck();
  // Whether segments in force are lost that were not before.
  bool NoteLostSegments();
  bool IsInForce(const PortId& id) const;
  void ResolveWaiters();
  // Of one port, or of all.
  void FailWaiters(const std::optional<PortId>& id, const absl::Status& status);
  std::string ProblemOf(const PortId& id) const;

  Dependencies dependencies_;
  ControllerState controller_;
  PortReports reports_;
  MoveReports move_reports_;
  Departures departures_;
  LocalObjects local_;
  state::Attachments attachments_;
  std::set<PortId> claims_;
  AttachmentObserver attachment_observer_;
  std::function<void()> pause_question_;
  PortDataObserver port_data_observer_;
  // What the observer knows; never empty texts.
  std::map<PortId, std::string> port_data_told_;
  // Until the controller first speaks: what was in force at the start.
  state::HostState held_;
  state::HostState desired_;
  state::HostState applied_;
  // Why the controller does not have an attachment.
  std::map<PortId, absl::Status> refusals_;
  std::vector<datapath::ObjectFailure> failures_;
  uint64_t objects_written_ = 0;
  uint64_t objects_deleted_ = 0;
  bool retry_pending_ = false;
  bool connections_pending_ = false;
  Executor::Duration retry_delay_ = kFirstRetry;
  std::map<uint64_t, Waiter> waiters_;
  uint64_t next_waiter_ = 1;
  bool no_waiting_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_RECONCILER_H_
