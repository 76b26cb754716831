#include "vswitch/agent/reconciler.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "proto/failpoint.h"
#include "vswitch/agent/acl_log.h"
#include "vswitch/agent/desired_state.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

// Logs what fails now and did not fail the same way before.
void LogNewFailures(const std::vector<datapath::ObjectFailure>& before,
                    const std::vector<datapath::ObjectFailure>& now) {
  for (const datapath::ObjectFailure& failure : now) {
    const bool known = std::any_of(before.begin(), before.end(), [&](const auto& old) {
      return old.kind == failure.kind && old.key == failure.key && old.status == failure.status;
    });
    if (known) continue;
    spdlog::warn("{} {} is not in force and will be tried again: {}", ToString(failure.kind),
                 failure.key, Message(failure.status));
  }
}

bool Forwards(const state::Port& port) {
  return port.phase == state::PortPhase::kActive && port.device.has_value();
}

// Whether a network that knows where the one is knows it of the other.
bool ForwardsAlike(const state::Port& before, const state::Port& now) {
  return Forwards(before) && before.mac == now.mac &&
         state::SegmentsOf(before) == state::SegmentsOf(now);
}

// The ports a delta writes, as they are in `applied`.
std::map<PortId, state::Port> PortsOf(const state::StateDelta& delta,
                                      const state::HostState& applied) {
  std::map<PortId, state::Port> ports;
  for (const auto& [id, port] : delta.ports.upserts) {
    const auto found = applied.ports.find(id);
    if (found != applied.ports.end()) ports.insert(*found);
  }
  return ports;
}

}  // namespace

Reconciler::Reconciler(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      controller_(dependencies_.store),
      reports_(dependencies_.clock),
      move_reports_(dependencies_.clock),
      departures_({.executor = dependencies_.executor,
                   .moves = dependencies_.moves,
                   .queue = dependencies_.queue,
                   .clock = dependencies_.clock,
                   .boot_clock = dependencies_.boot_clock,
                   .reports = &move_reports_,
                   .release = [this] { dependencies_.executor->Post([this] { Reconcile(); }); },
                   .ask_reader = dependencies_.ask_reader}) {}

void Reconciler::SetObserver(ReportObserver* observer) {
  reports_.SetObserver(observer);
  move_reports_.SetObserver(observer);
}

absl::Status Reconciler::Start() {
  ASSIGN_OR_RETURN(applied_, dependencies_.datapath->ReadState());
  ASSIGN_OR_RETURN(attachments_, dependencies_.store->LoadAttachments());
  ASSIGN_OR_RETURN(claims_, dependencies_.store->LoadClaims());
  RETURN_IF_ERROR(controller_.Load());
  if (!controller_.known()) held_ = WithoutLocalPart(applied_);
  local_.Hold(applied_, controller_.state());
  departures_.Follow(controller_.state(), applied_);
  if (dependencies_.multicast != nullptr) RETURN_IF_ERROR(dependencies_.multicast->Start());
  spdlog::info("in force at the start: {} segments, {} ports, {} fdb rows; {}",
               applied_.segments.size(), applied_.ports.size(), applied_.fdb.size(),
               controller_.known() ? fmt::format("following stored generation {}",
                                                 static_cast<uint64_t>(controller_.generation()))
                                   : "kept until the controller speaks");
  Reconcile();
  dependencies_.datapath->SetEventSink(this);
  ScheduleCheck();
  return absl::OkStatus();
}

absl::Status Reconciler::TakeSnapshot(ControllerSnapshot snapshot) {
  RETURN_IF_ERROR(controller_.Take(std::move(snapshot)));
  held_ = {};
  Reconcile();
  return absl::OkStatus();
}

absl::Status Reconciler::TakeDelta(const ControllerDelta& delta) {
  RETURN_IF_ERROR(controller_.Take(delta));
  Reconcile();
  return absl::OkStatus();
}

void Reconciler::TakeRefusal(const PortId& id, const absl::Status& why) {
  if (!attachments_.contains(id)) return;
  SettleClaim(id);
  refusals_.insert_or_assign(id, why);
  if (!absl::IsNotFound(why)) {
    spdlog::warn("port {} is refused by the controller: {}", id.ToString(), Message(why));
  }
  FailWaiters(id, why);
}

void Reconciler::Attach(const state::Attachments& attachments) {
  for (const auto& [id, attachment] : attachments) {
    attachments_.insert_or_assign(id, attachment);
    claims_.insert(id);
    refusals_.erase(id);
  }
  Reconcile();
  TellAttachments();
  for (const auto& [id, attachment] : attachments) {
    reports_.Attached(id, attachment, claims_.contains(id));
  }
}

void Reconciler::Detach(const PortId& id) {
  attachments_.erase(id);
  claims_.erase(id);
  refusals_.erase(id);
  held_.ports.erase(id);
  Reconcile();
  TellAttachments();
  const auto port = controller_.state().ports.find(id);
  reports_.Detached(
      id, port == controller_.state().ports.end() ? std::string() : port->second.migration_id);
  FailWaiters(id, absl::CancelledError("port " + id.ToString() + " was detached meanwhile"));
}

void Reconciler::SetLocal(LocalState local) {
  local_.Set(std::move(local));
  Reconcile();
}

void Reconciler::DeviceAppeared(const std::string& device) {
  for (const auto& [id, port] : desired_.ports) {
    // One that is bound was attached before the news of its device came.
    const auto applied = applied_.ports.find(id);
    const bool bound = applied != applied_.ports.end() && applied->second.device == device;
    if (port.device == device && !bound) return Reconcile();
  }
}

void Reconciler::DeviceGone(const std::string& device) {
  bool lost = false;
  for (auto& [id, port] : applied_.ports) {
    if (port.device != device) continue;
    spdlog::warn("port {}: device {} is gone", id.ToString(), device);
    port = LostPort(port);
    lost = true;
  }
  if (lost) Reconcile();
}

void Reconciler::OnFirstFrame(const datapath::FirstFrameEvent& event) {
  dependencies_.executor->Post([this, event] { HandleFirstFrame(event); });
}

void Reconciler::OnAclLog(const datapath::AclLogEvent& event) {
  spdlog::info("{}", AclLogText(event));
}

void Reconciler::OnAdoption(const datapath::AdoptionEvent& event) {
  spdlog::info("{}", AdoptionText(event));
  if (dependencies_.arrivals == nullptr) return;
  dependencies_.arrivals->Adopted(event.port);
  dependencies_.executor->Post([this] {
    if (std::exchange(connections_pending_, true)) return;
    dependencies_.executor->PostAfter(kAdoptionDelay, [this] {
      connections_pending_ = false;
      TellConnections();
    });
  });
}

void Reconciler::OnMulticast(const datapath::MulticastEvent& event) {
  if (dependencies_.multicast != nullptr) dependencies_.multicast->OnMulticast(event);
}

void Reconciler::HandleFirstFrame(const datapath::FirstFrameEvent& event) {
  const auto port = applied_.ports.find(event.port);
  if (port == applied_.ports.end() || local_.Has(event.port)) return;
  // The datapath has opened it, and an agent before this one may have been told so.
  const bool unheard = port->second.phase == state::PortPhase::kActive &&
                       !reports_.IsActivated(event.port, port->second.epoch);
  if (event.armed && (port->second.phase == state::PortPhase::kArmed || unheard)) {
    Activate(event.port, event.time_us, kFirstFrameTrigger);
  }
  reports_.FirstFrame(event, applied_.ports.at(event.port).epoch);
}

// The shortest way to an open port: one object, without a full pass. MergeDesired comes to the
// same.
void Reconciler::Activate(const PortId& id, int64_t time_us, const std::string& trigger) {
  PassFailpoint("agent.before-activation");
  state::StateDelta delta;
  state::Port& open = delta.ports.upserts[id];
  open = applied_.ports.at(id);
  open.phase = state::PortPhase::kActive;
  std::vector<datapath::ObjectFailure> failures = ApplyDelta(delta);
  if (!failures.empty()) {
    // What failed before this still does.
    failures.insert(failures.end(), failures_.begin(), failures_.end());
    return NoteFailures(std::move(failures));
  }
  for (state::HostState* state : {&desired_, &held_}) {
    const auto port = state->ports.find(id);
    if (port != state->ports.end()) port->second.phase = state::PortPhase::kActive;
  }
  PassFailpoint("agent.after-activation");
  reports_.Activated(id, open.epoch, time_us, trigger);
  TellFollowers();
  TellArrival(id, open);
  if (dependencies_.multicast != nullptr) dependencies_.multicast->Follow(applied_);
}

// The controller's word is in order by generation, so an epoch that goes back in it is not a late
// message but another port: created anew, given the MAC of one that is no more, or of another
// store. The datapath would refuse it as older than what is in force.
void Reconciler::AllowOlderEpochs() {
  const state::HostState& controller = controller_.state();
  for (const auto& [id, port] : applied_.ports) {
    const auto next = controller.ports.find(id);
    if (next != controller.ports.end() && next->second.epoch < port.epoch) {
      dependencies_.datapath->AllowOlderEpoch(id);
    }
  }
  state::StateDelta delta;
  for (const auto& [key, row] : applied_.fdb) {
    const auto next = controller.fdb.find(key);
    if (next != controller.fdb.end() && next->second.epoch < row.epoch) {
      delta.fdb.deletes.push_back(key);
    }
  }
  // What fails stays different, and shows in the pass this is part of.
  if (!delta.empty()) ApplyDelta(delta);
}

void Reconciler::ScheduleCheck() {
  dependencies_.executor->PostAfter(kCheckInterval, [this] {
    CheckDatapath();
    ScheduleCheck();
  });
}

void Reconciler::CheckDatapath() {
  const auto lost = dependencies_.datapath->FindLostPorts();
  if (!lost.ok()) {
    spdlog::error("cannot look whether all is still in force: {}", Message(lost.status()));
    return;
  }
  bool any = false;
  for (const PortId& id : *lost) {
    const auto port = applied_.ports.find(id);
    if (port == applied_.ports.end() || !port->second.device) continue;
    spdlog::warn("port {}: device {} is gone or has lost our programs or shaper; binding it again",
                 id.ToString(), *port->second.device);
    port->second = LostPort(port->second);
    any = true;
  }
  if (NoteLostSegments() || any) Reconcile();
}

// Each fails by name in the next pass, and in those that follow until it reaches its network again.
bool Reconciler::NoteLostSegments() {
  bool any = false;
  for (const Vni& vni : dependencies_.datapath->FindLostSegments()) {
    const auto segment = applied_.segments.find(vni);
    if (segment == applied_.segments.end() || segment->second.mtu == 0) continue;
    segment->second.mtu = 0;
    any = true;
  }
  return any;
}

void Reconciler::UplinkChanged(const std::string& device) {
  CheckDatapath();
  if (!failures_.empty()) Reconcile();
  if (dependencies_.announcer == nullptr) return;
  // Switches forget who is behind a link that was down.
  std::map<PortId, std::set<IpAddress>> ports;
  for (const auto& [id, port] : applied_.ports) {
    if (Forwards(port)) ports.emplace(id, IpsOf(id));
  }
  dependencies_.announcer->AnnounceBehind(device, ports, applied_);
}

std::set<IpAddress> Reconciler::IpsOf(const PortId& id) const {
  const auto attachment = attachments_.find(id);
  return attachment == attachments_.end() ? std::set<IpAddress>() : attachment->second.ips;
}

void Reconciler::Reconcile() {
  SettleClaims();
  if (controller_.known()) AllowOlderEpochs();
  desired_ = controller_.known() ? MergeDesired(controller_.state(), attachments_, applied_)
                                 : HoldInForce(held_, attachments_);
  local_.Merge(applied_, &desired_);
  departures_.Prepare(controller_.state(), applied_, &desired_);
  EndArrivals();
  const state::StateDelta delta = state::ComputeDelta(applied_, desired_);
  NoteFailures(delta.empty() ? std::vector<datapath::ObjectFailure>() : ApplyDelta(delta));
  std::erase_if(refusals_, [this](const auto& refusal) {
    return controller_.state().ports.contains(refusal.first);
  });
  if (controller_.known()) TellApplied();
  departures_.Follow(controller_.state(), applied_);
  if (dependencies_.multicast != nullptr) dependencies_.multicast->Follow(applied_);
  TellFollowers();
  TellPortData();
  ResolveWaiters();
}

std::vector<datapath::ObjectFailure> Reconciler::ApplyDelta(const state::StateDelta& delta) {
  const std::map<PortId, state::Port> before = PortsOf(delta, applied_);
  PassFailpoint("agent.before-apply");
  datapath::ApplyResult result = dependencies_.datapath->Apply(delta);
  PassFailpoint("agent.after-apply");
  objects_written_ += result.written;
  objects_deleted_ += result.deleted;
  applied_ = AfterApply(std::move(applied_), delta, result);
  // Retries in vain are not news.
  if (result.written + result.deleted != 0) {
    spdlog::info("generation {}: {} objects written, {} deleted, {} failed",
                 static_cast<uint64_t>(controller_.generation()), result.written, result.deleted,
                 result.failures.size());
  }
  for (const PortId& id : delta.ports.deletes) {
    if (!applied_.ports.contains(id)) reports_.Gone(id);
  }
  for (const auto& [id, port] : delta.ports.upserts) {
    reports_.InForce(id, local_.AsProfiled(id, applied_.ports.at(id)), controller_.generation(),
                     controller_.state().ports.contains(id));
  }
  Announce(delta, before);
  return std::move(result.failures);
}

void Reconciler::Announce(const state::StateDelta& delta,
                          const std::map<PortId, state::Port>& before) {
  if (dependencies_.announcer == nullptr) return;
  for (const auto& [id, port] : delta.ports.upserts) {
    const auto old = before.find(id);
    const state::Port& now = applied_.ports.at(id);
    if (!Forwards(now)) {
      dependencies_.announcer->Forget(id);
    } else if (old == before.end() || !ForwardsAlike(old->second, now)) {
      Announce(id);
    }
  }
  for (const PortId& id : delta.ports.deletes) dependencies_.announcer->Forget(id);
}

void Reconciler::Announce(const PortId& id) {
  if (dependencies_.announcer == nullptr) return;
  dependencies_.announcer->Announce(id, applied_, IpsOf(id));
}

void Reconciler::NoteFailures(std::vector<datapath::ObjectFailure> failures) {
  LogNewFailures(failures_, failures);
  failures_ = std::move(failures);
  if (failures_.empty()) {
    retry_delay_ = kFirstRetry;
  } else {
    ScheduleRetry();
  }
}

void Reconciler::ScheduleRetry() {
  if (retry_pending_) return;
  retry_pending_ = true;
  dependencies_.executor->PostAfter(retry_delay_, [this] {
    retry_pending_ = false;
    if (failures_.empty()) return;
    retry_delay_ = std::min(2 * retry_delay_, kLastRetry);
    Reconcile();
  });
}

}  // namespace outrider::agent
