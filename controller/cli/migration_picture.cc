#include "controller/cli/migration_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "controller/cli/duration.h"
#include "controller/cli/object_text.h"
#include "controller/cli/table.h"
#include "controller/text/yaml_schema.h"

namespace outrider::controller::cli {
namespace {

// Phases are shouted, as in the design's picture.
std::string PhaseWord(v1::MigrationPhase phase) {
  std::string word = Cell(Word(phase));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return word;
}

// Null when none of the kinds has happened.
const v1::MigrationEvent* FirstOf(const v1::Migration& migration,
                                  const std::vector<std::string>& kinds) {
  for (const v1::MigrationEvent& event : migration.timeline()) {
    if (std::find(kinds.begin(), kinds.end(), event.kind()) != kinds.end()) return &event;
  }
  return nullptr;
}

// Signed: a host's clock may be behind the one that wrote the first event.
std::string Offset(const v1::Migration& migration, int64_t time_us) {
  const int64_t start = migration.timeline_size() == 0 ? 0 : migration.timeline(0).time_us();
  return fmt::format("{:+.1f} ms", static_cast<double>(time_us - start) / 1000.0);
}

// Columns of the shortest arrow between two phases, " ---> ".
constexpr size_t kArrow = 6;

// Two lines: the phases reached so far joined by arrows, and when each began below its name.
std::string PhasesPart(const v1::Migration& migration) {
  struct Step {
    v1::MigrationPhase phase;
    std::vector<std::string> kinds;  // events that begin it
  };
  const std::vector<Step> steps = {
      {v1::MIGRATION_PHASE_PREPARING, {"intent"}},
      {v1::MIGRATION_PHASE_ARMED, {"armed"}},
      {v1::MIGRATION_PHASE_SWITCHING, {"switchover", "activated"}},
      {v1::MIGRATION_PHASE_COMMITTED, {"committed"}},
      {v1::MIGRATION_PHASE_ABORTED, {"aborted"}},
  };
  std::string names;
  std::string times;
  for (const Step& step : steps) {
    const v1::MigrationEvent* event = FirstOf(migration, step.kinds);
    if (event == nullptr) continue;
    if (!names.empty()) {
      // A time stands below its phase; the arrow grows where the time before is wider than its
      // name.
      const size_t column = std::max(names.size() + kArrow, times.size() + 2);
      names += " " + std::string(column - names.size() - 3, '-') + "> ";
      times.resize(column, ' ');
    }
    names += PhaseWord(step.phase);
    times += Offset(migration, event->time_us());
  }
  if (names.empty()) return "";
  return fmt::format("  {}\n  {}\n\n", names, times);
}

// A receipt proves the destination has the very same state in force: the digests must be equal.
std::string ReceiptText(const v1::Migration& migration, const std::string& port) {
  const auto receipt = migration.receipts().find(port);
  if (receipt == migration.receipts().end()) return "no receipt yet";
  const v1::PortReceipt& got = receipt->second;
  const auto expected = migration.expected_digests().find(port);
  const bool equal =
      expected != migration.expected_digests().end() && expected->second == got.digest();
  return fmt::format("receipt from {} at {}: profile \"{}\" revision {}, digest {}{}",
                     Cell(got.host()), Offset(migration, got.time_us()), Cell(got.profile()),
                     got.profile_revision(), ShortDigest(got.digest()),
                     equal ? " as expected" : " NOT AS EXPECTED");
}

std::string FramesText(uint64_t frames) {
  return fmt::format("{} frame{}", frames, frames == 1 ? "" : "s");
}

// What either host counted of the frames that came for the guest while it was on its way.
std::string CountersText(const v1::Migration& migration, const std::string& port) {
  std::string out;
  if (const auto at = migration.source_counters().find(port);
      at != migration.source_counters().end()) {
    const v1::MoveCounters& counts = at->second;
    out += fmt::format("    sent after the guest by {}: {} replayed, {} redirected, {} lost",
                       Cell(migration.source()), FramesText(counts.replayed()), counts.redirected(),
                       counts.lost());
    if (counts.redirect_delay_us() != 0) {
      out +=
          fmt::format("; redirected {} after its pause", FormatMillis(counts.redirect_delay_us()));
    }
    out += "\n";
  }
  if (const auto at = migration.destination_counters().find(port);
      at != migration.destination_counters().end()) {
    const v1::MoveCounters& counts = at->second;
    out +=
        fmt::format("    taken in by {}: {} arrived, {} refused\n", Cell(migration.destination()),
                    FramesText(counts.arrived()), counts.refused());
    if (counts.connections() + counts.adopted() != 0) {
      out += fmt::format("    connections: {} taken over from {}, {} adopted in mid-stream\n",
                         counts.connections(), Cell(migration.source()), counts.adopted());
    }
  }
  return out;
}

// What a third host saw of the port, end to end.
std::string ProbeText(const v1::Migration& migration, const std::string& port) {
  if (migration.probe_from().empty()) return "";
  const std::string line = fmt::format(
      "    probe from port {} on {}: ", Cell(migration.probe_from()), Cell(migration.probe_host()));
  const auto seen = migration.probes().find(port);
  if (seen == migration.probes().end()) return line + "under way\n";
  const v1::ProbeResult& result = seen->second;
  if (!result.failure().empty()) return line + "failed: " + Cell(result.failure()) + "\n";
  return line + fmt::format(
                    "{} sent, {} answered, {} lost, {} duplicated, {} reordered; longest gap {} "
                    "(usual {}), round trip {}\n",
                    result.sent(), result.answered(), result.lost(), result.duplicated(),
                    result.reordered(), FormatMillis(result.longest_gap_us()),
                    FormatMillis(result.usual_gap_us()), FormatMillis(result.round_trip_us()));
}

// The epoch after the move is the one before plus one: that is what hosts compare.
std::string PortsPart(const v1::Migration& migration) {
  std::string out = "Ports\n";
  for (const std::string& port : migration.port_ids()) {
    const auto epoch = migration.source_epochs().find(port);
    const uint64_t before = epoch == migration.source_epochs().end() ? 0 : epoch->second;
    out += fmt::format("  {}  epoch {} -> {}\n    {}\n", Cell(port), before, before + 1,
                       ReceiptText(migration, port));
    const auto first = migration.first_frame_us().find(port);
    if (first != migration.first_frame_us().end()) {
      out += fmt::format("    first frame of the guest at {}\n", Offset(migration, first->second));
    }
    out += CountersText(migration, port) + ProbeText(migration, port);
  }
  return out + "\n";
}

// Percentiles are there only once all have converged; before, who is missing matters.
std::string PeersPart(const v1::Migration& migration) {
  if (migration.peers().empty()) return "";
  const auto acknowledged = std::count_if(migration.peers().begin(), migration.peers().end(),
                                          [](const auto& peer) { return peer.second != 0; });
  std::string out =
      fmt::format("Peers: {} of {} converged", acknowledged, migration.peers().size());
  if (migration.converge_max_us() != 0) {
    out += fmt::format(
        ", p50 {}, p99 {}, max {} after the switchover", FormatMillis(migration.converge_p50_us()),
        FormatMillis(migration.converge_p99_us()), FormatMillis(migration.converge_max_us()));
  }
  out += "\n";
  const bool held =
      migration.phase() == v1::MIGRATION_PHASE_SWITCHING && migration.rerouted_us() == 0;
  if (held) out += fmt::format("  all others still send to {}\n", Cell(migration.source()));
  for (const auto& [host, generation] : Sorted(migration.peers())) {
    if (generation == 0) out += fmt::format("  waiting for {}\n", Cell(host));
  }
  return out + "\n";
}

}  // namespace

bool IsFinished(const v1::Migration& migration) {
  return migration.phase() == v1::MIGRATION_PHASE_COMMITTED ||
         migration.phase() == v1::MIGRATION_PHASE_ABORTED;
}

std::string MigrationHeadline(const v1::Migration& migration) {
  std::string line =
      fmt::format("migration \"{}\": {}, ", migration.meta().name(), PhaseWord(migration.phase()));
  if (!migration.vm_id().empty()) line += fmt::format("vm \"{}\", ", Cell(migration.vm_id()));
  line += fmt::format("{} -> {}", Cell(migration.source()), Cell(migration.destination()));
  if (!migration.reason().empty()) line += ": " + Cell(migration.reason());
  return line + "\n";
}

std::string TimelineLine(const v1::Migration& migration, const v1::MigrationEvent& event) {
  std::string line = fmt::format("{:>14}  {:<12}  {:<14}", Offset(migration, event.time_us()),
                                 Cell(event.host()), Cell(event.kind()));
  if (!event.port_id().empty()) line += "  " + Cell(event.port_id());
  if (!event.detail().empty()) line += "  " + Cell(event.detail());
  // The kind is padded for what follows it; nothing may.
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string MigrationPicture(const v1::Migration& migration) {
  std::string out = MigrationHeadline(migration) + "\n" + PhasesPart(migration) +
                    PortsPart(migration) + PeersPart(migration);
  if (migration.timeline_size() == 0) return out;
  out += fmt::format("Timeline, from {}\n", FormatTime(migration.timeline(0).time_us()));
  for (const v1::MigrationEvent& event : migration.timeline()) {
    out += TimelineLine(migration, event);
  }
  return out;
}

}  // namespace outrider::controller::cli
