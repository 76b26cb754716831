#include "tests/fakes/fake_moves.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider::datapath {
namespace {

bool HasWay(const state::Departure& departure) {
  return departure.vtep.has_value() && departure.label != 0;
}

absl::Status NoDeparture(const PortId& id) {
  return absl::NotFoundError(fmt::format("port {}: has no departure", id.ToString()));
}

}  // namespace

void FakeMoves::Refresh(const PortId& id, const state::Port* port,
                        const state::Departure* departure) {
  RefreshSource(id, port, departure);
  RefreshDestination(id, port);
  returned_.erase(id);
}

void FakeMoves::RefreshSource(const PortId& id, const state::Port* port,
                              const state::Departure* departure) {
  if (port == nullptr || departure == nullptr) {
    sources_.erase(id);
    return;
  }
  // Another migration watches anew.
  const auto found = sources_.find(id);
  if (found != sources_.end() && found->second.departure.migration_id != departure->migration_id) {
    sources_.erase(found);
  }
  Source& source = sources_[id];
  const bool departed = port->phase == state::PortPhase::kDeparted;
  const bool came_back = source.phase == state::PortPhase::kDeparted && !departed;
  source.departure = *departure;
  source.phase = port->phase;
  if (came_back) source.counts.mode = MoveMode::kWatched;
  if (departed && HasWay(*departure)) source.counts.mode = MoveMode::kRedirected;
}

void FakeMoves::RefreshDestination(const PortId& id, const state::Port* port) {
  if (port == nullptr || !port->arrival) {
    destinations_.erase(id);
    return;
  }
  const auto found = destinations_.find(id);
  if (found != destinations_.end() && found->second.arrival == *port->arrival) return;
  destinations_[id] = {.arrival = *port->arrival, .counts = {}};
}

absl::StatusOr<DeliveredFrames> FakeMoves::Delivered(const PortId& id) const {
  const auto found = sources_.find(id);
  if (found == sources_.end()) return NoDeparture(id);
  return DeliveredFrames{.total = found->second.total,
                         .kept = {found->second.kept.begin(), found->second.kept.end()}};
}

absl::Status FakeMoves::Redirect(const PortId& id, std::optional<uint64_t> first) {
  const auto found = sources_.find(id);
  if (found == sources_.end()) return NoDeparture(id);
  Source& source = found->second;
  if (!HasWay(source.departure)) {
    return absl::FailedPreconditionError(
        fmt::format("port {}: its departure has no VTEP or no label", id.ToString()));
  }
  returned_.erase(id);
  if (source.counts.mode == MoveMode::kRedirected) return absl::OkStatus();
  source.counts.mode = MoveMode::kRedirected;
  source.next = std::max(source.next, source.total);
  const uint64_t from = first.value_or(source.total);
  const uint64_t oldest = source.total - source.kept.size();
  if (from < oldest) source.counts.lost += oldest - from;
  for (const DeliveredFrame& frame : source.kept) {
    if (frame.sequence < from) continue;
    source.sent.push_back(frame.sequence);
    ++source.counts.replayed;
  }
  return absl::OkStatus();
}

absl::Status FakeMoves::TakeBack(const PortId& id) {
  const auto found = sources_.find(id);
  if (found == sources_.end()) return NoDeparture(id);
  if (found->second.phase != state::PortPhase::kDeparted) {
    found->second.counts.mode = MoveMode::kWatched;
  }
  return absl::OkStatus();
}

absl::StatusOr<MoveCounts> FakeMoves::ReadMove(const PortId& id) const {
  const auto source = sources_.find(id);
  const auto destination = destinations_.find(id);
  if (source == sources_.end() && destination == destinations_.end()) {
    return absl::NotFoundError(
        fmt::format("port {}: has neither a departure nor an arrival", id.ToString()));
  }
  MoveCounts counts = source == sources_.end() ? MoveCounts{} : source->second.counts;
  if (destination != destinations_.end()) {
    counts.arrived = destination->second.counts.arrived;
    counts.refused = destination->second.counts.refused;
  }
  return counts;
}

FrameFate FakeMoves::Deliver(const PortId& id, uint64_t boot_ns, const MacAddress& destination) {
  const auto found = sources_.find(id);
  if (found == sources_.end()) return FrameFate::kDelivered;
  Source& source = found->second;
  if (source.counts.mode == MoveMode::kRedirected) {
    source.sent.push_back(source.next++);
    ++source.counts.redirected;
    return FrameFate::kRedirected;
  }
  if (source.phase == state::PortPhase::kDeparted) return FrameFate::kDropped;
  if (!HasWay(source.departure)) return FrameFate::kDelivered;
  source.kept.push_back({.sequence = source.total++,
                         .boot_ns = boot_ns,
                         .length = kFrameLength,
                         .destination = destination});
  if (source.kept.size() > kKept) source.kept.pop_front();
  return FrameFate::kDelivered;
}

bool FakeMoves::GuestSends(const PortId& id, int64_t time_us) {
  const auto found = sources_.find(id);
  if (found == sources_.end() || found->second.counts.mode != MoveMode::kRedirected ||
      found->second.phase != state::PortPhase::kActive) {
    return false;
  }
  found->second.counts.mode = MoveMode::kWatched;
  returned_[id] = time_us;
  return true;
}

std::optional<PortId> FakeMoves::Arrive(const IpAddress& source, uint16_t label) {
  for (auto& [id, destination] : destinations_) {
    if (destination.arrival.vtep != source || destination.arrival.label != label) continue;
    ++destination.counts.arrived;
    return id;
  }
  return std::nullopt;
}

void FakeMoves::SetPeerCounts(const PortId& id, uint64_t arrived, uint64_t refused) {
  const auto found = destinations_.find(id);
  if (found == destinations_.end()) return;
  found->second.counts.arrived = arrived;
  found->second.counts.refused = refused;
}

std::vector<uint64_t> FakeMoves::Sent(const PortId& id) const {
  const auto found = sources_.find(id);
  return found == sources_.end() ? std::vector<uint64_t>() : found->second.sent;
}

}  // namespace outrider::datapath
