#include "controller/compute/compute.h"

#include "proto/digest.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

class ComputeTest : public testing::Test {
 protected:
  // Segment red on h1, h2; segment blue on h3.
  ComputeTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeSegment("blue", 200), MakeProfile("web", "red"),
           MakeProfile("db", "blue"), MakeHost("h1", 1), MakeHost("h2", 2), MakeHost("h3", 3),
           MakePort(1, "web", "h1"), MakePort(2, "web", "h2", 4), MakePort(3, "db", "h3"));
  }
  v1::HostState State(const std::string& host) const { return ComputeHostState(model_, host); }
  static std::vector<std::string> Vteps(const v1::HostState& state, int segment = 0) {
    const auto& vteps = state.segments(segment).vteps();
    return {vteps.begin(), vteps.end()};
  }
  void Migrate(v1::MigrationPhase phase, int64_t rerouted_us = 0) {
    v1::Migration migration = MakeMigration("m1", {1}, "h1", "h3", phase);
    migration.set_rerouted_us(rerouted_us);
    (*migration.mutable_labels())[PortId(1)] = 7;
    PutAll(&model_, migration);
  }
  void MovePort1To(const std::string& host, uint64_t epoch) {
    PutAll(&model_, MakePort(1, "web", host, epoch));
  }
  using Strings = std::vector<std::string>;

  Model model_;
};

TEST_F(ComputeTest, HostKnowsItsSegmentsOnly) {
  EXPECT_TRUE(Equal(State("h1"), Parse<v1::HostState>(fmt::format(
                                     R"(
    segments {{ vni: 100 mtu: 1450 suppress_arp: true suppress_nd: true vteps: "10.0.2.1" }}
    fdb {{ vni: 100 mac: "{mac1}" port_id: "{id1}" epoch: 1 }}
    fdb {{ vni: 100 mac: "{mac2}" vtep: "10.0.2.1" epoch: 4 }}
    neighbors {{ vni: 100 ip: "192.168.0.2" mac: "{mac1}" }}
    neighbors {{ vni: 100 ip: "192.168.0.3" mac: "{mac2}" }}
    ports {{ id: "{id1}" mac: "{mac1}" vni: 100 profile: "web" profile_revision: 1
             mac_anti_spoof: true dhcp_server_guard: true ra_guard: true phase: PORT_PHASE_ACTIVE epoch: 1 }})",
                                     fmt::arg("mac1", Mac(1)), fmt::arg("mac2", Mac(2)),
                                     fmt::arg("id1", PortId(1))))))
      << State("h1").DebugString();
}

TEST_F(ComputeTest, UnknownHostKnowsNothing) { EXPECT_TRUE(Equal(State("h9"), v1::HostState())); }

// Each pair of hosts speaks the family both have; who has none in common with a host is not in its
// state.
TEST_F(ComputeTest, EndPointsAreOfTheFamilyInCommon) {
  v1::Host both = MakeHost("h1", 1);
  both.add_vteps("fd00::1");
  v1::Host v6 = MakeHost("h2", 2);
  v6.set_vteps(0, "fd00::2");
  PutAll(&model_, both, v6, MakePort(4, "web", "h3"));
  EXPECT_EQ(Vteps(State("h1")), (Strings{"10.0.3.1", "fd00::2"}));
  EXPECT_EQ(Vteps(State("h2")), (Strings{"fd00::1"}));
  const v1::HostState of_v6 = State("h2");
  for (const v1::FdbEntry& entry : of_v6.fdb()) {
    EXPECT_NE(entry.mac(), Mac(4)) << "behind a host out of reach";
    if (entry.mac() == Mac(1)) {
      EXPECT_EQ(entry.vtep(), "fd00::1");
    }
  }
}

TEST_F(ComputeTest, GatewaysAreEndPointsWithStations) {
  v1::Gateway gateway = MakeGateway("gw", "10.9.0.1", {"red"});
  gateway.add_stations()->set_segment("red");
  gateway.mutable_stations(0)->set_mac(Mac(9));
  gateway.mutable_stations(0)->add_ips("192.168.0.99");
  PutAll(&model_, gateway);
  const v1::HostState state = State("h1");
  EXPECT_EQ(Vteps(state), (Strings{"10.0.2.1", "10.9.0.1"}));
  ASSERT_EQ(state.fdb_size(), 3);
  EXPECT_EQ(state.fdb(2).vtep(), "10.9.0.1");
  EXPECT_EQ(state.fdb(2).epoch(), 0u);
  EXPECT_EQ(state.neighbors_size(), 3);
}

TEST_F(ComputeTest, PortWithoutProfileIsBlockedAndUnknownElsewhere) {
  PutAll(&model_, MakePort(1, "", "h1"));
  const v1::HostState own = State("h1");
  ASSERT_EQ(own.ports_size(), 1);
  EXPECT_EQ(own.ports(0).phase(), v1::PORT_PHASE_BLOCKED);
  EXPECT_EQ(own.ports(0).vni(), 0u);
  EXPECT_TRUE(own.segments().empty());
  EXPECT_EQ(State("h2").fdb_size(), 1);
  EXPECT_TRUE(Vteps(State("h2")).empty());
}

TEST_F(ComputeTest, NeighborsAreOfBothFamilies) {
  v1::Port port = MakePort(1, "web", "h1");
  port.add_ips("2001:db8::1");
  PutAll(&model_, port);
  const v1::HostState state = State("h2");
  ASSERT_EQ(state.neighbors_size(), 3);
  EXPECT_EQ(state.neighbors(2).ip(), "2001:db8::1");
  EXPECT_EQ(state.neighbors(2).mac(), Mac(1));
}

// An answer in a router's place would say that it is none.
TEST_F(ComputeTest, RoutersAnswerForTheirIpv6AddressesThemselves) {
  v1::Port port = MakePort(1, "web", "h1");
  port.add_ips("2001:db8::1");
  v1::Gateway gateway = MakeGateway("gw", "10.9.0.1", {"red"});
  gateway.add_stations()->set_segment("red");
  gateway.mutable_stations(0)->set_mac(Mac(9));
  gateway.mutable_stations(0)->add_ips("2001:db8::9");
  PutAll(&model_, port, gateway);
  EXPECT_EQ(State("h2").neighbors_size(), 3) << "two of IPv4, and the port's";
  v1::Profile router = *model_.Find<v1::Profile>("web");
  router.mutable_security()->set_ra_guard(v1::SecuritySection::GUARD_OFF);
  const Change change = Apply(&model_, router);
  EXPECT_EQ(State("h2").neighbors_size(), 2);
  EXPECT_TRUE(AffectedHosts(model_, change).contains("h2"));
}

TEST_F(ComputeTest, ADerivedMtuFollowsTheHostsOfTheSegment) {
  const auto mtu_at = [this](const std::string& host) { return State(host).segments(0).mtu(); };
  v1::Segment segment = *model_.Find<v1::Segment>("red");
  segment.clear_mtu();
  v1::Host small = *model_.Find<v1::Host>("h2");
  small.set_underlay_mtu(1400);
  PutAll(&model_, segment);
  EXPECT_EQ(mtu_at("h1"), 1450u);
  const Change change = Apply(&model_, small);
  EXPECT_EQ(mtu_at("h1"), 1350u) << "what its peer carries";
  EXPECT_EQ(mtu_at("h2"), 1350u);
  EXPECT_TRUE(AffectedHosts(model_, change).contains("h1"));
}

TEST_F(ComputeTest, DestinationHasTheExpectedPortArmed) {
  Migrate(v1::MIGRATION_PHASE_PREPARING);
  const v1::HostState state = State("h3");
  ASSERT_EQ(state.ports_size(), 2);
  const v1::PortState& expected = state.ports(0);
  EXPECT_EQ(expected.id(), PortId(1));
  EXPECT_EQ(expected.phase(), v1::PORT_PHASE_ARMED);
  EXPECT_EQ(expected.epoch(), 2u);
  EXPECT_TRUE(expected.report_first_frame());
  EXPECT_EQ(expected.migration_id(), "m1");
  ASSERT_EQ(state.segments_size(), 2);
  EXPECT_EQ(state.segments(0).vni(), 100u);
  EXPECT_EQ(Vteps(state), (Strings{"10.0.1.1", "10.0.2.1"}));
  EXPECT_EQ(state.fdb(0).vtep(), "10.0.1.1") << "the source still has it";
  EXPECT_EQ(Vteps(State("h2")), (Strings{"10.0.1.1", "10.0.3.1"}));
  const v1::PortState source = State("h1").ports(0);
  EXPECT_EQ(source.phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_FALSE(source.report_first_frame());
  EXPECT_EQ(source.migration_id(), "");
}

TEST_F(ComputeTest, SwitchingMovesThePort) {
  MovePort1To("h3", 2);
  Migrate(v1::MIGRATION_PHASE_SWITCHING);
  const v1::PortState port = State("h3").ports(0);
  EXPECT_EQ(port.phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(port.epoch(), 2u);
  EXPECT_TRUE(port.report_first_frame());
  EXPECT_EQ(State("h3").fdb(0).port_id(), PortId(1));
  // The others go on to the source, which sends it after the guest.
  EXPECT_EQ(State("h2").fdb(0).vtep(), "10.0.1.1");
  EXPECT_EQ(State("h2").fdb(0).epoch(), 1u);
  EXPECT_EQ(Vteps(State("h2")), (Strings{"10.0.1.1", "10.0.3.1"}));
  Migrate(v1::MIGRATION_PHASE_SWITCHING, 1);
  EXPECT_EQ(State("h2").fdb(0).vtep(), "10.0.3.1");
  EXPECT_EQ(State("h2").fdb(0).epoch(), 2u);
  EXPECT_EQ(Vteps(State("h2")), Strings{"10.0.3.1"}) << "copies have one way";
  EXPECT_EQ(Vteps(State("h3")), (Strings{"10.0.1.1", "10.0.2.1"})) << "what it sends comes in";
  Migrate(v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(Vteps(State("h3")), Strings{"10.0.2.1"});
  EXPECT_FALSE(State("h3").ports(0).report_first_frame());
  EXPECT_EQ(State("h3").ports(0).migration_id(), "");
  EXPECT_TRUE(Equal(State("h1"), v1::HostState()));
}

// It keeps all it needs to send after the guest, also after the others were rerouted.
TEST_F(ComputeTest, TheSourceKeepsAPortThatDepartedUntilTheMoveIsOver) {
  MovePort1To("h3", 2);
  for (const int64_t rerouted_us : {0, 1}) {
    Migrate(v1::MIGRATION_PHASE_SWITCHING, rerouted_us);
    EXPECT_TRUE(Equal(State("h1"), Parse<v1::HostState>(fmt::format(
                                       R"(
    segments {{ vni: 100 mtu: 1450 suppress_arp: true suppress_nd: true
                vteps: "10.0.2.1" vteps: "10.0.3.1" }}
    fdb {{ vni: 100 mac: "{mac1}" port_id: "{id1}" epoch: 1 }}
    fdb {{ vni: 100 mac: "{mac2}" vtep: "10.0.2.1" epoch: 4 }}
    neighbors {{ vni: 100 ip: "192.168.0.2" mac: "{mac1}" }}
    neighbors {{ vni: 100 ip: "192.168.0.3" mac: "{mac2}" }}
    ports {{ id: "{id1}" mac: "{mac1}" vni: 100 profile: "web" profile_revision: 1
             mac_anti_spoof: true dhcp_server_guard: true ra_guard: true
             phase: PORT_PHASE_DEPARTED epoch: 1 }}
    departures {{ port_id: "{id1}" migration_id: "m1" vtep: "10.0.3.1" epoch: 2 label: 7
                  host: "h3" }})",
                                       fmt::arg("mac1", Mac(1)), fmt::arg("mac2", Mac(2)),
                                       fmt::arg("id1", PortId(1))))))
        << State("h1").DebugString();
  }
}

TEST_F(ComputeTest, TheDestinationKnowsWhereAPortComesFromUntilTheMoveIsOver) {
  const auto arrival = Parse<v1::PortState::Arrival>("vtep: '10.0.1.1' label: 7 host: 'h1'");
  for (const auto phase : {v1::MIGRATION_PHASE_PREPARING, v1::MIGRATION_PHASE_ARMED}) {
    Migrate(phase);
    EXPECT_TRUE(Equal(State("h3").ports(0).arrival(), arrival));
  }
  EXPECT_FALSE(State("h1").ports(0).has_arrival());
  v1::Host source = *model_.Find<v1::Host>("h1");
  source.set_vteps(0, "10.0.1.9");
  EXPECT_TRUE(AffectedHosts(model_, Apply(&model_, source)).contains("h3"));
  EXPECT_EQ(State("h3").ports(0).arrival().vtep(), "10.0.1.9");
  MovePort1To("h3", 2);
  Migrate(v1::MIGRATION_PHASE_SWITCHING);
  EXPECT_TRUE(State("h3").ports(0).has_arrival());
  Migrate(v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_FALSE(State("h3").ports(0).has_arrival());
}

// Its agent brings connections and counters there.
TEST_F(ComputeTest, TheSourceKnowsWhereTheDestinationsAgentListens) {
  Migrate(v1::MIGRATION_PHASE_ARMED);
  v1::Host destination = *model_.Find<v1::Host>("h3");
  destination.set_peer_port(7444);
  EXPECT_EQ(AffectedHosts(model_, Apply(&model_, destination)), std::set<std::string>{"h1"});
  EXPECT_EQ(State("h1").departures(0).peer(), "10.0.3.1:7444");
  v1::Host source = *model_.Find<v1::Host>("h1");
  source.set_vteps(0, "fd00::1");
  destination.set_vteps(0, "fd00::3");
  PutAll(&model_, source, destination);
  EXPECT_EQ(State("h1").departures(0).peer(), "[fd00::3]:7444");
}

// It tells the destination when the guest pauses; before ARMED nobody there could open the port.
TEST_F(ComputeTest, TheSourceKnowsWhereAPortGoesOnceItIsArmed) {
  Migrate(v1::MIGRATION_PHASE_PREPARING);
  EXPECT_EQ(State("h1").departures_size(), 0);
  Migrate(v1::MIGRATION_PHASE_ARMED);
  const v1::HostState source = State("h1");
  ASSERT_EQ(source.departures_size(), 1);
  EXPECT_EQ(source.departures(0).migration_id(), "m1");
  EXPECT_EQ(source.departures(0).epoch(), 2u);
  EXPECT_EQ(source.departures(0).vtep(), "10.0.3.1");
  EXPECT_EQ(State("h2").departures_size(), 0);
  EXPECT_EQ(State("h3").departures_size(), 0);
  v1::Host destination = *model_.Find<v1::Host>("h3");
  destination.set_vteps(0, "10.0.3.9");
  const Change change = Apply(&model_, destination);
  EXPECT_TRUE(AffectedHosts(model_, change).contains("h1"));
  EXPECT_EQ(State("h1").departures(0).vtep(), "10.0.3.9");
  Migrate(v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(State("h1").departures_size(), 0);
}

TEST_F(ComputeTest, ExpectedDigestIsThatOfEveryHostsPort) {
  ProfileCompiler compiler;
  const auto digest = ExpectedPortDigest(model_, PortId(1), &compiler);
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(*digest, v1::PortDigest(State("h1").ports(0)));
  Migrate(v1::MIGRATION_PHASE_ARMED);
  EXPECT_EQ(*digest, v1::PortDigest(State("h3").ports(0)));
  PutAll(&model_, MakePort(5, ""));
  EXPECT_EQ(ExpectedPortDigest(model_, PortId(5), &compiler).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(ComputeTest, ChangesStayInTheirSegment) {
  const auto port = MakePut(model_, std::make_shared<const v1::Port>(MakePort(1, "web", "h1", 9)));
  EXPECT_EQ(AffectedHosts(model_, port), (std::set<std::string>{"h1", "h2"}));
  const auto segment =
      MakePut(model_, std::make_shared<const v1::Segment>(MakeSegment("blue", 200, 1400)));
  EXPECT_EQ(AffectedHosts(model_, segment), (std::set<std::string>{"h3"}));
}

TEST_F(ComputeTest, ReportsOfHostsAffectNobody) {
  v1::Host host = MakeHost("h1", 1);
  host.set_applied_generation(7);
  EXPECT_TRUE(
      AffectedHosts(model_, MakePut(model_, std::make_shared<const v1::Host>(host))).empty());
  v1::Port port = MakePort(1, "web", "h1");
  port.set_phase(v1::PORT_PHASE_ACTIVE);
  port.mutable_receipt()->set_digest("d");
  EXPECT_TRUE(
      AffectedHosts(model_, MakePut(model_, std::make_shared<const v1::Port>(port))).empty());
}

// Port 1 moves from h1 to h3, and port 2 on h2 looks on.
class ProbeComputeTest : public ComputeTest {
 protected:
  std::set<std::string> Probe(v1::MigrationPhase phase, const std::string& id = "m1",
                              bool seen = false) {
    v1::Migration migration = MakeMigration(id, {1}, "h1", "h3", phase);
    migration.set_probe_from(PortId(2));
    migration.set_probe_host("h2");
    if (seen) (*migration.mutable_probes())[PortId(1)].set_failure("nothing was said");
    return AffectedHosts(model_, Apply(&model_, migration));
  }
  std::string ProbeIp() const {
    const v1::HostState state = State("h2");
    return state.probes_size() == 1 ? state.probes(0).ip() : "none";
  }
};

TEST_F(ProbeComputeTest, TheHostOfThePortThatAsksKnowsWhomUntilThereIsAResult) {
  for (const auto phase : {v1::MIGRATION_PHASE_PREPARING, v1::MIGRATION_PHASE_ARMED,
                           v1::MIGRATION_PHASE_SWITCHING, v1::MIGRATION_PHASE_COMMITTED}) {
    Probe(phase);
    const v1::HostState state = State("h2");
    ASSERT_EQ(state.probes_size(), 1);
    EXPECT_TRUE(Equal(state.probes(0), Parse<v1::MoveProbe>(fmt::format(
                                           R"(port_id: "{}" migration_id: "m1" from_port_id: "{}"
        from_ip: "192.168.0.3" mac: "{}" ip: "192.168.0.2" rate_pps: 200)",
                                           PortId(1), PortId(2), Mac(1)))))
        << state.DebugString();
    EXPECT_EQ(State("h1").probes_size(), 0);
    EXPECT_EQ(State("h3").probes_size(), 0);
  }
  EXPECT_EQ(Probe(v1::MIGRATION_PHASE_COMMITTED, "m1", true), std::set<std::string>{"h2"});
  EXPECT_EQ(ProbeIp(), "none");
}

TEST_F(ProbeComputeTest, AddressesAreOfOneFamily) {
  Probe(v1::MIGRATION_PHASE_ARMED);
  v1::Port moving = MakePort(1, "web", "h1");
  moving.set_ips(0, "2001:db8::1");
  PutAll(&model_, moving);
  EXPECT_EQ(ProbeIp(), "none");
  v1::Port asks = MakePort(2, "web", "h2", 4);
  asks.add_ips("2001:db8::2");
  EXPECT_TRUE(AffectedHosts(model_, Apply(&model_, asks)).contains("h2"));
  EXPECT_EQ(ProbeIp(), "2001:db8::1");
}

TEST_F(ProbeComputeTest, ItIsForThatHostAndThatSegmentOnly) {
  Probe(v1::MIGRATION_PHASE_ARMED);
  PutAll(&model_, MakePort(2, "web", "h3", 5));
  EXPECT_EQ(ProbeIp(), "none") << "it has moved itself";
  EXPECT_EQ(State("h3").probes_size(), 0);
  PutAll(&model_, MakePort(2, "db", "h2", 6));
  EXPECT_EQ(ProbeIp(), "none");
  PutAll(&model_, MakePort(2, "web", "h2", 7));
  EXPECT_EQ(ProbeIp(), "192.168.0.2");
}

TEST_F(ProbeComputeTest, OfTwoMigrationsThatWhichRunsCounts) {
  for (const char* running : {"m1", "m2"}) {
    Probe(v1::MIGRATION_PHASE_COMMITTED, "m1");
    Probe(v1::MIGRATION_PHASE_COMMITTED, "m2");
    EXPECT_TRUE(Probe(v1::MIGRATION_PHASE_PREPARING, running).contains("h2"));
    EXPECT_EQ(State("h2").probes(0).migration_id(), running);
  }
}

}  // namespace
}  // namespace outrider::controller
