#include "vswitch/ovs/manager_remote.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace outrider::ovs {
namespace {

constexpr std::chrono::milliseconds kFirstBackoff(1000);

std::string SecondsSince(stream::PollLoop::Clock::time_point then) {
  const auto passed = stream::PollLoop::Clock::now() - then;
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(passed).count());
}

}  // namespace

ManagerRemote::ManagerRemote(OvsdbService* service, const ManagerConfig& config,
                             std::shared_ptr<const stream::TlsContext> tls)
    : service_(service),
      config_(config),
      tls_(std::move(tls)),
      connections_(service, config.probe_interval,
                   {.connected = [this] { OnConnected(); },
                    .closed = [this](const absl::Status& why) { OnClosed(why); }}) {
  const auto address = stream::StreamAddress::Parse(config.target, kOvsdbPort);
  address_ok_ = address.ok();
  if (!address_ok_) {
    // No time will mend it: the row has to change.
    state_ = "VOID";
    last_error_ = Message(address.status());
    spdlog::warn("manager {}", last_error_);
    return;
  }
  address_ = *address;
  Open();
}

ManagerRemote::~ManagerRemote() { service_->loop()->Cancel(retry_); }

void ManagerRemote::SetTimes(const ManagerConfig& config) {
  config_.max_backoff = config.max_backoff;
  config_.probe_interval = config.probe_interval;
  connections_.SetProbeInterval(config.probe_interval);
}

void ManagerRemote::Open() {
  retry_ = 0;
  if (UsesTls() && tls_ == nullptr) {
    return RetryAfter(absl::FailedPreconditionError(
        "no usable private key, certificate and CA certificate; set them with ovs-vsctl set-ssl"));
  }
  if (address_.passive) {
    Listen();
  } else {
    Connect();
  }
}

void ManagerRemote::Listen() {
  auto listener = stream::StreamListener::Create(
      service_->loop(), {.address = address_, .tls = UsesTls() ? tls_ : nullptr},
      [this](std::unique_ptr<stream::StreamConnection> connection) {
        connections_.Add(std::move(connection));
      });
  if (!listener.ok()) return RetryAfter(listener.status());
  listener_ = std::move(*listener);
  state_ = "ACTIVE";
  last_error_.clear();
  backoff_ = {};
  spdlog::info("manager {}: listens", config_.target);
}

void ManagerRemote::Connect() {
  state_ = "CONNECTING";
  auto connection =
      stream::StreamConnection::Connect(service_->loop(), address_, UsesTls() ? tls_ : nullptr, {});
  if (!connection.ok()) return RetryAfter(connection.status());
  connections_.Add(std::move(*connection));
}

void ManagerRemote::RetryAfter(const absl::Status& why) {
  // Once for each reason: a manager may be away for days.
  if (last_error_ != Message(why)) spdlog::warn("manager {}: {}", config_.target, Message(why));
  last_error_ = Message(why);
  state_ = "BACKOFF";
  backoff_ =
      std::clamp(backoff_ * 2, std::min(kFirstBackoff, config_.max_backoff), config_.max_backoff);
  retry_ = service_->loop()->PostAfter(backoff_, [this] { Open(); });
}

void ManagerRemote::OnConnected() {
  connected_at_ = stream::PollLoop::Clock::now();
  if (address_.passive) return;
  state_ = "ACTIVE";
  last_error_.clear();
  backoff_ = {};
  spdlog::info("manager {}: connected", config_.target);
}

void ManagerRemote::OnClosed(const absl::Status& why) {
  disconnected_at_ = stream::PollLoop::Clock::now();
  if (address_.passive) return;
  RetryAfter(why.ok() ? absl::UnavailableError("the manager closed the connection") : why);
}

std::map<std::string, std::string> ManagerRemote::Status() const {
  std::map<std::string, std::string> status = {{"state", state_}};
  if (!last_error_.empty()) status["last_error"] = last_error_;
  if (connected_at_) status["sec_since_connect"] = SecondsSince(*connected_at_);
  if (disconnected_at_) status["sec_since_disconnect"] = SecondsSince(*disconnected_at_);
  if (listener_ != nullptr) {
    status["bound_port"] = std::to_string(listener_->address().port);
    // As ovsdb-server: one connection needs no count.
    if (connections_.size() > 1) status["n_connections"] = std::to_string(connections_.size());
  }
  const auto held = connections_.LocksHeld();
  if (!held.empty()) status["locks_held"] = fmt::format("{}", fmt::join(held, " "));
  const auto waiting = connections_.LocksWaiting();
  if (!waiting.empty()) status["locks_waiting"] = fmt::format("{}", fmt::join(waiting, " "));
  return status;
}

}  // namespace outrider::ovs
