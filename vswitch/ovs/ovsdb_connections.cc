#include "vswitch/ovs/ovsdb_connections.h"

#include <fmt/format.h>

#include <utility>

namespace outrider::ovs {

class OvsdbConnections::Connection final : public stream::StreamHandler, public RpcPeer {
 public:
  Connection(OvsdbConnections* owner, uint64_t number,
             std::unique_ptr<stream::StreamConnection> stream)
      : owner_(owner),
        number_(number),
        stream_(std::move(stream)),
        session_(owner->service_, this) {}
  ~Connection() override { owner_->service_->loop()->Cancel(probe_timer_); }

  absl::Status Start() { return stream_->Start(this); }
  const OvsdbSession& session() const { return session_; }
  bool up() const { return up_; }
  const std::string& peer() const { return stream_->peer(); }

  void OnConnected() override {
    up_ = true;
    ScheduleProbe();
    if (owner_->events_.connected) owner_->events_.connected();
  }
  void OnData(const char* data, size_t size) override {
    heard_ = true;
    session_.Receive(data, size);
  }
  void OnDrained() override {
    // It reads, or it has said more than was answered yet: it is there.
    heard_ = true;
    session_.Continue();
  }
  void OnClosed(const absl::Status& why) override { owner_->Remove(number_, why); }

  void Send(std::string text) override { stream_->Send(std::move(text)); }
  bool Congested() const override { return stream_->congested(); }
  void Yield() override { stream_->Yield(); }
  void HangUp(const absl::Status& why) override { stream_->Fail(why); }

  void ScheduleProbe() {
    owner_->service_->loop()->Cancel(probe_timer_);
    probe_timer_ = 0;
    if (owner_->probe_interval_.count() <= 0) return;
    heard_ = false;
    probe_timer_ =
        owner_->service_->loop()->PostAfter(owner_->probe_interval_, [this] { OnSilence(); });
  }

 private:
  void OnSilence() {
    probe_timer_ = 0;
    if (heard_) {
      probed_ = false;
    } else if (!std::exchange(probed_, true)) {
      session_.Probe();
    } else {
      return stream_->Fail(absl::DeadlineExceededError(fmt::format(
          "no response to inactivity probe after {} ms", owner_->probe_interval_.count())));
    }
    ScheduleProbe();
  }

  OvsdbConnections* const owner_;
  const uint64_t number_;
  // Before the session, which speaks to it until its end.
  const std::unique_ptr<stream::StreamConnection> stream_;
  OvsdbSession session_;
  bool up_ = false;
  bool heard_ = false;
  bool probed_ = false;
  stream::PollLoop::TimerId probe_timer_ = 0;
};

OvsdbConnections::OvsdbConnections(OvsdbService* service, std::chrono::milliseconds probe_interval,
                                   Events events)
    : service_(service), probe_interval_(probe_interval), events_(std::move(events)) {}

OvsdbConnections::~OvsdbConnections() = default;

void OvsdbConnections::Add(std::unique_ptr<stream::StreamConnection> connection) {
  const uint64_t number = next_++;
  auto added = std::make_unique<Connection>(this, number, std::move(connection));
  if (const absl::Status status = added->Start(); !status.ok()) {
    log_.Warn(fmt::format("ovsdb {}: {}", added->peer(), Message(status)));
    return;
  }
  connections_.emplace(number, std::move(added));
}

void OvsdbConnections::Remove(uint64_t number, const absl::Status& why) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  if (!why.ok() && found->second->up()) {
    log_.Warn(fmt::format("ovsdb {}: connection dropped: {}", found->second->peer(), Message(why)));
  }
  connections_.erase(found);
  if (events_.closed) events_.closed(why);
}

void OvsdbConnections::SetProbeInterval(std::chrono::milliseconds interval) {
  if (interval == probe_interval_) return;
  probe_interval_ = interval;
  for (const auto& [number, connection] : connections_) {
    if (connection->up()) connection->ScheduleProbe();
  }
}

size_t OvsdbConnections::size() const {
  size_t up = 0;
  for (const auto& [number, connection] : connections_) up += connection->up() ? 1 : 0;
  return up;
}

std::set<std::string> OvsdbConnections::LocksHeld() const {
  std::set<std::string> locks;
  for (const auto& [number, connection] : connections_) {
    locks.merge(connection->session().LocksHeld());
  }
  return locks;
}

std::set<std::string> OvsdbConnections::LocksWaiting() const {
  std::set<std::string> locks;
  for (const auto& [number, connection] : connections_) {
    locks.merge(connection->session().LocksWaiting());
  }
  return locks;
}

}  // namespace outrider::ovs
