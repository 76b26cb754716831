#include "vswitch/agent/departures.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace outrider::agent {
namespace {

// Whether there is a way after the guest.
bool Leads(const state::Departure& departure) {
  return departure.label != 0 && departure.vtep.has_value();
}

bool IsDeparted(const state::HostState& state, const PortId& id) {
  const auto port = state.ports.find(id);
  return port != state.ports.end() && port->second.phase == state::PortPhase::kDeparted;
}

bool Forwards(const state::HostState& state, const PortId& id) {
  const auto port = state.ports.find(id);
  return port != state.ports.end() && port->second.phase == state::PortPhase::kActive &&
         port->second.device.has_value();
}

std::string DeviceOf(const state::HostState& state, const PortId& id) {
  const auto port = state.ports.find(id);
  return port == state.ports.end() ? "" : port->second.device.value_or("");
}

}  // namespace

void Departures::Follow(const state::HostState& controller, const state::HostState& applied) {
  if (dependencies_.moves == nullptr) return;
  std::erase_if(watches_, [&](const auto& entry) {
    const auto departure = controller.departures.find(entry.first);
    const bool stays = departure != controller.departures.end() &&
                       departure->second.migration_id == entry.second.migration_id;
    if (!stays) End(entry.first, entry.second);
    return !stays;
  });
  for (const auto& [id, departure] : controller.departures) {
    if (!Leads(departure) || !applied.ports.contains(id)) continue;
    const auto [entry, fresh] = watches_.try_emplace(id);
    Watch* const watch = &entry->second;
    watch->device = DeviceOf(applied, id);
    watch->mac = applied.ports.at(id).mac;
    if (fresh) Begin(id, departure, watch);
    NoteDeparted(id, IsDeparted(applied, id), watch);
  }
}

// If nobody had noticed the pause, the datapath redirects by itself. A guest that runs on all the
// same, or again, and knows nothing of the move, must be heard of.
void Departures::NoteDeparted(const PortId& id, bool departed, Watch* watch) {
  if (departed && !watch->departed && !watch->redirected) {
    watch->redirected = true;
    watch->guest = Guest::kUnknown;
    TellEvent(PortEvent::Kind::kRedirected, id, *watch, {kDepartedTrigger, 0});
    TellCounts(id, *watch);
  }
  const bool news = departed && !watch->departed;
  watch->departed = departed;
  if (news && watch->guest != Guest::kPaused) AskGuest(id);
}

void Departures::AskGuest(const PortId& id) const {
  if (ask_guest_) ask_guest_(id);
}

void Departures::Begin(const PortId& id, const state::Departure& departure, Watch* watch) {
  watch->migration_id = departure.migration_id;
  const auto counts = dependencies_.moves->ReadMove(id);
  if (counts.ok() && counts->mode == datapath::MoveMode::kRedirected) {
    // By an agent before this one, which may have died before it told.
    watch->redirected = true;
    watch->guest = Guest::kUnknown;
    TellEvent(PortEvent::Kind::kRedirected, id, *watch, {"", 0});
    TellCounts(id, *watch);
    return;
  }
  AskReader(id, *watch);
  for (int n = 0; n < kFirstSamples; ++n) Sample(watch, id);
  AskUsed(id, *watch, kMostQuestions);
  ScheduleSamples();
}

void Departures::End(const PortId& id, const Watch& watch) {
  if (watch.redirected) spdlog::info("port {}: nothing is sent after its guest now", id.ToString());
  dependencies_.reports->Ended(id, watch.migration_id);
}

void Departures::Prepare(const state::HostState& controller, const state::HostState& applied,
                         state::HostState* desired) {
  holds_ = false;
  for (auto& [id, watch] : watches_) {
    const auto departure = controller.departures.find(id);
    if (departure == controller.departures.end() ||
        departure->second.migration_id != watch.migration_id) {
      // Gone with the departure: read while they are there.
      if (watch.redirected) TellCounts(id, watch);
      continue;
    }
    const auto port = desired->ports.find(id);
    if (port == desired->ports.end()) continue;
    if (port->second.phase != state::PortPhase::kDeparted || watch.redirected) {
      watch.held_until_us.reset();
    } else if (Forwards(applied, id) && port->second.device && Hold(id, &watch)) {
      port->second.phase = state::PortPhase::kActive;
      holds_ = true;
      continue;
    } else {
      RedirectUnheard(id, &watch);
    }
    if (watch.redirected && (DeviceOf(applied, id).empty() || !port->second.device)) {
      port->second.phase = state::PortPhase::kDeparted;
      port->second.device.reset();
    }
  }
}

bool Departures::AwaitPause() const {
  return std::any_of(watches_.begin(), watches_.end(), [](const auto& entry) {
    return !entry.second.redirected && entry.second.guest == Guest::kRuns;
  });
}

void Departures::RedirectUnheard(const PortId& id, Watch* watch) {
  const Pause unheard{.time_us = dependencies_.clock(), .margin_us = 0, .used = {}, .filter = {}};
  if (!Redirect(id, watch, unheard).ok()) return;
  watch->guest = Guest::kUnknown;
  TellEvent(PortEvent::Kind::kRedirected, id, *watch, {kDepartedTrigger, 0});
  TellCounts(id, *watch);
}

// Who has answered before will say when the guest pauses, or has said that it runs and is asked
// again: the switchover may have been asked for a little before the pause.
bool Departures::Hold(const PortId& id, Watch* watch) {
  if (!ask_guest_ || watch->guest != Guest::kRuns || !watch->used.IsSampled()) return false;
  const int64_t now_us = dependencies_.boot_clock();
  if (!watch->held_until_us) {
    watch->held_until_us = now_us + kHold.count();
    AskWhileHeld(id, watch->migration_id);
  }
  return now_us < *watch->held_until_us;
}

void Departures::AskWhileHeld(const PortId& id, const std::string& migration_id) {
  const auto found = watches_.find(id);
  if (found == watches_.end() || found->second.migration_id != migration_id) return;
  if (!found->second.held_until_us) return;
  const Executor::Duration left(*found->second.held_until_us - dependencies_.boot_clock());
  if (left <= Executor::Duration::zero()) return Release(&found->second);
  AskGuest(id);
  dependencies_.executor->PostAfter(std::min(left, kAskInterval),
                                    [this, id, migration_id] { AskWhileHeld(id, migration_id); });
}

// Whether it waits any longer, Prepare says.
void Departures::Release(Watch* watch) {
  if (watch->held_until_us && dependencies_.release) dependencies_.release();
}

bool Departures::Paused(const PortId& id, const GuestWord& word) {
  const auto found = watches_.find(id);
  if (found == watches_.end()) return false;
  Watch& watch = found->second;
  if (std::exchange(watch.guest, Guest::kPaused) != Guest::kPaused) {
    TellEvent(PortEvent::Kind::kPaused, id, watch, word);
  }
  Release(&watch);
  if (watch.redirected) return true;
  // A word of no time of its own is no older than the pause it speaks of.
  Pause pause{.time_us = dependencies_.clock(), .margin_us = 0, .used = {}, .filter = {}};
  if (word.time_us != 0) {
    pause.time_us = word.time_us;
    pause.margin_us = kMarginUs;
  }
  if (const auto used = word.used.find(watch.mac); used != word.used.end()) {
    pause.used = used->second;
  }
  if (const auto filter = word.filters.find(watch.mac); filter != word.filters.end()) {
    pause.filter = filter->second;
  }
  const absl::Status status = Redirect(id, &watch, pause);
  if (!status.ok()) {
    spdlog::warn(
        "port {}: its guest has paused to run elsewhere, but nothing can be sent after it: {}",
        id.ToString(), Message(status));
    return false;
  }
  TellEvent(PortEvent::Kind::kRedirected, id, watch, {word.trigger, 0});
  TellCounts(id, watch);
  return true;
}

absl::Status Departures::Redirect(const PortId& id, Watch* watch, const Pause& pause) {
  ASSIGN_OR_RETURN(const Replay replay, Decide(id, *watch, pause));
  const absl::Status status =
      dependencies_.moves->Redirect(id, replay.first, BootNsOf(pause.time_us - pause.margin_us));
  if (!status.ok()) {
    const auto counts = dependencies_.moves->ReadMove(id);
    if (!counts.ok() || counts->mode != datapath::MoveMode::kRedirected) return status;
    spdlog::warn("port {}: not all could be sent after its guest: {}", id.ToString(),
                 Message(status));
  }
  watch->redirected = true;
  watch->lost += replay.lost;
  watch->redirect_delay_us = std::max<int64_t>(dependencies_.clock() - pause.time_us, 0);
  spdlog::info("port {}: sent after its guest from frame {} on (migration {})", id.ToString(),
               replay.first, watch->migration_id);
  return absl::OkStatus();
}

bool Departures::Resumed(const PortId& id, const GuestWord& word) {
  const auto found = watches_.find(id);
  if (found == watches_.end() || found->second.guest == Guest::kRuns) return false;
  Watch& watch = found->second;
  // A port that is DEPARTED is the controller's to give back, once it has heard.
  if (watch.redirected && !watch.departed) {
    const absl::Status status = dependencies_.moves->TakeBack(id);
    if (!status.ok()) {
      spdlog::error(
          "port {}: its guest runs here again, but what comes for it is still sent away: {}",
          id.ToString(), Message(status));
      return false;
    }
    watch.redirected = false;
  }
  TellEvent(PortEvent::Kind::kResumed, id, watch, word);
  BeginAnew(&watch);
  return true;
}

void Departures::Returned(const PortId& id, int64_t time_us) {
  const auto found = watches_.find(id);
  if (found == watches_.end() || found->second.returned_us == time_us) return;
  Watch& watch = found->second;
  watch.returned_us = time_us;
  watch.redirected = false;
  // What comes for it waits, for a while, for what is still to be given to it.
  if (const absl::Status status = dependencies_.moves->TakeBack(id); !status.ok()) {
    spdlog::error("port {}: its guest runs here again, but what came for it meanwhile is lost: {}",
                  id.ToString(), Message(status));
  }
  TellEvent(PortEvent::Kind::kResumed, id, watch, {kFrameTrigger, time_us});
  BeginAnew(&watch);
}

// What was sent away never came to the device: the counts have another difference.
void Departures::BeginAnew(Watch* watch) {
  watch->guest = Guest::kRuns;
  watch->queue = {};
  watch->used = {};
  watch->received = {};
  ScheduleSamples();
}

void Departures::TellEvent(PortEvent::Kind kind, const PortId& id, const Watch& watch,
                           const GuestWord& word) {
  PortEvent event;
  event.kind = kind;
  event.port = id;
  event.time_us = word.time_us == 0 ? dependencies_.clock() : word.time_us;
  event.trigger = word.trigger;
  event.migration_id = watch.migration_id;
  dependencies_.reports->Tell(event);
}

void Departures::TellCounts(const PortId& id, const Watch& watch) {
  auto counts = dependencies_.moves->ReadMove(id);
  if (!counts.ok()) return;
  counts->lost += watch.lost;
  dependencies_.reports->Tell(MoveReport{.port = id,
                                         .migration_id = watch.migration_id,
                                         .counts = *counts,
                                         .redirect_delay_us = watch.redirect_delay_us});
}

}  // namespace outrider::agent
