// What Prometheus is told of a host.
#include "vswitch/agent/agent_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/running_agent.h"
#include "tests/fakes/fake_port_memory.h"

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Counters that cannot be read.
class BrokenCounters final : public datapath::DatapathCounters {
 public:
  absl::StatusOr<std::map<PortId, datapath::PortCounters>> ReadPorts() override {
    return absl::UnavailableError("no map");
  }
  absl::StatusOr<std::map<std::string, uint64_t>> ReadHostDrops() override {
    return absl::UnavailableError("no map");
  }
};

class Underlay final : public datapath::UnderlayPath {
 public:
  void RefreshUnderlay(const std::optional<sys::NextHop>&) override {}
  void RenewUnderlay() override {}
  absl::StatusOr<datapath::UnderlayCounters> ReadUnderlay() override {
    return datapath::UnderlayCounters{
        .detours = {{"not_ip", 5}, {"stale", 0}}, .cache_hits = 100, .cache_fills = 2};
  }
};

class AgentMetricsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(agent_.started.ok()) << agent_.started; }
  AgentMetrics Metrics(datapath::DatapathCounters* counters) {
    return AgentMetrics({.reconciler_executor = &agent_.loop,
                         .reconciler = agent_.reconciler.get(),
                         .counters = counters,
                         .memory = &memory_,
                         .underlay = &underlay_,
                         .session =
                             [] {
                               return SessionStatus{
                                   .connected = true, .detail = "", .resumed = 2, .snapshots = 1};
                             },
                         .certificate_expiry = [] { return int64_t{1'800'000'000'000'000}; },
                         .version = "1.2.3",
                         .started_us = 1'700'000'000'250'000});
  }

  RunningAgent agent_;
  datapath::FakePortMemory memory_;
  Underlay underlay_;
};

TEST_F(AgentMetricsTest, AHostWithAPortThatArrivesAndOneThatLeaves) {
  state::HostState state = SampleState(state::PortPhase::kArmed, 2);
  state::Port& arriving = state.ports.at(MakePortId(1));
  arriving.migration_id = "m-1";
  arriving.arrival = {.vtep = *IpAddress::Parse("192.0.2.1"), .label = 5, .host = "h2"};
  state.ports[MakePortId(2)] = SamplePort(2, state::PortPhase::kActive, 1);
  state.departures[MakePortId(2)] = {"m-2", *IpAddress::Parse("192.0.2.2"), Epoch{2}};
  state.departures[MakePortId(2)].label = 6;
  ASSERT_TRUE(agent_.Snapshot(4, state).ok());
  RunOn(&agent_.loop, [this] { agent_.reconciler->Attach(MakePortId(2), SampleAttachment(2)); });
  datapath::PortCounters counters;
  counters.drops = {{"acl_ingress", 103}};
  counters.connections = 7;
  agent_.datapath.SetCounters(MakePortId(2), counters);
  datapath::PortCounters before;
  before.drops = {{"acl_ingress", 100}};
  memory_.AddPort(MakePortId(2));
  ASSERT_TRUE(memory_.SetCounterBase(MakePortId(2), before).ok());
  EXPECT_EQ(MetricText(Metrics(&agent_.datapath).Collect()),
            R"(# HELP outrider_agent_info Always 1; the version is the label.
# TYPE outrider_agent_info gauge
outrider_agent_info{version="1.2.3"} 1
# HELP outrider_agent_start_time_seconds When it started, since the Unix epoch.
# TYPE outrider_agent_start_time_seconds gauge
outrider_agent_start_time_seconds 1700000000.25
# HELP outrider_agent_controller_connected 1: there is a session with the controller.
# TYPE outrider_agent_controller_connected gauge
outrider_agent_controller_connected 1
# HELP outrider_agent_sessions_total Sessions that have begun: it went on from what it held, or got a snapshot.
# TYPE outrider_agent_sessions_total counter
outrider_agent_sessions_total{begin="resumed"} 2
outrider_agent_sessions_total{begin="snapshot"} 1
# HELP outrider_agent_certificate_expiry_time_seconds When the host's certificate ends, since the Unix epoch.
# TYPE outrider_agent_certificate_expiry_time_seconds gauge
outrider_agent_certificate_expiry_time_seconds 1800000000
# HELP outrider_agent_generation Of the controller's state that the host follows.
# TYPE outrider_agent_generation gauge
outrider_agent_generation 4
# HELP outrider_agent_failures Objects that could not be applied and are tried again.
# TYPE outrider_agent_failures gauge
outrider_agent_failures 0
# HELP outrider_agent_objects_written_total Objects written to the datapath.
# TYPE outrider_agent_objects_written_total counter
outrider_agent_objects_written_total 6
# HELP outrider_agent_objects_deleted_total Objects deleted from the datapath.
# TYPE outrider_agent_objects_deleted_total counter
outrider_agent_objects_deleted_total 0
# HELP outrider_agent_ports Ports in force, by phase.
# TYPE outrider_agent_ports gauge
outrider_agent_ports{phase="blocked"} 0
outrider_agent_ports{phase="armed"} 1
outrider_agent_ports{phase="active"} 1
outrider_agent_ports{phase="departed"} 0
# HELP outrider_agent_departures Ports that a migration takes from here now.
# TYPE outrider_agent_departures gauge
outrider_agent_departures 1
# HELP outrider_agent_arrivals Ports that a migration brings here now.
# TYPE outrider_agent_arrivals gauge
outrider_agent_arrivals 1
# HELP outrider_agent_frames_replayed_total Frames that a paused guest had not received, sent after it.
# TYPE outrider_agent_frames_replayed_total counter
outrider_agent_frames_replayed_total 0
# HELP outrider_agent_frames_redirected_total Frames that came for a guest that was leaving, sent after it.
# TYPE outrider_agent_frames_redirected_total counter
outrider_agent_frames_redirected_total 0
# HELP outrider_agent_frames_lost_total Frames that could not be kept or sent after a guest.
# TYPE outrider_agent_frames_lost_total counter
outrider_agent_frames_lost_total 0
# HELP outrider_agent_frames_arrived_total Frames sent after a guest and put into its device's queue here.
# TYPE outrider_agent_frames_arrived_total counter
outrider_agent_frames_arrived_total 0
# HELP outrider_agent_frames_refused_total Frames sent after a guest and refused here.
# TYPE outrider_agent_frames_refused_total counter
outrider_agent_frames_refused_total 0
# HELP outrider_agent_connections_taken_over_total Connections that came along with a port.
# TYPE outrider_agent_connections_taken_over_total counter
outrider_agent_connections_taken_over_total 0
# HELP outrider_agent_connections_adopted_total Connections that were lost on the way and found in mid-stream.
# TYPE outrider_agent_connections_adopted_total counter
outrider_agent_connections_adopted_total 0
# HELP outrider_agent_connections Connections that stateful ports remember.
# TYPE outrider_agent_connections gauge
outrider_agent_connections 7
# HELP outrider_agent_drops_total Frames that were dropped, by reason, of ports and of the host.
# TYPE outrider_agent_drops_total counter
outrider_agent_drops_total{reason="acl_ingress"} 3
# HELP outrider_agent_tunnel_device_frames_total Frames that went to other hosts by the kernel's tunnel device, by why.
# TYPE outrider_agent_tunnel_device_frames_total counter
outrider_agent_tunnel_device_frames_total{reason="not_ip"} 5
outrider_agent_tunnel_device_frames_total{reason="stale"} 0
# HELP outrider_agent_flow_cache_hits_total Frames that went the way of others of their flow.
# TYPE outrider_agent_flow_cache_hits_total counter
outrider_agent_flow_cache_hits_total 100
# HELP outrider_agent_flow_cache_fills_total Ways of flows that were remembered.
# TYPE outrider_agent_flow_cache_fills_total counter
outrider_agent_flow_cache_fills_total 2
)");
}

TEST_F(AgentMetricsTest, CountersThatCannotBeReadAreLeftOut) {
  BrokenCounters counters;
  const std::string text = MetricText(Metrics(&counters).Collect());
  EXPECT_THAT(text, HasSubstr("outrider_agent_controller_connected 1\n"));
  EXPECT_THAT(text, HasSubstr("outrider_agent_ports{phase=\"active\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("drops")));
}

}  // namespace
}  // namespace outrider::agent
