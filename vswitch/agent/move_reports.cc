#include "vswitch/agent/move_reports.h"

namespace outrider::agent {

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
  MoveOf(report.port, report.migration_id).report = report;
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
