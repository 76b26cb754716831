#include "vswitch/agent/agent_metrics.h"

#include <spdlog/spdlog.h>

#include <map>
#include <utility>

namespace outrider::agent {
namespace {

using state::PortPhase;

// Of the reconciler, at one moment.
struct HostCounts {
  ReconcilerStatus status;
  MoveTotals moves;
  std::map<PortPhase, size_t> ports = {{PortPhase::kBlocked, 0},
                                       {PortPhase::kArmed, 0},
                                       {PortPhase::kActive, 0},
                                       {PortPhase::kDeparted, 0}};
  size_t departures = 0;
  size_t arrivals = 0;
};

std::string PhaseWord(PortPhase phase) {
  switch (phase) {
    case PortPhase::kBlocked:
      return "blocked";
    case PortPhase::kArmed:
      return "armed";
    case PortPhase::kActive:
      return "active";
    case PortPhase::kDeparted:
      return "departed";
  }
  return "";
}

HostCounts CountsOf(const Reconciler& reconciler) {
  HostCounts counts;
  counts.status = reconciler.Status();
  counts.moves = reconciler.move_totals();
  counts.departures = reconciler.applied().departures.size();
  for (const auto& [id, port] : reconciler.applied().ports) {
    ++counts.ports[port.phase];
    if (port.arrival) ++counts.arrivals;
  }
  return counts;
}

void AddMoves(const MoveTotals& moves, MetricPage* page) {
  const auto add = [page](const std::string& what, const std::string& help, uint64_t count) {
    page->Counter("outrider_agent_" + what + "_total", help, static_cast<double>(count));
  };
  add("frames_replayed", "Frames that a paused guest had not received, sent after it.",
      moves.replayed);
  add("frames_redirected", "Frames that came for a guest that was leaving, sent after it.",
      moves.redirected);
  add("frames_lost", "Frames that could not be kept or sent after a guest.", moves.lost);
  add("frames_arrived", "Frames sent after a guest and put into its device's queue here.",
      moves.arrived);
  add("frames_refused", "Frames sent after a guest and refused here.", moves.refused);
  add("connections_taken_over", "Connections that came along with a port.", moves.connections);
  add("connections_adopted", "Connections that were lost on the way and found in mid-stream.",
      moves.adopted);
}

}  // namespace

MetricFamilies AgentMetrics::Collect() {
  MetricPage page;
  page.Gauge("outrider_agent_info", "Always 1; the version is the label.", 1,
             {{"version", dependencies_.version}});
  page.Gauge("outrider_agent_start_time_seconds", "When it started, since the Unix epoch.",
             MetricSeconds(static_cast<double>(dependencies_.started_us)));
  AddSession(&page);
  AddState(&page);
  AddCounters(&page);
  AddUnderlay(&page);
  return std::move(page).Take();
}

void AgentMetrics::AddSession(MetricPage* page) const {
  const SessionStatus session = dependencies_.session();
  page->Gauge("outrider_agent_controller_connected", "1: there is a session with the controller.",
              session.connected ? 1 : 0);
  const std::string name = "outrider_agent_sessions_total";
  const std::string help =
      "Sessions that have begun: it went on from what it held, or got a snapshot.";
  page->Counter(name, help, static_cast<double>(session.resumed), {{"begin", "resumed"}});
  page->Counter(name, help, static_cast<double>(session.snapshots), {{"begin", "snapshot"}});
  page->Gauge("outrider_agent_certificate_expiry_time_seconds",
              "When the host's certificate ends, since the Unix epoch.",
              MetricSeconds(static_cast<double>(dependencies_.certificate_expiry())));
}

void AgentMetrics::AddState(MetricPage* page) {
  const HostCounts counts = RunOn(dependencies_.reconciler_executor,
                                  [this] { return CountsOf(*dependencies_.reconciler); });
  page->Gauge("outrider_agent_generation", "Of the controller's state that the host follows.",
              static_cast<double>(counts.status.generation));
  page->Gauge("outrider_agent_failures", "Objects that could not be applied and are tried again.",
              static_cast<double>(counts.status.failures.size()));
  page->Counter("outrider_agent_objects_written_total", "Objects written to the datapath.",
                static_cast<double>(counts.status.objects_written));
  page->Counter("outrider_agent_objects_deleted_total", "Objects deleted from the datapath.",
                static_cast<double>(counts.status.objects_deleted));
  for (const auto& [phase, count] : counts.ports) {
    page->Gauge("outrider_agent_ports", "Ports in force, by phase.", static_cast<double>(count),
                {{"phase", PhaseWord(phase)}});
  }
  page->Gauge("outrider_agent_departures", "Ports that a migration takes from here now.",
              static_cast<double>(counts.departures));
  page->Gauge("outrider_agent_arrivals", "Ports that a migration brings here now.",
              static_cast<double>(counts.arrivals));
  AddMoves(counts.moves, page);
}

// Without them the rest is still worth something.
void AgentMetrics::AddCounters(MetricPage* page) {
  // In this order: what a port brings along is never told before it is known to be that.
  const auto ports = dependencies_.counters->ReadPorts();
  const auto carried = dependencies_.memory->CarriedDrops();
  const auto host = dependencies_.counters->ReadHostDrops();
  absl::Status status = ports.status();
  status.Update(carried.status());
  status.Update(host.status());
  if (!status.ok()) {
    const bool is_news = !unreadable_.exchange(true);
    if (is_news) spdlog::error("metrics: counters cannot be read: {}", Message(status));
    return;
  }
  unreadable_ = false;
  uint64_t connections = 0;
  for (const auto& [id, counters] : *ports) connections += counters.connections;
  page->Gauge("outrider_agent_connections", "Connections that stateful ports remember.",
              static_cast<double>(connections));
  for (const auto& [reason, count] : drops_.Update(*ports, *carried, *host)) {
    page->Counter("outrider_agent_drops_total",
                  "Frames that were dropped, by reason, of ports and of the host.",
                  static_cast<double>(count), {{"reason", reason}});
  }
}

void AgentMetrics::AddUnderlay(MetricPage* page) const {
  const auto counters = dependencies_.underlay->ReadUnderlay();
  if (!counters.ok()) return;
  for (const auto& [reason, count] : counters->detours) {
    page->Counter("outrider_agent_tunnel_device_frames_total",
                  "Frames that went to other hosts by the kernel's tunnel device, by why.",
                  static_cast<double>(count), {{"reason", reason}});
  }
  page->Counter("outrider_agent_flow_cache_hits_total",
                "Frames that went the way of others of their flow.",
                static_cast<double>(counters->cache_hits));
  page->Counter("outrider_agent_flow_cache_fills_total", "Ways of flows that were remembered.",
                static_cast<double>(counters->cache_fills));
}

}  // namespace outrider::agent
