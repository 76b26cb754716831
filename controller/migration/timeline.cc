#include "controller/migration/timeline.h"

#include <algorithm>
#include <vector>

#include "controller/migration/machine.h"

namespace outrider::controller {

void AddEvent(v1::Migration* migration, int64_t time_us, int64_t now_us, const std::string& host,
              const std::string& kind, const std::string& port_id, const std::string& detail) {
  v1::MigrationEvent* event = migration->add_timeline();
  event->set_time_us(time_us);
  event->set_recorded_us(now_us);
  event->set_host(host);
  event->set_kind(kind);
  event->set_port_id(port_id);
  event->set_detail(detail);
}

bool HasEvent(const v1::Migration& migration, const std::string& kind, const std::string& host,
              const std::string& port_id) {
  return std::any_of(migration.timeline().begin(), migration.timeline().end(),
                     [&](const v1::MigrationEvent& event) {
                       return event.kind() == kind && event.host() == host &&
                              (port_id.empty() || event.port_id() == port_id);
                     });
}

int64_t RecordedAt(const v1::Migration& migration, const std::string& kind) {
  int64_t at = 0;
  for (const v1::MigrationEvent& event : migration.timeline()) {
    if (event.kind() == kind) at = event.recorded_us();
  }
  return at;
}

void SummarizeConvergence(v1::Migration* migration) {
  const int64_t start = RecordedAt(*migration, "switchover");
  std::vector<int64_t> times;
  for (const v1::MigrationEvent& event : migration->timeline()) {
    if (event.kind() == "peer-converged") times.push_back(event.recorded_us() - start);
  }
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  const auto percentile = [&](size_t percent) {
    return times[(times.size() * percent + 99) / 100 - 1];
  };
  migration->set_converge_p50_us(percentile(50));
  migration->set_converge_p99_us(percentile(99));
  migration->set_converge_max_us(times.back());
}

bool HadDevice(const v1::Migration& migration, const std::string& host,
               const std::string& port_id) {
  if (!migration.source_epochs().contains(port_id)) return false;
  return host == migration.source() ||
         (host == migration.destination() && HasEvent(migration, "attached", host, port_id));
}

bool SourceLetGo(const v1::Migration& migration, const std::string& port_id) {
  return HasEvent(migration, "detached", migration.source(), port_id);
}

bool SourceWasEvacuated(const v1::Migration& migration, const std::string& port_id) {
  return std::any_of(migration.timeline().begin(), migration.timeline().end(),
                     [&](const auto& event) {
                       return event.kind() == "detached" && event.host() == migration.source() &&
                              event.port_id() == port_id && event.detail() == kEvacuatedDetail;
                     });
}

}  // namespace outrider::controller
