// Keeps a session with the controller: hello, welcome, snapshot, deltas in; acknowledgements,
// receipts, events and counters out; backoff and resume when it breaks. Knows no gRPC (controller_
// stream.h) and no datapath: the controller's word goes to the reconciler, which is never waited
// for.
//
// Thread rule: Start, Reconnect and Stop from any thread, Stop not from the executor's; all else
// runs on the session's executor, observer calls on the reconciler's.
#ifndef OUTRIDER_VSWITCH_AGENT_CONTROLLER_SESSION_H_
#define OUTRIDER_VSWITCH_AGENT_CONTROLLER_SESSION_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vswitch/agent/controller_stream.h"
#include "vswitch/agent/executor.h"
#include "vswitch/agent/outbox.h"
#include "vswitch/agent/reconciler.h"

namespace outrider::agent {

// What a session is and was, for people.
struct SessionStatus {
  bool connected = false;
  // Why not, or since when.
  std::string detail = "not tried yet";
  uint64_t resumed = 0;
  uint64_t snapshots = 0;
};

class ControllerSession final : public ReportObserver {
 public:
  static constexpr Executor::Duration kFirstBackoff = std::chrono::milliseconds(200);
  static constexpr Executor::Duration kLastBackoff = std::chrono::seconds(10);
  // From the hello to the state: a controller that accepts and says nothing is as good as none.
  static constexpr Executor::Duration kAnswerTime = std::chrono::seconds(15);

  static constexpr Executor::Duration kMembershipDelay = std::chrono::milliseconds(100);

  // The constant part of the hello.
  struct Self {
    std::string host_id;
    std::string agent_version;
    std::string datapath;
    std::vector<std::string> vteps;
    uint32_t underlay_mtu = 0;
    // Names, ordered.
    std::vector<std::string> uplinks = {};
    std::string instance_id;
    // Where other agents reach this one; 0: nowhere.
    uint16_t peer_port = 0;
  };
  // All outlive the session.
  struct Dependencies {
    Executor* executor;
    Executor* reconciler_executor;
    Reconciler* reconciler;
    ControllerStreamFactory* streams;
    datapath::DatapathCounters* counters;
    // Uniform in [0, 1): jitter of the backoff.
    std::function<double()> random;
    WallClock clock;
  };

  ControllerSession(Self self, Dependencies dependencies);
  ~ControllerSession() override = default;

  void Start();
  // Ends the present stream and connects anew at once: after a new certificate.
  void Reconnect();
  // Returns when the stream is closed and none will be opened.
  void Stop();
  SessionStatus status() const;

  void OnAcknowledgement(const Acknowledgement& acknowledgement) override;
  void OnReceipt(const PortReceipt& receipt) override;
  void OnPortEvent(const PortEvent& event) override;
  void OnMoveReport(const MoveReport& report) override;
  void OnProbeReport(const ProbeReport& report) override;
  // Changes within kMembershipDelay are told as one. Any thread.
  void OnMulticastGroups(const MulticastSnooper::Groups& groups);

 private:
  // kHello: sent, no welcome yet. kSyncing: the snapshot is to come. kEstablished: in step.
  enum class Phase { kIdle, kAsking, kHello, kSyncing, kEstablished };

  void Connect();
  void OpenStream(const HeldState& held);
  v1::Hello MakeHello(const HeldState& held) const;
  // Ends the attempt; the next begins after the backoff.
  void Fail(const absl::Status& why);
  void ScheduleConnect();
  // Runs `work` on the executor if this attempt is still the present one.
  template <typename Work>
  std::function<void()> ForAttempt(Work work);

  void HandleMessage(const v1::ControllerMessage& message);
  absl::Status HandleWelcome(const v1::Welcome& welcome);
  absl::Status HandleSnapshot(const v1::Snapshot& snapshot);
  absl::Status HandleDelta(const v1::Delta& delta);
  absl::Status HandleRefusal(const v1::AttachmentRefused& refused);
  void HandTo(std::function<absl::Status(Reconciler*)> input, bool snapshot);
  void Establish(bool resumed);

  void SendMemberships();
  void SendCounters();
  void Pump();
  void SetStatus(bool connected, const std::string& detail);

  const Self self_;
  const Dependencies dependencies_;

  Phase phase_ = Phase::kIdle;
  bool stopped_ = false;
  // Grows with every attempt: what belongs to an earlier one is ignored.
  uint64_t attempt_ = 0;
  Executor::Duration backoff_ = kFirstBackoff;
  std::unique_ptr<ControllerStream> stream_;
  bool writing_ = false;
  Outbox outbox_;
  // What is to be told now, and whether that is about to happen.
  v1::MulticastMemberships memberships_;
  bool memberships_pending_ = false;
  std::string store_id_;
  Executor::Duration counters_interval_ = std::chrono::seconds(5);

  mutable std::mutex status_mutex_;
  SessionStatus status_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_CONTROLLER_SESSION_H_
