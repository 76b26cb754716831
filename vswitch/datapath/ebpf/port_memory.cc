#include "vswitch/datapath/ebpf/port_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "vswitch/datapath/ebpf/absent_row.h"
#include "vswitch/datapath/ebpf/bucket_level.h"
#include "vswitch/datapath/ebpf/connection_record.h"
#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"
#include "vswitch/datapath/ebpf/policy_codec.h"
#include "vswitch/sys/bpf/program_run.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr uint32_t kGroupRevision = 0;

absl::StatusOr<RecordFrame> FrameOf(const DatapathMaps& maps, const abi::or_port& port) {
  RecordFrame frame{.now_ns = MonotonicNs(), .revision = 0};
  if ((port.flags & OR_PORT_NAMES_GROUPS) == 0) return frame;
  ASSIGN_OR_RETURN(const uint64_t changes, maps.group_revision.Lookup(kGroupRevision));
  frame.revision = changes * OR_REVISION_STEP;
  return frame;
}

void Refuse(uint64_t count, const std::string& reason, ImportResult* result) {
  if (count == 0) return;
  result->refused += count;
  result->reason = reason;
}

// At most OR_IMPORT_ROWS; the program's verdict.
absl::StatusOr<uint32_t> RunImport(const ProgramSet& programs, uint32_t index,
                                   const std::vector<abi::or_connection_row>& rows,
                                   uint32_t flags) {
  sys::Bytes input(OR_IMPORT_OFFSET + rows.size() * sizeof(abi::or_connection_row));
  std::memcpy(input.data() + OR_IMPORT_OFFSET, rows.data(),
              rows.size() * sizeof(abi::or_connection_row));
  return sys::RunProgram(
      programs.Descriptor(Program::kImportConnections),
      {.mark = index, .cb0 = static_cast<uint32_t>(rows.size()) | flags, .frame = input});
}

absl::Status Import(const ProgramSet& programs, uint32_t index,
                    const std::vector<abi::or_connection_row>& rows, ImportResult* result) {
  ASSIGN_OR_RETURN(const uint32_t verdict, RunImport(programs, index, rows, 0));
  result->taken += OR_IMPORT_TAKEN(verdict);
  Refuse(OR_IMPORT_SHARE_FULL(verdict), "the port holds all the connections it may", result);
  Refuse(OR_IMPORT_TABLE_FULL(verdict), "the host's table of connections has no room", result);
  return absl::OkStatus();
}

struct PortLimits {
  uint32_t index = 0;
  abi::or_port port{};
  abi::or_limits limits{};
};

absl::StatusOr<PortLimits> LimitsOf(const DatapathMaps& maps, const PortId& id) {
  PortLimits found;
  ASSIGN_OR_RETURN(found.index, FindPortIndex(maps, id));
  ASSIGN_OR_RETURN(found.port, maps.ports.Lookup(found.index));
  if (found.port.limits != 0) {
    ASSIGN_OR_RETURN(found.limits, maps.limits.Lookup(found.port.limits));
  }
  return found;
}

}  // namespace

absl::StatusOr<std::vector<ConnectionRecord>> ExportConnections(const DatapathMaps& maps,
                                                                const PortId& id) {
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(maps, id));
  ASSIGN_OR_RETURN(const abi::or_port port, maps.ports.Lookup(index));
  ASSIGN_OR_RETURN(const RecordFrame frame, FrameOf(maps, port));
  std::vector<ConnectionRecord> records;
  const auto held = maps.connection_counts.Lookup(index);
  const bool may_have_none = port.phase != abi::OR_PORT_ARMED && held.ok() && *held == 0;
  if ((port.flags & OR_PORT_STATEFUL) == 0 || may_have_none) return records;
  RETURN_IF_ERROR(maps.connections.Visit(
      [&](const abi::or_connection_key& key, const abi::or_connection& entry) {
        if (key.port != index) return;
        if (auto record = ToRecord(key, entry, frame)) records.push_back(*std::move(record));
      }));
  // Entries go with their port, or when it waits for its guest to come back: what is missing then
  // has not ended.
  ASSIGN_OR_RETURN(const uint32_t index_now, FindPortIndex(maps, id));
  ASSIGN_OR_RETURN(const abi::or_port port_now, maps.ports.Lookup(index));
  const bool all = index_now == index && port_now.phase != abi::OR_PORT_ARMED &&
                   maps.connection_counts.Lookup(index).ok();
  if (all) return records;
  return absl::NotFoundError(
      fmt::format("port \"{}\": went while its connections were read", id.ToString()));
}

absl::StatusOr<ImportResult> ImportConnections(const DatapathMaps& maps, const ProgramSet& programs,
                                               const PortId& id,
                                               const std::vector<ConnectionRecord>& records) {
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(maps, id));
  ASSIGN_OR_RETURN(const abi::or_port port, maps.ports.Lookup(index));
  ASSIGN_OR_RETURN(const RecordFrame frame, FrameOf(maps, port));
  ImportResult result;
  if ((port.flags & OR_PORT_STATEFUL) == 0) {
    Refuse(records.size(), "the port keeps no connections", &result);
    return result;
  }
  std::vector<abi::or_connection_row> rows;
  for (const ConnectionRecord& record : records) {
    const auto row = FromRecord(record, frame);
    if (!row.ok()) {
      Refuse(1, Message(row.status()), &result);
      continue;
    }
    rows.push_back(*row);
    if (rows.size() < OR_IMPORT_ROWS) continue;
    RETURN_IF_ERROR(Import(programs, index, rows, &result));
    rows.clear();
  }
  if (!rows.empty()) RETURN_IF_ERROR(Import(programs, index, rows, &result));
  return result;
}

absl::StatusOr<uint64_t> EndConnections(const DatapathMaps& maps, const ProgramSet& programs,
                                        const PortId& id, const std::vector<std::string>& keys) {
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(maps, id));
  uint64_t ended = 0;
  std::vector<abi::or_connection_row> rows;
  for (const std::string& text : keys) {
    const auto key = KeyFromRecord(text);
    // Another host's word that makes no sense is of no connection.
    if (key.ok()) rows.push_back({.key = *key, .entry = {}});
    const bool full = rows.size() == OR_IMPORT_ROWS;
    if (rows.empty() || (!full && &text != &keys.back())) continue;
    ASSIGN_OR_RETURN(const uint32_t verdict, RunImport(programs, index, rows, OR_IMPORT_ENDED));
    ended += OR_IMPORT_TAKEN(verdict);
    rows.clear();
  }
  return ended;
}

absl::StatusOr<std::vector<BucketLevel>> ExportLevels(const DatapathMaps& maps, const PortId& id) {
  ASSIGN_OR_RETURN(const PortLimits port, LimitsOf(maps, id));
  std::vector<BucketLevel> levels;
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    if (!IsLimited(port.limits.of[kind])) continue;
    ASSIGN_OR_RETURN(const abi::or_policer buckets,
                     maps.policers.Lookup(OR_POLICER(port.index, kind)));
    levels.push_back(LevelOf(kind, port.limits.of[kind], buckets, MonotonicNs()));
  }
  return levels;
}

absl::Status ImportLevels(const DatapathMaps& maps, const PortId& id,
                          const std::vector<BucketLevel>& levels) {
  ASSIGN_OR_RETURN(const PortLimits port, LimitsOf(maps, id));
  if (port.port.phase != abi::OR_PORT_ARMED) return absl::OkStatus();
  for (const BucketLevel& level : levels) {
    if (level.kind >= abi::OR_LIMIT_KINDS || !IsLimited(port.limits.of[level.kind])) continue;
    RETURN_IF_ERROR(
        maps.policers.Update(OR_POLICER(port.index, level.kind),
                             FilledTo(level, port.limits.of[level.kind], MonotonicNs())));
  }
  return absl::OkStatus();
}

absl::Status AllowAdoption(const DatapathMaps& maps, const PortId& id, uint64_t duration_ns) {
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(maps, id));
  if (duration_ns == 0) return OkIfAbsent(maps.adoptions.Delete(index));
  ASSIGN_OR_RETURN(const abi::or_port port, maps.ports.Lookup(index));
  // Of a port that waits for its guest the programs know first when it has come.
  const bool waits = port.phase != abi::OR_PORT_ACTIVE;
  return maps.adoptions.Update(index,
                               {.duration_ns = duration_ns, .begun_ns = waits ? 0 : MonotonicNs()});
}

}  // namespace outrider::datapath::ebpf
