// What this host tells the controller of moves: that a guest paused, that it runs here again, that
// its frames are sent after it, and how many were; and what it saw of others. Owns what was told
// last of each move, until a while after it has ended: a session that begins then hears it, too;
// and the sums of all moves.
// Knows no wire.
//
// Thread rule: the reconciler's thread; the observer is called on it and must not block.
#ifndef OUTRIDER_VSWITCH_AGENT_MOVE_REPORTS_H_
#define OUTRIDER_VSWITCH_AGENT_MOVE_REPORTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vswitch/agent/port_reports.h"

namespace outrider::agent {

// Of all moves since the start of the process, as far as they were reported.
struct MoveTotals {
  uint64_t replayed = 0;
  uint64_t redirected = 0;
  uint64_t lost = 0;
  uint64_t arrived = 0;
  uint64_t refused = 0;
  uint64_t connections = 0;
  uint64_t adopted = 0;
  bool operator==(const MoveTotals&) const = default;
};

class MoveReports {
 public:
  // Of an ended move; the controller takes a late report for a minute.
  static constexpr int64_t kKeptUs = 120'000'000;

  explicit MoveReports(WallClock clock) : clock_(std::move(clock)) {}
  void SetObserver(ReportObserver* observer) { observer_ = observer; }

  // Of a kind with a migration_id.
  void Tell(const PortEvent& event);
  void Tell(const MoveReport& report);
  // Of a probe that is over; with it the migration has ended for this host.
  void Tell(const ProbeReport& report);
  // What counts now or never: a session that begins later does not hear it.
  void Mention(const PortEvent& event);
  // Tells these counts with the rest of what was told of that move, if they are news; nothing
  // before it was told of.
  void TellConnections(const PortId& id, const std::string& migration_id, uint64_t connections,
                       uint64_t adopted);
  // The migration has ended for this host.
  void Ended(const PortId& id, const std::string& migration_id);
  // Tells the newest of each kind anew, in the order in which they were told.
  void Repeat();
  const MoveTotals& totals() const { return totals_; }

 private:
  struct Move {
    // One of a kind.
    std::vector<PortEvent> events;
    std::optional<MoveReport> report;
    std::optional<ProbeReport> probe;
    std::optional<int64_t> ended_us;
  };
  // Without those that ended long ago.
  Move& MoveOf(const PortId& id, const std::string& migration_id);

  const WallClock clock_;
  ReportObserver* observer_ = nullptr;
  std::map<std::pair<PortId, std::string>, Move> moves_;
  MoveTotals totals_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MOVE_REPORTS_H_
