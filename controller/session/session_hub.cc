#include "controller/session/session_hub.h"

#include <absl/strings/cord.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <set>
#include <utility>

#include "controller/compute/compute.h"
#include "controller/model/names.h"
#include "controller/model/one_line.h"
#include "controller/pki/audit.h"
#include "controller/pki/enrollment.h"
#include "controller/pki/pem.h"

namespace outrider::controller {
namespace {

// The last-seen time of a host that only sends signs of life moves in steps of this.
constexpr int64_t kPresenceStepUs = 1'000'000;

constexpr char kAgentsFault[] = "outrider/agents-fault";

// A verdict on what the agent said is passed on; a failure on our side is one to come back after.
absl::Status ForAgent(const absl::Status& status) {
  if (status.GetPayload(kAgentsFault)) return absl::Status(status.code(), status.message());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kDeadlineExceeded:
      return status;
    default:
      return absl::UnavailableError("controller: " + Message(status));
  }
}

}  // namespace

SessionHub::SessionHub(Repository* repository, MigrationDriver* driver, const Clock* clock,
                       std::unique_ptr<Executor> executor)
    : repository_(repository),
      driver_(driver),
      clock_(clock),
      reports_(repository, driver),
      executor_(std::move(executor)) {
  subscription_ = repository_->Subscribe([this](const ChangeSet& set) {
    // Presence changes nobody's state, and comes from here.
    if (!set.durable) return;
    bool first = false;
    {
      const std::lock_guard lock(changes_mutex_);
      first = changes_.empty();
      changes_.push_back(set);
    }
    // What comes before the work runs is taken along: many changes, one computation per host.
    if (first) Post([this] { HandleChanges(); });
  });
}

SessionHub::~SessionHub() {
  subscription_.reset();
  // What is posted refers to the members, which are still there.
  executor_.reset();
}

SessionHub::SessionId SessionHub::Open(const PeerIdentity& identity, const std::string& peer,
                                       std::shared_ptr<HostStream> stream) {
  const SessionId id = next_id_.fetch_add(1);
  Post([this, id, identity, peer, stream = std::move(stream)] {
    const auto session = std::make_shared<HostSession>(identity, peer, stream, repository_,
                                                       &compiler_, &multicast_, clock_->NowUs());
    sessions_[id] = session;
    session->stream().ReadNext();
  });
  return id;
}

void SessionHub::OnMessage(SessionId id, v1::AgentMessage message) {
  Post([this, id, message = std::move(message)] { Handle(id, message); });
}

void SessionHub::OnWritten(SessionId id) {
  Post([this, id] {
    const SessionPtr session = Find(id);
    if (session == nullptr) return;
    session->OnWritten();
    AfterProgress(*session, clock_->NowUs());
  });
}

void SessionHub::OnClosed(SessionId id) {
  Post([this, id] { Forget(id, /*host_lost=*/true); });
}

void SessionHub::OnTick() {
  Post([this] { Tick(); });
}

SessionStats SessionHub::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return stats_;
}

SessionHub::SessionPtr SessionHub::Find(SessionId id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void SessionHub::Handle(SessionId id, const v1::AgentMessage& message) {
  const SessionPtr session = Find(id);
  if (session == nullptr) return;
  session->Heard(clock_->NowUs());
  const absl::Status status = Dispatch(id, *session, message);
  if (!status.ok()) return End(id, status);
  if (message.body_case() == v1::AgentMessage::kAck ||
      session->last_heard_us() - session->shown_us() >= kPresenceStepUs) {
    UpdatePresence(*session, /*publish=*/false);
  }
  session->stream().ReadNext();
}

absl::Status SessionHub::Dispatch(SessionId id, HostSession& session,
                                  const v1::AgentMessage& message) {
  if (session.started() == message.has_hello()) {
    return absl::FailedPreconditionError("a session begins with one Hello, and has no other");
  }
  switch (message.body_case()) {
    case v1::AgentMessage::kHello:
      return HandleHello(id, session, message.hello());
    case v1::AgentMessage::kAck:
      return HandleAck(session, message.ack());
    case v1::AgentMessage::kReceipt:
      QueueReceipt(id, session, message.receipt());
      return absl::OkStatus();
    case v1::AgentMessage::kPortEvent:
      return HandlePortEvent(session, message.port_event());
    case v1::AgentMessage::kCounters:
      HandleCounters(session, message.counters());
      return absl::OkStatus();
    case v1::AgentMessage::kMulticast:
      return HandleMulticast(session, message.multicast());
    case v1::AgentMessage::kMove:
      return driver_->OnMoveReport(session.host(), message.move());
    case v1::AgentMessage::kProbe:
      return driver_->OnProbeReport(session.host(), message.probe());
    case v1::AgentMessage::BODY_NOT_SET:
      break;
  }
  // A newer agent may have more to say; what we do not know we need not act on.
  return absl::OkStatus();
}

absl::Status SessionHub::HandleAck(HostSession& session, const v1::Ack& ack) {
  RETURN_IF_ERROR(session.feed().OnAck(ack.generation()));
  HostSession::Failures failures = ack.failures();
  AddMisfits(session, &failures);
  RETURN_IF_ERROR(reports_.Failures(session.host(), failures, &session.failing_ports()));
  // What failed the last time may have held the driver up.
  const bool repeat = !session.failures().empty();
  session.TakeAck(ack);
  AfterProgress(session, ack.time_us(), repeat);
  return absl::OkStatus();
}

absl::Status SessionHub::HandlePortEvent(HostSession& session, const v1::PortEvent& event) {
  if (event.kind() == v1::PortEvent::KIND_ATTACHED) {
    // Asked anew, also what was refused: the answer is due again.
    session.Forget(ToLower(event.attachment().port_id()));
    return Attach(session, event.attachment(), event.time_us());
  }
  if (event.kind() == v1::PortEvent::KIND_DETACHED) session.Forget(ToLower(event.port_id()));
  return reports_.PortEvent(session.host(), event);
}

void SessionHub::QueueReceipt(SessionId id, const HostSession& session,
                              const v1::PortReceipt& receipt) {
  // Posted before the session's next message is asked for, so that it is flushed before that.
  if (receipts_.empty()) Post([this] { FlushReceipts(); });
  receipts_.push_back({id, {session.host(), receipt}});
}

void SessionHub::FlushReceipts() {
  const auto queued = std::exchange(receipts_, {});
  std::vector<PortReports::HostReceipt> receipts;
  for (const auto& [id, receipt] : queued) receipts.push_back(receipt);
  const absl::Status status = reports_.Receipts(receipts);
  if (status.ok()) return;
  for (const auto& [id, receipt] : queued) End(id, status);
}

void SessionHub::HandleCounters(const HostSession& session, const v1::Counters& counters) {
  for (const v1::PortCounters& given : counters.ports()) {
    v1::PortCounters port = given;
    port.set_port_id(ToLower(given.port_id()));
    // During and after a move the port is attached at two hosts; the one that holds it counts.
    if (!reports_.Holds(session.host(), port.port_id())) continue;
    port.clear_drops();
    for (const auto& [reason, packets] : given.drops()) {
      (*port.mutable_drops())[OneLine(reason)] = packets;
    }
    counters_.Put(session.host(), port, clock_->NowUs());
  }
}

void SessionHub::HandleChanges() {
  std::vector<ChangeSet> changes;
  {
    const std::lock_guard lock(changes_mutex_);
    changes.swap(changes_);
  }
  const std::set<std::string> affected = repository_->Read([&](const Model& model) {
    std::set<std::string> hosts;
    for (const ChangeSet& set : changes) hosts.merge(AffectedHosts(model, set));
    return hosts;
  });
  for (const ChangeSet& set : changes) EndOustedSessions(set);
  RetryAttachments(changes);
  for (const std::string& host : affected) {
    const auto found = by_host_.find(host);
    if (found == by_host_.end()) continue;
    HostSession& session = *sessions_.at(found->second);
    session.MarkDirty();
    AfterProgress(session, clock_->NowUs());
  }
}

void SessionHub::EndOustedSessions(const ChangeSet& set) {
  for (const Change& change : set.changes) {
    if (change.kind == Kind::kPort && change.after == nullptr) counters_.Erase(change.name);
    if (change.kind != Kind::kHost) continue;
    const auto* host = change.After<v1::Host>();
    std::vector<std::pair<SessionId, absl::Status>> ended;
    for (const auto& [id, session] : sessions_) {
      if (session->host() != change.name) continue;
      const absl::Status status = host == nullptr
                                      ? absl::PermissionDeniedError("the host was deleted")
                                      : CheckEnrolled(host, session->identity());
      if (!status.ok()) ended.emplace_back(id, status);
    }
    for (const auto& [id, status] : ended) {
      End(id, AuditRefused(fmt::format("session of host \"{}\"", change.name), status));
    }
    if (host != nullptr) continue;
    kept_.erase(change.name);
    SetMulticast(change.name, std::nullopt);
  }
}

void SessionHub::AfterProgress(HostSession& session, int64_t host_time_us, bool repeat) {
  if (session.feed().TakeSentNews()) UpdatePresence(session, /*publish=*/false);
  if (!session.has_acked()) return;
  if (!session.feed().TakeCovered() && !repeat) return;
  v1::Ack ack;
  ack.set_generation(session.feed().covered());
  ack.set_time_us(host_time_us);
  *ack.mutable_failures() = session.failures();
  const absl::Status status = driver_->OnAck(session.host(), ack);
  if (!status.ok()) {
    spdlog::error("migration driver: ack of host \"{}\": {}", session.host(), Message(status));
  }
}

void SessionHub::UpdatePresence(HostSession& session, bool publish) {
  session.Shown();
  const auto change = [&](v1::Host* host) {
    host->set_state(v1::Host::STATE_CONNECTED);
    host->set_last_seen_us(session.last_heard_us());
    host->set_applied_generation(session.feed().acked());
    host->set_desired_generation(session.feed().sent().generation);
  };
  // NotFound: the host was deleted this moment; its session is about to end.
  repository_->UpdatePresence(session.host(), change, publish).IgnoreError();
}

void SessionHub::End(SessionId id, const absl::Status& status) {
  const SessionPtr session = Find(id);
  if (session == nullptr) return;
  spdlog::info("host \"{}\" at {}: session ended: {}", session->host(), session->peer(),
               OneLine(Message(status), kMaxLogged));
  session->stream().Close(ForAgent(status));
  Forget(id, /*host_lost=*/true);
}

absl::Status SessionHub::AgentsFault(absl::Status status) {
  status.SetPayload(kAgentsFault, absl::Cord());
  return status;
}

void SessionHub::Forget(SessionId id, bool host_lost) {
  const SessionPtr session = Find(id);
  if (session == nullptr) return;
  sessions_.erase(id);
  const auto current = by_host_.find(session->host());
  if (current == by_host_.end() || current->second != id) return;
  by_host_.erase(current);
  if (session->feed().sent().state != nullptr) kept_[session->host()] = session->feed().sent();
  if (!host_lost) return;
  multicast_until_us_[session->host()] = clock_->NowUs() + kMulticastGraceUs;
  {
    const std::lock_guard lock(stats_mutex_);
    stats_.connected = static_cast<uint32_t>(by_host_.size());
  }
  spdlog::info("host \"{}\": disconnected", session->host());
  const auto leave = [](v1::Host* host) { host->set_state(v1::Host::STATE_ENROLLED); };
  // NotFound: it left because it was deleted.
  repository_->UpdatePresence(session->host(), leave, /*publish=*/true).IgnoreError();
  if (const absl::Status status = driver_->OnHostLost(session->host()); !status.ok()) {
    spdlog::error("migration driver: loss of host \"{}\": {}", session->host(), Message(status));
  }
}

void SessionHub::Tick() {
  const int64_t now_us = clock_->NowUs();
  std::vector<std::pair<SessionId, absl::Status>> ended;
  for (const auto& [id, session] : sessions_) {
    if (!session->started() && now_us - session->last_heard_us() > kHelloTimeoutUs) {
      ended.emplace_back(id, absl::DeadlineExceededError("no Hello came"));
    } else if (now_us >= session->identity().not_after_us) {
      ended.emplace_back(
          id, AuditRefused(fmt::format("session of host \"{}\"", session->host()),
                           absl::UnauthenticatedError(
                               fmt::format("certificate: expired at {}; connect with a renewed one",
                                           FormatUtc(session->identity().not_after_us)))));
    }
  }
  for (const auto& [id, status] : ended) End(id, status);
  ForgetMulticast(now_us);
  PushMulticast(now_us);
}

}  // namespace outrider::controller
