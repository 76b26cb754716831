#include "controller/metrics/controller_metrics.h"

#include <algorithm>
#include <map>
#include <string>

namespace outrider::controller {
namespace {

// Of the model, at one moment.
struct ModelCounts {
  uint64_t revision = 0;
  size_t hosts = 0;
  size_t segments = 0;
  size_t profiles = 0;
  size_t ports = 0;
  size_t frozen = 0;
  std::map<v1::MigrationPhase, size_t> running = {{v1::MIGRATION_PHASE_PREPARING, 0},
                                                  {v1::MIGRATION_PHASE_ARMED, 0},
                                                  {v1::MIGRATION_PHASE_SWITCHING, 0}};
};

ModelCounts CountsOf(const Model& model) {
  ModelCounts counts;
  counts.revision = model.revision();
  counts.hosts = model.All<v1::Host>().size();
  counts.segments = model.All<v1::Segment>().size();
  counts.profiles = model.All<v1::Profile>().size();
  const auto& ports = model.All<v1::Port>();
  counts.ports = ports.size();
  counts.frozen = static_cast<size_t>(std::count_if(
      ports.begin(), ports.end(), [](const auto& port) { return port.second->frozen_us() != 0; }));
  for (const std::string& id : model.index().running_migrations.Get(Index::kAll)) {
    ++counts.running[model.Find<v1::Migration>(id)->phase()];
  }
  return counts;
}

std::string PhaseWord(v1::MigrationPhase phase) {
  if (phase == v1::MIGRATION_PHASE_PREPARING) return "preparing";
  return phase == v1::MIGRATION_PHASE_ARMED ? "armed" : "switching";
}

}  // namespace

MetricFamilies ControllerMetrics::Collect() const {
  MetricPage page;
  page.Gauge("outrider_controller_info", "Always 1; the version is the label.", 1,
             {{"version", OUTRIDER_VERSION}});
  page.Gauge("outrider_controller_start_time_seconds", "When it started, since the Unix epoch.",
             MetricSeconds(static_cast<double>(started_us_)));
  AddModel(&page);
  AddSessions(&page);
  migrations_.AddTo(&page);
  return std::move(page).Take();
}

void ControllerMetrics::AddModel(MetricPage* page) const {
  const ModelCounts counts = repository_->Read([](const Model& model) { return CountsOf(model); });
  const auto add = [page](const std::string& what, const std::string& help, double value) {
    page->Gauge("outrider_controller_" + what, help, value);
  };
  add("store_revision", "Revision of the last commit.", static_cast<double>(counts.revision));
  add("hosts", "Hosts that are enrolled or invited.", static_cast<double>(counts.hosts));
  add("segments", "Segments.", static_cast<double>(counts.segments));
  add("profiles", "Profiles in force.", static_cast<double>(counts.profiles));
  add("ports", "Ports, on a host or on none.", static_cast<double>(counts.ports));
  add("ports_frozen", "Ports that hosts have fought for, until they are thawed.",
      static_cast<double>(counts.frozen));
  for (const auto& [phase, count] : counts.running) {
    page->Gauge("outrider_controller_migrations_running", "Migrations under way, by phase.",
                static_cast<double>(count), {{"phase", PhaseWord(phase)}});
  }
}

void ControllerMetrics::AddSessions(MetricPage* page) const {
  const SessionStats stats = hub_->stats();
  page->Gauge("outrider_controller_hosts_connected", "Hosts with a session.", stats.connected);
  const std::string name = "outrider_controller_sessions_total";
  const std::string help =
      "Sessions that have begun: the host went on from what it held, or got a snapshot.";
  page->Counter(name, help, static_cast<double>(stats.resumed), {{"begin", "resumed"}});
  page->Counter(name, help, static_cast<double>(stats.snapshots), {{"begin", "snapshot"}});
}

}  // namespace outrider::controller
