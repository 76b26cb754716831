// Ports that leave this host or arrive at it: what claims them, and what says that they come.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "vswitch/agent/port_data.h"
#include "vswitch/agent/reconciler.h"

namespace outrider::agent {

// What is answered stays so: when the port has moved on, the device left here claims nothing.
void Reconciler::SettleClaims() {
  if (!controller_.known()) return;
  std::vector<PortId> settled;
  for (const PortId& id : claims_) {
    if (controller_.state().ports.contains(id)) settled.push_back(id);
  }
  for (const PortId& id : settled) SettleClaim(id);
}

void Reconciler::SettleClaim(const PortId& id) {
  if (claims_.erase(id) == 0) return;
  const absl::Status status = dependencies_.store->SettleClaim(id);
  if (status.ok()) return;
  spdlog::error("port {}: that the controller has answered could not be stored: {}", id.ToString(),
                Message(status));
}

void Reconciler::TellFollowers() {
  for (StateFollower* const follower : dependencies_.followers) {
    follower->Follow(controller_.state(), applied_);
  }
}

std::string Reconciler::PortDataOf(const PortId& id) const {
  const auto& departures = controller_.state().departures;
  const auto departure = departures.find(id);
  if (departure == departures.end()) return "";
  return ToString(PortData{departure->second.migration_id, departure->second.epoch});
}

void Reconciler::SetPortDataObserver(PortDataObserver observer) {
  port_data_observer_ = std::move(observer);
  port_data_told_.clear();
  TellPortData();
}

void Reconciler::TellPortData() {
  if (!port_data_observer_) return;
  std::map<PortId, std::string> now;
  for (const auto& [id, departure] : controller_.state().departures) {
    now.emplace(id, PortDataOf(id));
  }
  const std::map<PortId, std::string> before = std::exchange(port_data_told_, now);
  for (const auto& [id, data] : before) {
    if (!now.contains(id)) port_data_observer_(id, "");
  }
  for (const auto& [id, data] : now) {
    const auto known = before.find(id);
    if (known == before.end() || known->second != data) port_data_observer_(id, data);
  }
}

absl::Status Reconciler::TakePortData(const PortId& id, const std::string& text) {
  ASSIGN_OR_RETURN(const PortData data, ParsePortData(text));
  const auto port = applied_.ports.find(id);
  if (port == applied_.ports.end()) {
    return absl::NotFoundError(
        fmt::format("port {}: PortData {} is ignored: no such port here", id.ToString(), text));
  }
  const state::Port& here = port->second;
  if (here.migration_id != data.migration_id || here.epoch != data.epoch) {
    return absl::FailedPreconditionError(fmt::format(
        "port {}: PortData {} is ignored: here the port is in {}, epoch {}", id.ToString(), text,
        here.migration_id.empty() ? "no migration" : "migration " + here.migration_id,
        static_cast<uint64_t>(here.epoch)));
  }
  if (here.phase == state::PortPhase::kActive) return absl::OkStatus();
  if (here.phase != state::PortPhase::kArmed || !here.device) {
    return absl::FailedPreconditionError(
        fmt::format("port {}: PortData {} is ignored: {}", id.ToString(), text,
                    here.device ? ProblemOf(id) : "no device is attached"));
  }
  spdlog::info("port {}: PortData {} has come: opening it", id.ToString(), text);
  Activate(id, dependencies_.clock(), kPortDataTrigger);
  if (applied_.ports.at(id).phase == state::PortPhase::kActive) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("port {}: could not be opened: {}", id.ToString(), ProblemOf(id)));
}

void Reconciler::PortDataRead() {
  if (pause_question_ && departures_.AwaitPause()) pause_question_();
}

bool Reconciler::GuestPaused(const PortId& id, const GuestWord& word) {
  const bool redirected = departures_.Paused(id, word);
  for (StateFollower* const follower : dependencies_.followers) follower->GuestPaused(id);
  return redirected;
}

bool Reconciler::GuestResumed(const PortId& id, const GuestWord& word) {
  if (departures_.Resumed(id, word)) return true;
  const auto port = applied_.ports.find(id);
  if (port == applied_.ports.end() || port->second.phase != state::PortPhase::kArmed ||
      !port->second.device) {
    return false;
  }
  spdlog::info("port {}: its guest runs here ({}): opening it", id.ToString(), word.trigger);
  Activate(id, word.time_us == 0 ? dependencies_.clock() : word.time_us, word.trigger);
  return applied_.ports.at(id).phase == state::PortPhase::kActive;
}

void Reconciler::GuestLoaded(const std::string& device, int64_t time_us) {
  for (const auto& [id, port] : applied_.ports) {
    if (port.device != device || !port.arrival || port.migration_id.empty()) continue;
    PortEvent event;
    event.kind = PortEvent::Kind::kLoaded;
    event.port = id;
    event.epoch = port.epoch;
    event.time_us = time_us;
    event.trigger = kTapFeaturesTrigger;
    event.migration_id = port.migration_id;
    move_reports_.Mention(event);
  }
}

void Reconciler::OnReturned(const datapath::ReturnedEvent& event) {
  dependencies_.executor->Post([this, event] {
    spdlog::info("port {}: its guest has sent a frame: it runs here again", event.port.ToString());
    departures_.Returned(event.port, event.time_us);
  });
}

void Reconciler::TellArrival(const PortId& id, const state::Port& port) {
  if (dependencies_.moves == nullptr || !port.arrival || port.migration_id.empty()) return;
  const auto counts = dependencies_.moves->ReadMove(id);
  if (!counts.ok()) return;
  MoveReport report{.port = id, .migration_id = port.migration_id, .counts = *counts};
  if (dependencies_.arrivals != nullptr) {
    const ArrivalCounts::Counts came = dependencies_.arrivals->Of(id, port.migration_id);
    report.connections = came.connections;
    report.adopted = came.adopted;
  }
  move_reports_.Tell(report);
}

void Reconciler::TellConnections() {
  for (const auto& [id, counts] : dependencies_.arrivals->All()) {
    move_reports_.TellConnections(id, counts.migration_id, counts.connections, counts.adopted);
  }
}

void Reconciler::EndArrivals() {
  for (const auto& [id, port] : applied_.ports) {
    if (!port.arrival) continue;
    const auto next = desired_.ports.find(id);
    if (next != desired_.ports.end() && next->second.arrival &&
        next->second.migration_id == port.migration_id) {
      continue;
    }
    TellArrival(id, port);
    move_reports_.Ended(id, port.migration_id);
  }
}

void Reconciler::SetAttachmentObserver(AttachmentObserver observer) {
  attachment_observer_ = std::move(observer);
  TellAttachments();
}

void Reconciler::TellAttachments() {
  if (attachment_observer_) attachment_observer_(attachments_);
}

}  // namespace outrider::agent
