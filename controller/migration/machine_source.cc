// What hosts say of the guest and its frames around the switchover: that it pauses or comes back,
// what was sent after it, and that they let go of a port.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "controller/migration/step.h"

namespace outrider::controller {
namespace {

// Before the word of who told, in the detail of "redirected".
constexpr char kBy[] = "by ";

std::string KindOf(SourceEvent::Kind kind) {
  switch (kind) {
    case SourceEvent::Kind::kPaused:
      return "paused";
    case SourceEvent::Kind::kResumed:
      return "resumed";
    case SourceEvent::Kind::kRedirected:
      return "redirected";
  }
  return "";
}

std::string By(const std::string& trigger) { return trigger.empty() ? "" : kBy + trigger; }

// Puts the counts before what the event's detail says of who told.
std::string WithCounts(const v1::MoveCounters& counts, const std::string& detail) {
  const size_t by = detail.rfind(kBy);
  return fmt::format("{} frames replayed, {} redirected, {} lost{}", counts.replayed(),
                     counts.redirected(), counts.lost(),
                     by == std::string::npos ? "" : "; " + detail.substr(by));
}

// The port's newest event of the kind; null: none.
v1::MigrationEvent* Newest(v1::Migration* migration, const std::string& kind,
                           const std::string& port_id) {
  auto& timeline = *migration->mutable_timeline();
  for (auto event = timeline.rbegin(); event != timeline.rend(); ++event) {
    const bool it = event->kind() == kind && event->host() == migration->source() &&
                    event->port_id() == port_id;
    if (it) return &*event;
  }
  return nullptr;
}

// Counts only grow, so that reports may come twice and in any order. Returns whether `to` did.
bool Raise(const v1::MoveCounters& from, v1::MoveCounters* to) {
  v1::MoveCounters most;
  most.set_replayed(std::max(from.replayed(), to->replayed()));
  most.set_redirected(std::max(from.redirected(), to->redirected()));
  most.set_lost(std::max(from.lost(), to->lost()));
  most.set_arrived(std::max(from.arrived(), to->arrived()));
  most.set_refused(std::max(from.refused(), to->refused()));
  most.set_redirect_delay_us(std::max(from.redirect_delay_us(), to->redirect_delay_us()));
  most.set_connections(std::max(from.connections(), to->connections()));
  most.set_adopted(std::max(from.adopted(), to->adopted()));
  const bool grown = most.SerializeAsString() != to->SerializeAsString();
  *to = std::move(most);
  return grown;
}

}  // namespace

absl::Status Step::operator()(const DetachedEvent& input) {
  if (!Moves(input.port_id)) return absl::OkStatus();
  if (input.host == before_.source()) DetachedAtSource(input);
  if (input.host == before_.destination()) DetachedAtDestination(input);
  return absl::OkStatus();
}

void Step::DetachedAtSource(const DetachedEvent& input) {
  const std::string& port = input.port_id;
  // A source that lets go of a guest which the destination has a device for hands it over.
  const bool hands_over =
      Is(v1::MIGRATION_PHASE_ARMED) && HasEvent(before_, "attached", before_.destination(), port);
  if (Expecting() && !hands_over) {
    return AbortNow(fmt::format("port {} was detached at the source", port));
  }
  const bool news =
      hands_over || (Is(v1::MIGRATION_PHASE_SWITCHING) && !SourceLetGo(before_, port));
  if (news) {
    Record(input.time_us, input.host, "detached", port, input.evacuated ? kEvacuatedDetail : "");
  }
  if (hands_over) {
    Switch(input.time_us, input.host, "source detached the port", input.peers);
  } else if (news) {
    CommitWhenDone();
  }
}

void Step::DetachedAtDestination(const DetachedEvent& input) {
  if (Expecting()) {
    AbortNow(fmt::format("port {} was detached at the destination", input.port_id));
  } else if (Drains()) {
    // What is under way is for nobody.
    CommitNow();
  } else if (Is(v1::MIGRATION_PHASE_SWITCHING) && !GuestSeen()) {
    // Once the guest runs there, a NIC it loses is not the VM coming back.
    AbortNow(fmt::format("port {} was detached at the destination before the guest was seen there",
                         input.port_id));
  }
}

absl::Status Step::operator()(const SourceEvent& input) {
  const bool of_this_move = input.host == before_.source() && Moves(input.port_id) &&
                            input.migration_id == before_.meta().name();
  if (!of_this_move || (!Expecting() && !Is(v1::MIGRATION_PHASE_SWITCHING))) {
    return absl::OkStatus();
  }
  const std::string kind = KindOf(input.kind);
  const auto same = [&](const v1::MigrationEvent& event) {
    return event.kind() == kind && event.host() == input.host && event.port_id() == input.port_id;
  };
  const auto& timeline = before_.timeline();
  const bool known = std::any_of(timeline.begin(), timeline.end(), [&](const auto& event) {
    return same(event) && event.time_us() == input.time_us;
  });
  if (known) return absl::OkStatus();
  // A hypervisor that stops and starts its guest all the time fills no store; its last word counts.
  if (std::count_if(timeline.begin(), timeline.end(), same) >= kMaxSourceEvents) {
    v1::MigrationEvent* last = Newest(&next(), kind, input.port_id);
    if (last->time_us() > input.time_us) return absl::OkStatus();
    last->set_time_us(input.time_us);
    last->set_recorded_us(now_us_);
    outcome_.changed = true;
    return absl::OkStatus();
  }
  std::string detail = By(input.trigger);
  const auto counts = before_.source_counters().find(input.port_id);
  const bool counted =
      input.kind == SourceEvent::Kind::kRedirected && counts != before_.source_counters().end();
  if (counted) detail = WithCounts(counts->second, detail);
  Record(input.time_us, input.host, kind, input.port_id, detail);
  return absl::OkStatus();
}

// By the source's clock: its words may come twice, and later than newer ones.
bool Step::SaidToRunAtSource() const {
  int64_t paused_us = 0;
  int64_t resumed_us = 0;
  for (const v1::MigrationEvent& event : outcome_.next.timeline()) {
    if (event.host() != before_.source()) continue;
    if (event.kind() == "paused") paused_us = std::max(paused_us, event.time_us());
    if (event.kind() == "resumed") resumed_us = std::max(resumed_us, event.time_us());
  }
  return resumed_us > paused_us && !GuestSeen() && !SourceIsGone();
}

bool Step::SaidToPauseAtSource() const {
  int64_t paused_us = 0;
  int64_t resumed_us = 0;
  for (const v1::MigrationEvent& event : before_.timeline()) {
    if (event.host() != before_.source()) continue;
    const bool pauses = event.kind() == "paused" || event.kind() == "redirected";
    if (pauses) paused_us = std::max(paused_us, event.time_us());
    if (event.kind() == "resumed") resumed_us = std::max(resumed_us, event.time_us());
  }
  return paused_us > resumed_us;
}

// The last counts are made when the hosts have taken note of the end.
bool Step::TakesCounts() const {
  if (Expecting() || Is(v1::MIGRATION_PHASE_SWITCHING)) return true;
  const int64_t ended_us =
      std::max(RecordedAt(before_, "committed"), RecordedAt(before_, "aborted"));
  return now_us_ - ended_us < kFinalCountsUs;
}

absl::Status Step::operator()(const MoveCountsEvent& input) {
  const bool at_source = input.host == before_.source();
  if ((!at_source && input.host != before_.destination()) || !Moves(input.port_id) ||
      !TakesCounts()) {
    return absl::OkStatus();
  }
  auto& ports =
      at_source ? *next().mutable_source_counters() : *next().mutable_destination_counters();
  const bool first = !ports.contains(input.port_id);
  v1::MoveCounters& counts = ports[input.port_id];
  if (!Raise(input.counters, &counts) && !first) return absl::OkStatus();
  outcome_.changed = true;
  v1::MigrationEvent* redirected =
      at_source ? Newest(&next(), "redirected", input.port_id) : nullptr;
  if (redirected != nullptr) redirected->set_detail(WithCounts(counts, redirected->detail()));
  return absl::OkStatus();
}

}  // namespace outrider::controller
