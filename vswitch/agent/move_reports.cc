#include "vswitch/agent/move_reports.h"

#include <algorithm>

namespace outrider::agent {
namespace {

// What `now` says more than `before`.
void AddGrowth(const MoveReport& before, const MoveReport& now, MoveTotals* totals) {
  const auto add = [](uint64_t from, uint64_t to, uint64_t* total) {
    *total += std::max(from, to) - from;
  };
  add(before.counts.replayed, now.counts.replayed, &totals->replayed);
  add(before.counts.redirected, now.counts.redirected, &totals->redirected);
  add(before.counts.lost, now.counts.lost, &totals->lost);
  add(before.counts.arrived, now.counts.arrived, &totals->arrived);
  add(before.counts.refused, now.counts.refused, &totals->refused);
  add(before.connections, now.connections, &totals->connections);
  add(before.adopted, now.adopted, &totals->adopted);
}

}  // namespace

MoveReports::Move& MoveReports::MoveOf(const PortId& id, const std::string& migration_id) {
  const int64_t now = clock_();
  std::erase_if(moves_, [now](const auto& entry) {
    return entry.second.ended_us && *entry.second.ended_us + kKeptUs < now;
  });
  return moves_[{id, migration_id}];
}

void MoveReports::Tell(const PortEvent& event) {
  std::vector<PortEvent>& events = MoveOf(event.port, event.migration_id).events;
  std::erase_if(events, [&](const PortEvent& told) { return told.kind == event.kind; });
  events.push_back(event);
  if (observer_ != nullptr) observer_->OnPortEvent(event);
}

void MoveReports::Tell(const MoveReport& report) {
  std::optional<MoveReport>& told = MoveOf(report.port, report.migration_id).report;
  AddGrowth(told.value_or(MoveReport{report.port, report.migration_id, {}}), report, &totals_);
  told = report;
  if (observer_ != nullptr) observer_->OnMoveReport(report);
}

void MoveReports::Tell(const ProbeReport& report) {
  MoveOf(report.port, report.migration_id).probe = report;
  Ended(report.port, report.migration_id);
  if (observer_ != nullptr) observer_->OnProbeReport(report);
}

void MoveReports::Mention(const PortEvent& event) {
  if (observer_ != nullptr) observer_->OnPortEvent(event);
}

void MoveReports::TellConnections(const PortId& id, const std::string& migration_id,
                                  uint64_t connections, uint64_t adopted) {
  const auto move = moves_.find({id, migration_id});
  if (move == moves_.end() || !move->second.report) return;
  MoveReport report = *move->second.report;
  if (report.connections == connections && report.adopted == adopted) return;
  report.connections = connections;
  report.adopted = adopted;
  Tell(report);
}

void MoveReports::Ended(const PortId& id, const std::string& migration_id) {
  MoveOf(id, migration_id).ended_us = clock_();
}

void MoveReports::Repeat() {
  if (observer_ == nullptr) return;
  for (const auto& [key, move] : moves_) {
    for (const PortEvent& event : move.events) observer_->OnPortEvent(event);
    if (move.report) observer_->OnMoveReport(*move.report);
    if (move.probe) observer_->OnProbeReport(*move.probe);
  }
}

}  // namespace outrider::agent
