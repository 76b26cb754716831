#include "vswitch/agent/controller_session.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>

#include "proto/failpoint.h"
#include "vswitch/agent/messages.h"
#include "vswitch/convert/from_proto.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

constexpr uint32_t kDefaultCountersIntervalS = 5;
constexpr uint32_t kMaxCountersIntervalS = 60;
// Of one message: the controller takes no more than 8 MiB, and a port with counters of 10,000 rules
// has some 300 KiB.
constexpr size_t kCountersBytes = 1 << 20;

std::string TimeText(int64_t micros) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<time_t>(micros / 1000000)));
}

}  // namespace

ControllerSession::ControllerSession(Self self, Dependencies dependencies)
    : self_(std::move(self)), dependencies_(std::move(dependencies)) {}

template <typename Work>
std::function<void()> ControllerSession::ForAttempt(Work work) {
  return [this, attempt = attempt_, work = std::move(work)] {
    if (attempt == attempt_ && !stopped_) work();
  };
}

void ControllerSession::Start() {
  dependencies_.executor->Post([this] { Connect(); });
}

void ControllerSession::Reconnect() {
  dependencies_.executor->Post([this] {
    if (stopped_) return;
    backoff_ = kFirstBackoff;
    stream_.reset();
    Connect();
  });
}

void ControllerSession::Stop() {
  RunOn(dependencies_.executor, [this] {
    stopped_ = true;
    stream_.reset();
  });
}

SessionStatus ControllerSession::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

void ControllerSession::SetStatus(bool connected, const std::string& detail) {
  const std::lock_guard lock(status_mutex_);
  status_.connected = connected;
  status_.detail = detail;
}

// The reconciler is asked what it holds; its answer comes back in order with its reports, so that
// what the hello does not say yet is reported after it.
void ControllerSession::Connect() {
  ++attempt_;
  phase_ = Phase::kAsking;
  dependencies_.reconciler_executor->Post(
      [this, reconciler = dependencies_.reconciler, attempt = attempt_] {
        HeldState held = reconciler->Held();
        dependencies_.executor->Post([this, attempt, held = std::move(held)] {
          if (attempt == attempt_ && !stopped_) OpenStream(held);
        });
      });
}

void ControllerSession::OpenStream(const HeldState& held) {
  outbox_.Clear();
  phase_ = Phase::kHello;
  const auto post = [this, attempt = attempt_](std::function<void()> work) {
    dependencies_.executor->Post([this, attempt, work = std::move(work)] {
      if (attempt == attempt_ && !stopped_) work();
    });
  };
  stream_ = dependencies_.streams->Open({
      .on_message =
          [this, post](const v1::ControllerMessage& message) {
            post([this, message] { HandleMessage(message); });
          },
      .on_written =
          [this, post] {
            post([this] {
              writing_ = false;
              Pump();
            });
          },
      .on_closed =
          [this, post](const absl::Status& status) {
            post([this, status] {
              Fail(status.ok() ? absl::UnavailableError("the controller ended the session")
                               : status);
            });
          },
  });
  v1::AgentMessage message;
  *message.mutable_hello() = MakeHello(held);
  writing_ = true;
  stream_->Write(message);
  dependencies_.executor->PostAfter(
      kAnswerTime, ForAttempt([this] {
        if (phase_ == Phase::kEstablished) return;
        Fail(absl::UnavailableError("the controller did not answer the hello in time"));
      }));
}

v1::Hello ControllerSession::MakeHello(const HeldState& held) const {
  v1::Hello hello;
  hello.set_host_id(self_.host_id);
  hello.set_agent_version(self_.agent_version);
  hello.set_datapath(self_.datapath);
  for (const std::string& vtep : self_.vteps) hello.add_vteps(vtep);
  hello.set_underlay_mtu(self_.underlay_mtu);
  for (const std::string& uplink : self_.uplinks) hello.add_uplinks(uplink);
  hello.set_instance_id(self_.instance_id);
  hello.set_peer_port(self_.peer_port);
  hello.set_store_id(held.store_id);
  hello.set_generation(static_cast<uint64_t>(held.generation));
  hello.set_state_digest(held.digest);
  for (const auto& [id, attachment] : held.attachments) {
    v1::PortAttachment* entry = hello.add_attachments();
    *entry = convert::ToProto(id, attachment);
    entry->set_claim(held.claims.contains(id));
    entry->set_known_only(attachment.KnownOnly());
  }
  return hello;
}

void ControllerSession::Fail(const absl::Status& why) {
  stream_.reset();
  phase_ = Phase::kIdle;
  // What belonged to this attempt is void from here on, timers included.
  ++attempt_;
  const std::string text =
      fmt::format("{}: {}", absl::StatusCodeToString(why.code()), Message(why));
  if (status().detail != text) spdlog::warn("no session with the controller: {}", text);
  SetStatus(false, text);
  ScheduleConnect();
}

void ControllerSession::ScheduleConnect() {
  // Jitter over the upper half: hosts that lost the same controller do not come back as one.
  const auto delay = Executor::Duration(
      static_cast<int64_t>(backoff_.count() * (0.5 + 0.5 * dependencies_.random())));
  backoff_ = std::min(2 * backoff_, kLastBackoff);
  dependencies_.executor->PostAfter(delay, ForAttempt([this] { Connect(); }));
}

void ControllerSession::HandleMessage(const v1::ControllerMessage& message) {
  absl::Status status;
  switch (message.body_case()) {
    case v1::ControllerMessage::kWelcome:
      status = HandleWelcome(message.welcome());
      break;
    case v1::ControllerMessage::kSnapshot:
      status = HandleSnapshot(message.snapshot());
      break;
    case v1::ControllerMessage::kDelta:
      status = HandleDelta(message.delta());
      break;
    case v1::ControllerMessage::kRefused:
      status = HandleRefusal(message.refused());
      break;
    default:
      // A newer controller's message that this agent has no use for.
      stream_->ReadNext();
      break;
  }
  if (!status.ok()) Fail(Annotate(status, "the controller's message was refused"));
}

absl::Status ControllerSession::HandleWelcome(const v1::Welcome& welcome) {
  if (phase_ != Phase::kHello) return absl::InvalidArgumentError("welcome: a second one");
  if (welcome.store_id().empty()) return absl::InvalidArgumentError("welcome: no store_id");
  store_id_ = welcome.store_id();
  uint32_t interval = welcome.counters_interval_s();
  if (interval == 0) interval = kDefaultCountersIntervalS;
  counters_interval_ = std::chrono::seconds(std::min(interval, kMaxCountersIntervalS));
  phase_ = Phase::kSyncing;
  if (welcome.resume()) Establish(true);
  stream_->ReadNext();
  return absl::OkStatus();
}

absl::Status ControllerSession::HandleSnapshot(const v1::Snapshot& snapshot) {
  if (phase_ < Phase::kSyncing) return absl::InvalidArgumentError("snapshot: before the welcome");
  auto state = convert::FromProto(snapshot.state());
  if (!state.ok()) return Annotate(state.status(), "snapshot");
  ControllerSnapshot input{.store_id = store_id_,
                           .generation = Generation{snapshot.generation()},
                           .state = *std::move(state)};
  HandTo([input = std::move(input)](Reconciler* to) { return to->TakeSnapshot(input); }, true);
  return absl::OkStatus();
}

absl::Status ControllerSession::HandleDelta(const v1::Delta& delta) {
  if (phase_ != Phase::kEstablished) return absl::InvalidArgumentError("delta: before the state");
  auto changes = convert::FromProto(delta.delta());
  if (!changes.ok()) return Annotate(changes.status(), "delta");
  ControllerDelta input{.store_id = store_id_,
                        .from = Generation{delta.from_generation()},
                        .to = Generation{delta.to_generation()},
                        .delta = *std::move(changes)};
  HandTo([input = std::move(input)](Reconciler* to) { return to->TakeDelta(input); }, false);
  return absl::OkStatus();
}

absl::Status ControllerSession::HandleRefusal(const v1::AttachmentRefused& refused) {
  auto id = PortId::Parse(refused.port_id());
  if (!id.ok()) return Annotate(id.status(), "refused: port_id");
  HandTo(
      [id = *id, reason = refused.reason(), unknown = refused.unknown()](Reconciler* to) {
        to->TakeRefusal(
            id, unknown ? absl::NotFoundError(reason) : absl::FailedPreconditionError(reason));
        return absl::OkStatus();
      },
      false);
  return absl::OkStatus();
}

// One input at a time is with the reconciler: the next message is read when it has been taken.
void ControllerSession::HandTo(std::function<absl::Status(Reconciler*)> input, bool snapshot) {
  const uint64_t attempt = attempt_;
  dependencies_.reconciler_executor->Post([this, attempt, snapshot, input = std::move(input)] {
    const absl::Status status = input(dependencies_.reconciler);
    dependencies_.executor->Post([this, attempt, snapshot, status] {
      if (attempt != attempt_ || stopped_) return;
      if (!status.ok()) return Fail(status);
      if (snapshot && phase_ == Phase::kSyncing) Establish(false);
      stream_->ReadNext();
    });
  });
}

void ControllerSession::Establish(bool resumed) {
  phase_ = Phase::kEstablished;
  backoff_ = kFirstBackoff;
  spdlog::info("session with the controller: {}", resumed ? "resumed" : "took a snapshot");
  {
    const std::lock_guard lock(status_mutex_);
    status_.connected = true;
    status_.detail = "since " + TimeText(dependencies_.clock());
    (resumed ? status_.resumed : status_.snapshots) += 1;
  }
  // What was reported while no session could carry it.
  dependencies_.reconciler_executor->Post(
      [reconciler = dependencies_.reconciler] { reconciler->ReportAll(); });
  SendMemberships();
  SendCounters();
}

void ControllerSession::SendMemberships() {
  outbox_.Put(memberships_);
  Pump();
}

void ControllerSession::OnMulticastGroups(const MulticastSnooper::Groups& groups) {
  dependencies_.executor->Post([this, message = ToMessage(groups)] {
    memberships_ = message;
    if (std::exchange(memberships_pending_, true)) return;
    dependencies_.executor->PostAfter(kMembershipDelay, [this] {
      memberships_pending_ = false;
      // Otherwise the next session begins with them.
      if (!stopped_ && phase_ == Phase::kEstablished) SendMemberships();
    });
  });
}

void ControllerSession::SendCounters() {
  if (!outbox_.has_counters()) {
    const auto read = dependencies_.counters->ReadPorts();
    auto ports = read.value_or(std::map<PortId, datapath::PortCounters>());
    std::erase_if(ports, [](const auto& port) { return port.second.local; });
    const auto drops = dependencies_.counters->ReadHostDrops();
    // Sent even if empty: it is the sign of life.
    outbox_.Put(
        ToMessages(ports, drops.value_or(std::map<std::string, uint64_t>()), kCountersBytes));
  }
  Pump();
  dependencies_.executor->PostAfter(counters_interval_, ForAttempt([this] { SendCounters(); }));
}

void ControllerSession::Pump() {
  if (writing_ || phase_ != Phase::kEstablished) return;
  const auto message = outbox_.Take();
  if (!message) return;
  writing_ = true;
  stream_->Write(*message);
}

void ControllerSession::OnAcknowledgement(const Acknowledgement& acknowledgement) {
  dependencies_.executor->Post([this, message = ToMessage(acknowledgement)] {
    outbox_.Put(message);
    Pump();
  });
}

void ControllerSession::OnReceipt(const PortReceipt& receipt) {
  dependencies_.executor->Post([this, message = ToMessage(receipt, self_.host_id)] {
    PassFailpoint("agent.before-receipt");
    outbox_.Put(message);
    Pump();
    PassFailpoint("agent.after-receipt");
  });
}

void ControllerSession::OnPortEvent(const PortEvent& event) {
  dependencies_.executor->Post([this, message = ToMessage(event)] {
    // Without a session nothing is kept: the next one begins with everything.
    if (stopped_ || phase_ < Phase::kHello) return;
    if (!outbox_.Put(message)) {
      return Fail(absl::ResourceExhaustedError("the controller takes no events: too many wait"));
    }
    Pump();
  });
}

void ControllerSession::OnMoveReport(const MoveReport& report) {
  dependencies_.executor->Post([this, message = ToMessage(report)] {
    if (stopped_ || phase_ < Phase::kHello) return;
    outbox_.Put(message);
    Pump();
  });
}

void ControllerSession::OnProbeReport(const ProbeReport& report) {
  dependencies_.executor->Post([this, message = ToMessage(report)] {
    if (stopped_ || phase_ < Phase::kHello) return;
    outbox_.Put(message);
    Pump();
  });
}

}  // namespace outrider::agent
