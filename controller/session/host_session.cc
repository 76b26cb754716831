#include "controller/session/host_session.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "controller/compute/compute.h"
#include "controller/model/names.h"
#include "proto/failpoint.h"

namespace outrider::controller {

GenerationState HostSession::Compute() const {
  return repository_->Read([this](const Model& model) {
    std::shared_ptr<v1::HostState> state;
    if (feed_.sent().state != nullptr && feed_.checked_revision() == model.revision()) {
      // Nothing but groups, which are not of the model, can have changed.
      state = std::make_shared<v1::HostState>(*feed_.sent().state);
      state->clear_multicast_groups();
    } else {
      state = std::make_shared<v1::HostState>(ComputeHostState(model, host(), compiler_));
    }
    AddMulticastGroups(model, *multicast_, host(), state.get());
    return GenerationState{model.revision(), std::move(state)};
  });
}

bool HostSession::Start(const v1::Hello& hello, uint32_t counters_interval_s,
                        const GenerationState& kept) {
  instance_id_ = hello.instance_id();
  std::string store_id = repository_->store_id();
  const GenerationState current = Compute();
  const StateFeed::Start start = feed_.Begin(hello, store_id, current, kept);
  const bool resumed = start == StateFeed::Start::kResume;
  if (start == StateFeed::Start::kLostHistory) {
    spdlog::warn(
        "audit: host \"{}\" holds generation {} of this store, which has come to {} only: the "
        "store "
        "was restored from a backup, or the host lies; it gets a snapshot as if of another store",
        host(), hello.generation(), current.generation);
    // For this session alone: the next Hello brings it back, and gets a snapshot under our own id.
    store_id = NewUuid();
  }
  v1::Welcome* welcome = welcome_.emplace().mutable_welcome();
  welcome->set_store_id(store_id);
  welcome->set_resume(resumed);
  welcome->set_counters_interval_s(counters_interval_s);
  return resumed;
}

void HostSession::MarkDirty() {
  // The state is computed when the stream takes it, so that the agent gets the newest.
  dirty_ = true;
  Pump();
}

bool HostSession::TakeMulticastTurn(int64_t now_us) {
  if (now_us < multicast_next_us_) return false;
  multicast_next_us_ = now_us + kMulticastPeriodUs;
  return true;
}

void HostSession::Refuse(const v1::PortAttachment& attachment, const std::string& reason,
                         bool unknown) {
  accepted_.erase(attachment.port_id());
  RefusedAttachment& entry = refused_[attachment.port_id()];
  entry.attachment = attachment;
  entry.unknown = unknown;
  if (entry.reason == reason) return;
  entry.reason = reason;
  untold_.insert(attachment.port_id());
  Pump();
}

void HostSession::Accept(const v1::PortAttachment& attachment) {
  refused_.erase(attachment.port_id());
  accepted_[attachment.port_id()] = attachment;
}

void HostSession::Forget(const std::string& port_id) {
  refused_.erase(port_id);
  accepted_.erase(port_id);
}

void HostSession::OnWritten() {
  writing_ = false;
  Pump();
}

void HostSession::Pump() {
  if (writing_ || !started()) return;
  const auto message = NextMessage();
  if (!message) return;
  const bool state = message->has_snapshot() || message->has_delta();
  if (state) PassFailpoint("controller.before-send");
  writing_ = true;
  stream_->Write(*message);
  if (state) PassFailpoint("controller.after-send");
}

std::optional<v1::ControllerMessage> HostSession::NextMessage() {
  if (welcome_) {
    welcomed_ = true;
    return std::exchange(welcome_, std::nullopt);
  }
  while (!untold_.empty()) {
    const std::string port_id = untold_.extract(untold_.begin()).value();
    const auto entry = refused_.find(port_id);
    if (entry == refused_.end()) continue;  // accepted meanwhile
    v1::ControllerMessage message;
    message.mutable_refused()->set_port_id(port_id);
    message.mutable_refused()->set_reason(entry->second.reason);
    message.mutable_refused()->set_unknown(entry->second.unknown);
    return message;
  }
  if (!std::exchange(dirty_, false)) return std::nullopt;
  return feed_.Next(Compute());
}

}  // namespace outrider::controller
