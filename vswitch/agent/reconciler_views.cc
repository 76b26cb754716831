// What the reconciler says of ports and of itself, and who waits for a port.
#include <fmt/format.h>

#include <set>
#include <utility>

#include "vswitch/agent/reconciler.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {

bool Reconciler::IsInForce(const PortId& id) const {
  const auto desired = desired_.ports.find(id);
  const auto applied = applied_.ports.find(id);
  return controller_.state().ports.contains(id) && desired != desired_.ports.end() &&
         applied != applied_.ports.end() && desired->second == applied->second &&
         applied->second.device && applied->second.phase != state::PortPhase::kBlocked &&
         applied->second.phase != state::PortPhase::kDeparted;
}

uint64_t Reconciler::WaitInForce(const PortId& id, WaitDone done) {
  const uint64_t token = next_waiter_++;
  waiters_.emplace(token, Waiter{.id = id, .done = std::move(done)});
  if (no_waiting_) StopWaiting();
  const auto refusal = refusals_.find(id);
  if (refusal != refusals_.end()) {
    FailWaiters(id, refusal->second);
  } else {
    ResolveWaiters();
  }
  return token;
}

void Reconciler::CancelWait(uint64_t token) {
  auto waiter = waiters_.extract(token);
  if (waiter.empty()) return;
  const PortId& id = waiter.mapped().id;
  waiter.mapped().done(absl::DeadlineExceededError(
      fmt::format("port {}: not in force in time: {}", id.ToString(), ProblemOf(id))));
}

void Reconciler::StopWaiting() {
  no_waiting_ = true;
  FailWaiters(std::nullopt, absl::UnavailableError("the agent is stopping"));
}

void Reconciler::ResolveWaiters() {
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const auto present = waiter++;
    if (IsInForce(present->second.id)) waiters_.extract(present).mapped().done(absl::OkStatus());
  }
}

void Reconciler::FailWaiters(const std::optional<PortId>& id, const absl::Status& status) {
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const auto present = waiter++;
    if (!id || present->second.id == *id) waiters_.extract(present).mapped().done(status);
  }
}

HeldState Reconciler::Held() const {
  HeldState held;
  held.attachments = attachments_;
  held.claims = claims_;
  if (!controller_.known()) return held;
  held.store_id = controller_.store_id();
  held.generation = controller_.generation();
  held.digest = convert::StateDigest(controller_.state());
  return held;
}

void Reconciler::ReportAll() {
  move_reports_.Repeat();
  reports_.Repeat(controller_.state(), local_.AsProfiled(applied_), controller_.generation());
  TellApplied();
}

// A generation is in force with the last of its ports; until then it is neither that nor a failure.
void Reconciler::TellApplied() {
  if (departures_.Holds()) return;
  reports_.Applied(controller_.generation(), local_.NotLocal(failures_));
}

std::set<Vni> Reconciler::SegmentsOf(const PortId& id) const {
  std::set<Vni> segments;
  for (const state::HostState* state : {&controller_.state(), &applied_}) {
    const auto port = state->ports.find(id);
    if (port != state->ports.end()) segments = state::SegmentsOf(port->second);
    if (!segments.empty()) break;
  }
  return segments;
}

std::string Reconciler::ProblemOf(const PortId& id) const {
  for (const datapath::ObjectFailure& failure : failures_) {
    if (failure.kind == datapath::ObjectKind::kPort && failure.key == id.ToString()) {
      return Message(failure.status);
    }
  }
  const auto applied = applied_.ports.find(id);
  if (applied != applied_.ports.end() && applied->second.phase == state::PortPhase::kDeparted) {
    return "its guest has left for another host, by a migration that is not over";
  }
  if (applied != applied_.ports.end() && applied->second.phase != state::PortPhase::kBlocked) {
    return "";
  }
  if (local_.Has(id)) return "its device is not there";
  const auto refusal = refusals_.find(id);
  if (refusal != refusals_.end()) return Message(refusal->second);
  const auto port = controller_.state().ports.find(id);
  if (port == controller_.state().ports.end()) return "the controller has not answered for it yet";
  if (port->second.profile.empty()) return "it has no profile; give it one (outrider port set)";
  if (!attachments_.contains(id)) return "no device is attached";
  return "the controller keeps it blocked";
}

std::vector<PortView> Reconciler::ListPorts() const {
  std::set<PortId> ids;
  for (const auto& [id, port] : desired_.ports) ids.insert(id);
  for (const auto& [id, port] : applied_.ports) ids.insert(id);
  std::vector<PortView> views;
  for (const PortId& id : ids) {
    PortView view{
        .id = id, .attachment = {}, .in_force = {}, .digest = "", .problem = ProblemOf(id)};
    view.port_data = PortDataOf(id);
    if (const auto found = attachments_.find(id); found != attachments_.end()) {
      view.attachment = found->second;
    }
    if (const auto found = applied_.ports.find(id); found != applied_.ports.end()) {
      view.in_force = found->second;
      if (!local_.Has(id) && !state::SegmentsOf(found->second).empty())
        view.digest = convert::ReceiptDigest(id, local_.AsProfiled(id, found->second));
    }
    views.push_back(std::move(view));
  }
  return views;
}

ReconcilerStatus Reconciler::Status() const {
  return {.store_id = controller_.store_id(),
          .generation = controller_.generation(),
          .objects_written = objects_written_,
          .objects_deleted = objects_deleted_,
          .failures = failures_};
}

}  // namespace outrider::agent
