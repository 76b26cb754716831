#include "vswitch/datapath/ebpf/move_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/datapath/ebpf/move_record.h"

namespace outrider::datapath::ebpf {
namespace {

bool IsRedirected(const abi::or_move& move) {
  return move.mode == abi::OR_MOVE_QUEUED || move.mode == abi::OR_MOVE_STRAIGHT;
}

absl::StatusOr<bool> HasDeparture(const DatapathMaps& maps, uint32_t index) {
  const auto info = maps.departure_info.Lookup(index);
  if (absl::IsNotFound(info.status())) return false;
  RETURN_IF_ERROR(info.status());
  return true;
}

absl::StatusOr<bool> HasArrival(const DatapathMaps& maps, uint32_t index) {
  ASSIGN_OR_RETURN(const auto arrivals, maps.arrivals.Dump());
  return std::any_of(arrivals.begin(), arrivals.end(),
                     [index](const auto& row) { return row.second == index; });
}

}  // namespace

absl::StatusOr<DeliveredFrames> ReadDelivered(const DatapathMaps& maps, const PortId& id) {
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(maps, id));
  ASSIGN_OR_RETURN(const bool departs, HasDeparture(maps, index));
  if (!departs) {
    return absl::NotFoundError(fmt::format("port {}: has no departure", id.ToString()));
  }
  ASSIGN_OR_RETURN(const abi::or_move move, maps.moves.Lookup(index));
  DeliveredFrames frames;
  // What is redirected, or waits, was not handed to the device.
  const bool held = IsRedirected(move) || move.mode == abi::OR_MOVE_RETURNING;
  frames.total = held ? move.redirected_from : move.next;
  auto record = MoveRecord::Open(maps, index);
  // Not watched: there is no way to the destination.
  if (absl::IsNotFound(record.status())) return frames;
  RETURN_IF_ERROR(record.status());
  while (const auto frame = record->Next(move.place)) {
    if (frame->head.sequence >= frames.total) break;
    if ((frame->head.flags & OR_RECORDED_ASIDE) != 0) continue;
    // Overwritten while it was looked at, and so were those before.
    if (!frames.kept.empty() && frames.kept.back().sequence + 1 != frame->head.sequence) {
      frames.kept.clear();
    }
    frames.kept.push_back({.sequence = frame->head.sequence,
                           .boot_ns = frame->head.boot_ns,
                           .length = frame->head.length,
                           .destination = record->DestinationOf(*frame)});
  }
  return frames;
}

absl::StatusOr<MoveCounts> ReadMoveCounts(const DatapathMaps& maps, const PortId& id) {
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(maps, id));
  ASSIGN_OR_RETURN(const bool departs, HasDeparture(maps, index));
  ASSIGN_OR_RETURN(const bool arrives, HasArrival(maps, index));
  if (!departs && !arrives) {
    return absl::NotFoundError(
        fmt::format("port {}: has neither a departure nor an arrival", id.ToString()));
  }
  ASSIGN_OR_RETURN(const abi::or_move move, maps.moves.Lookup(index));
  ASSIGN_OR_RETURN(const abi::or_move_counts counts, maps.move_counts.LookupSum(index));
  return MoveCounts{.mode = IsRedirected(move) ? MoveMode::kRedirected : MoveMode::kWatched,
                    .replayed = counts.replayed,
                    .redirected = counts.redirected,
                    .lost = counts.lost,
                    .arrived = counts.arrived,
                    .refused = counts.refused};
}

}  // namespace outrider::datapath::ebpf
