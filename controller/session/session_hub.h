// The sessions of all connected hosts: admits them, hands what they say to the model and the
// migration driver, and brings each up to date when the model changes. Must not know gRPC.
//
// The public methods may be called from any thread and do not block; their work runs on the
// executor, one piece at a time. A change of the model costs as much as there are hosts it
// concerns.
#ifndef OUTRIDER_CONTROLLER_SESSION_SESSION_HUB_H_
#define OUTRIDER_CONTROLLER_SESSION_SESSION_HUB_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/compute/multicast.h"
#include "controller/migration/driver.h"
#include "controller/model/clock.h"
#include "controller/pki/peer_verifier.h"
#include "controller/session/counter_board.h"
#include "controller/session/executor.h"
#include "controller/session/host_session.h"
#include "controller/session/host_stream.h"
#include "controller/session/port_reports.h"
#include "controller/store/repository.h"

namespace outrider::controller {

// A session this long without a message gives way to another agent of the same host id.
inline constexpr int64_t kSilenceUs = 15LL * 1'000'000;
// How often agents report counters; also their sign of life, so a third of the silence.
inline constexpr uint32_t kCountersIntervalS = 5;
// A stream without a Hello ends after this.
inline constexpr int64_t kHelloTimeoutUs = 15LL * 1'000'000;
// Attachments of one host that may wait, refused, for a change of the model.
inline constexpr size_t kMaxRefused = 4096;
// What a host said of multicast groups counts so long after its session: as long as its guests'
// memberships do without a query.
inline constexpr int64_t kMulticastGraceUs = 260LL * 1'000'000;
// Of messages with text of a peer in them, in the log.
inline constexpr size_t kMaxLogged = 1000;

struct SessionStats {
  uint32_t connected = 0;
  // Sessions since the start that resumed, and those that got a snapshot.
  uint64_t resumed = 0;
  uint64_t snapshots = 0;
};

class SessionHub {
 public:
  using SessionId = uint64_t;

  // All but the executor, which it owns, must outlive the hub. Streams must have ended, and no
  // method be running, when it is destroyed.
  SessionHub(Repository* repository, MigrationDriver* driver, const Clock* clock,
             std::unique_ptr<Executor> executor);
  ~SessionHub();
  SessionHub(const SessionHub&) = delete;
  SessionHub& operator=(const SessionHub&) = delete;

  // A stream of a peer whose certificate held. `peer` is its address.
  SessionId Open(const PeerIdentity& identity, const std::string& peer,
                 std::shared_ptr<HostStream> stream);
  void OnMessage(SessionId id, v1::AgentMessage message);
  void OnWritten(SessionId id);
  // The stream is gone, whoever ended it.
  void OnClosed(SessionId id);
  // Ends streams without Hello and sessions whose certificate has expired. Call once a second or
  // so.
  void OnTick();

  const CounterBoard& counters() const { return counters_; }
  SessionStats stats() const;

 private:
  using SessionPtr = std::shared_ptr<HostSession>;

  // Everything below runs on the executor.
  void Post(std::function<void()> work) { executor_->Post(std::move(work)); }
  void Handle(SessionId id, const v1::AgentMessage& message);
  // An error ends the session with it.
  absl::Status Dispatch(SessionId id, HostSession& session, const v1::AgentMessage& message);

  absl::Status HandleHello(SessionId id, HostSession& session, const v1::Hello& hello);
  absl::Status CheckHello(const HostSession& session, const v1::Hello& hello);
  absl::Status CheckRival(const HostSession& session, const v1::Hello& hello);
  absl::Status RecordHost(const HostSession& session, const v1::Hello& hello);
  absl::Status Reconcile(HostSession& session, const v1::Hello& hello);
  void Replace(const HostSession& session);

  // A host may come back with less of an underlay than its ports rely on. They stay, and say so,
  // until it is mended: by the host's next Hello, or by an edit of the segment.
  void FindMisfits(HostSession& session);
  // Adds their ports to what the host says has failed; of each port the first failure counts.
  void AddMisfits(HostSession& session, HostSession::Failures* failures) const;

  absl::Status HandleAck(HostSession& session, const v1::Ack& ack);
  absl::Status HandlePortEvent(HostSession& session, const v1::PortEvent& event);
  // Receipts of many hosts come at once, after an edit of a profile: what is queued by the time the
  // posted work runs is one commit. Of one host that is one, since it is read message by message.
  void QueueReceipt(SessionId id, const HostSession& session, const v1::PortReceipt& receipt);
  void FlushReceipts();
  void HandleCounters(const HostSession& session, const v1::Counters& counters);

  absl::Status HandleMulticast(const HostSession& session,
                               const v1::MulticastMemberships& memberships);
  // Tells the other hosts of the segments concerned, or lets them wait for their turn. Absent: what
  // the host wants is not known any more.
  void SetMulticast(const std::string& host, std::optional<MulticastGroups> groups);
  // To those who wait and may have it again.
  void PushMulticast(int64_t now_us);
  // Of hosts that have been gone for too long.
  void ForgetMulticast(int64_t now_us);

  // RESOURCE_EXHAUSTED, for the agent: too many were refused.
  absl::Status Attach(HostSession& session, const v1::PortAttachment& attachment, int64_t time_us);
  void AttachAgain(HostSession& session, const v1::PortAttachment& attachment);
  // Those that may fare better after the changes.
  void RetryAttachments(const std::vector<ChangeSet>& changes);
  // The devices it was to have are refused, so that it says why they stay blocked.
  void TellDestination(const v1::Migration& aborted);
  // A migration put the port on a host, or on none, whose device of it came before: takes it up.
  void AskForDevice(const std::string& port_id);

  void HandleChanges();
  // Of hosts that were deleted, or enrolled again since the session's certificate was issued.
  void EndOustedSessions(const ChangeSet& set);
  // After something was sent or acknowledged: shows the generations, and tells the driver how far
  // the host has come, when that is news or is to be repeated.
  void AfterProgress(HostSession& session, int64_t host_time_us, bool repeat = false);
  void UpdatePresence(HostSession& session, bool publish);
  // Ends it with what ForAgent makes of the status.
  void End(SessionId id, const absl::Status& status);
  // Marks a status as a verdict on what the agent said, whose code would else mean us.
  static absl::Status AgentsFault(absl::Status status);
  void Forget(SessionId id, bool host_lost);
  void Tick();
  SessionPtr Find(SessionId id) const;

  Repository* const repository_;
  MigrationDriver* const driver_;
  const Clock* const clock_;
  PortReports reports_;
  CounterBoard counters_;
  // Shared by all sessions.
  ProfileCompiler compiler_;
  MulticastMembers multicast_;
  // Of hosts without a session.
  std::map<std::string, int64_t> multicast_until_us_;
  // Hosts whose groups have changed since they were told.
  std::set<std::string> multicast_due_;

  std::atomic<SessionId> next_id_{1};
  std::map<SessionId, SessionPtr> sessions_;
  // Sessions past their Hello.
  std::map<std::string, SessionId> by_host_;
  // Not looked at yet; work for them is posted when there are any.
  std::vector<std::pair<SessionId, PortReports::HostReceipt>> receipts_;
  // What a host's last session had sent when it ended.
  std::map<std::string, GenerationState> kept_;

  mutable std::mutex stats_mutex_;
  SessionStats stats_;

  // Changes not looked at yet, and whether work for them is posted.
  std::mutex changes_mutex_;
  std::vector<ChangeSet> changes_;

  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SESSION_SESSION_HUB_H_
