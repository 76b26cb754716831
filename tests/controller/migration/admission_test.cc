#include "controller/migration/admission.h"

#include <set>

#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeProfile("web", "red"), MakeHost("h1", 1),
           MakeHost("h2", 2), MakeHost("h3", 3), VmPort(1, "h1"), VmPort(2, "h1"),
           MakePort(3, "web", "h1"));
  }
  static v1::Port VmPort(int n, const std::string& host) {
    v1::Port port = MakePort(n, "web", host, 5);
    port.set_vm_id("vm1");
    return port;
  }
  absl::StatusOr<v1::Migration> Try(const std::string& request) {
    return Admit(model_, Parse<v1::PrepareMigrationRequest>(request), "m1", 1000, &compiler_);
  }
  void ExpectRefused(const std::string& request, StatusCode code, const std::string& message) {
    const absl::Status status = Try(request).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(Message(status), message);
  }
  static constexpr char kVm[] = "vm_id: 'vm1' destination: 'h2'";

  Model model_;
  ProfileCompiler compiler_;
};

TEST_F(AdmissionTest, AllPortsOfTheVmMove) {
  const auto migration = Try("port_id: '" + PortId(2) + "' destination: 'h2' lease_s: 30");
  ASSERT_TRUE(migration.ok()) << migration.status();
  EXPECT_EQ(migration->vm_id(), "vm1");
  EXPECT_EQ(migration->source(), "h1");
  EXPECT_EQ(migration->port_ids_size(), 2);
  EXPECT_EQ(migration->source_epochs().at(PortId(1)), 5u);
  EXPECT_EQ(migration->expected_digests().at(PortId(1)).size(), 64u);
  EXPECT_EQ(migration->phase(), v1::MIGRATION_PHASE_PREPARING);
  EXPECT_EQ(migration->lease_expires_us(), 1000 + 30'000'000);
  EXPECT_EQ(migration->timeline(0).kind(), "intent");
  EXPECT_EQ(migration->timeline(1).kind(), "admitted");
}

TEST_F(AdmissionTest, PortWithoutVmMovesAlone) {
  const auto migration = Try("port_id: '" + PortId(3) + "' destination: 'h2'");
  ASSERT_TRUE(migration.ok()) << migration.status();
  EXPECT_EQ(migration->port_ids_size(), 1);
  EXPECT_EQ(migration->lease_expires_us(), 1000 + 600'000'000);
}

// Wherever the search begins: it ends at those that are left.
TEST_F(AdmissionTest, LabelsThatMovesToTheDestinationHaveAreNotGivenAgain) {
  v1::Migration other = MakeMigration("m0", {3}, "h1", "h2", v1::MIGRATION_PHASE_SWITCHING);
  for (uint32_t label = 1; label <= 65535; ++label) {
    if (label != 777 && label != 65535) (*other.mutable_labels())[std::to_string(label)] = label;
  }
  PutAll(&model_, other);
  const auto migration = Try(kVm);
  ASSERT_TRUE(migration.ok()) << migration.status();
  const std::set<uint32_t> labels{migration->labels().at(PortId(1)),
                                  migration->labels().at(PortId(2))};
  EXPECT_EQ(labels, (std::set<uint32_t>{777, 65535}));
  (*other.mutable_labels())["777"] = 777;
  PutAll(&model_, other);
  EXPECT_EQ(Try(kVm)->labels_size(), 1) << "the other moves without";
  other.set_destination("h3");
  PutAll(&model_, other);
  EXPECT_EQ(Try(kVm)->labels_size(), 2) << "moves to other hosts have theirs";
}

TEST_F(AdmissionTest, MalformedRequests) {
  ExpectRefused("destination: 'h2'", StatusCode::kInvalidArgument,
                "give exactly one of vm_id and port_id");
  ExpectRefused("vm_id: 'vm1' port_id: 'p' destination: 'h2'", StatusCode::kInvalidArgument,
                "give exactly one of vm_id and port_id");
  ExpectRefused("vm_id: 'vm1'", StatusCode::kInvalidArgument,
                "destination is missing; name a host");
  ExpectRefused("vm_id: 'vm1' destination: 'h2' lease_s: 86401", StatusCode::kInvalidArgument,
                "lease_s 86401 is not in 1..86400");
  ExpectRefused("vm_id: 'vm2' destination: 'h2'", StatusCode::kNotFound,
                "VM \"vm2\" has no ports; attach them with its vm_id, or name a port");
  ExpectRefused("port_id: 'x' destination: 'h2'", StatusCode::kNotFound,
                "port \"x\" does not exist");
}

TEST_F(AdmissionTest, Destinations) {
  ExpectRefused("vm_id: 'vm1' destination: 'h9'", StatusCode::kNotFound,
                "host \"h9\" does not exist; enrol it with \"outrider host enroll h9\"");
  ExpectRefused("vm_id: 'vm1' destination: 'h1'", StatusCode::kFailedPrecondition,
                "the ports are on host \"h1\" already");
  v1::Host host = MakeHost("h2", 2);
  host.set_state(v1::Host::STATE_ENROLLED);
  PutAll(&model_, host);
  ExpectRefused(kVm, StatusCode::kFailedPrecondition,
                "host \"h2\" is not connected; start its agent");
  host = MakeHost("h2", 2);
  host.clear_vteps();
  PutAll(&model_, host);
  ExpectRefused(kVm, StatusCode::kFailedPrecondition,
                "host \"h2\" has no tunnel end point; start its agent with --vtep");
  host = MakeHost("h2", 2);
  host.set_underlay_mtu(1400);
  PutAll(&model_, host);
  ExpectRefused(
      kVm, StatusCode::kFailedPrecondition,
      "host \"h2\": underlay MTU 1400 cannot carry segment \"red\": its mtu 1450 needs 1500; "
      "raise the underlay MTU or lower the segment's mtu to 1350");
}

TEST_F(AdmissionTest, Ports) {
  PutAll(&model_, VmPort(2, "h3"));
  ExpectRefused(kVm, StatusCode::kFailedPrecondition,
                "port \"" + PortId(1) + "\" is on host \"h1\" but port \"" + PortId(2) +
                    "\" of the same VM on host \"h3\"; detach the one that is not the VM's");
  PutAll(&model_, VmPort(2, ""));
  ExpectRefused(kVm, StatusCode::kFailedPrecondition,
                "port \"" + PortId(2) + "\" is on no host; attach it first");
  v1::Port bare = VmPort(2, "h1");
  bare.clear_profile();
  PutAll(&model_, bare);
  ExpectRefused(kVm, StatusCode::kFailedPrecondition,
                "port \"" + PortId(2) +
                    "\" has no profile in force; give it one by `outrider port set " + PortId(2) +
                    " --profile NAME`");
}

TEST_F(AdmissionTest, SecondMigrationOfTheSameVmNamesTheFirst) {
  PutAll(&model_, *Try(kVm));
  ExpectRefused(
      "vm_id: 'vm1' destination: 'h3'", StatusCode::kFailedPrecondition,
      "port \"" + PortId(1) +
          "\" is being moved by migration \"m1\" to host \"h2\"; wait for it or abort it");
}

TEST_F(AdmissionTest, DuplicateMacIsRefused) {
  v1::Port twin = MakePort(9, "web", "h2");
  twin.set_mac(Mac(1));
  PutAll(&model_, twin);
  ExpectRefused(kVm, StatusCode::kFailedPrecondition,
                "mac " + Mac(1) + " of port \"" + PortId(1) + "\" is also that of port \"" +
                    PortId(9) + "\" in segment \"red\"");
}

TEST_F(AdmissionTest, PeersAreTheConnectedHostsOfTheSegments) {
  PutAll(&model_, MakeHost("h4", 4), MakePort(4, "web", "h3"), *Try(kVm));
  v1::Host lost = MakeHost("h3", 3);
  lost.set_state(v1::Host::STATE_ENROLLED);
  PutAll(&model_, lost);
  EXPECT_EQ(ConnectedPeers(model_, *model_.Find<v1::Migration>("m1")), (Peers{"h1", "h2"}));
}

// Port 4 on h3 is in the segment of the ports that move, port 5 beside it is not.
class ProbeAdmissionTest : public AdmissionTest {
 protected:
  ProbeAdmissionTest() {
    PutAll(&model_, MakeSegment("blue", 200), MakeProfile("db", "blue"), MakePort(4, "web", "h3"),
           MakePort(5, "db", "h3"));
  }
  static std::string From(const std::string& port) {
    return std::string(kVm) + " probe_from: '" + port + "'";
  }
  void ExpectNoProbe(int port, StatusCode code, const std::string& message) {
    ExpectRefused(From(PortId(port)), code, "probe from port \"" + PortId(port) + "\": " + message);
  }
};

TEST_F(ProbeAdmissionTest, ThePortAndItsHostAreInTheRecord) {
  const auto migration = Try(From(PortId(4)));
  ASSERT_TRUE(migration.ok()) << migration.status();
  EXPECT_EQ(migration->probe_from(), PortId(4));
  EXPECT_EQ(migration->probe_host(), "h3");
  EXPECT_TRUE(migration->probes().empty());
  EXPECT_TRUE(IsProbed(*migration, PortId(1)));
  EXPECT_TRUE(IsProbing(*migration));
  EXPECT_FALSE(IsProbing(*Try(kVm)));
}

TEST_F(ProbeAdmissionTest, AMovingPortThatCannotBeAskedHasItsReasonAtOnce) {
  v1::Port elsewhere = VmPort(2, "h1");
  elsewhere.set_profile("db");
  PutAll(&model_, elsewhere);
  const auto migration = Try(From(PortId(4)));
  ASSERT_TRUE(migration.ok()) << migration.status();
  EXPECT_FALSE(IsProbed(*migration, PortId(2)));
  EXPECT_TRUE(IsProbed(*migration, PortId(1)));
  const v1::ProbeResult& result = migration->probes().at(PortId(2));
  EXPECT_EQ(result.host(), "h3");
  EXPECT_EQ(result.failure(),
            "it has no address of a family and in a segment in which the other has one");
}

TEST_F(ProbeAdmissionTest, PortsThatSeeNothingOfTheMove) {
  ExpectNoProbe(9, StatusCode::kNotFound, "it does not exist; see: outrider port list");
  ExpectNoProbe(1, StatusCode::kInvalidArgument, "it moves itself; name a port of a third host");
  ExpectNoProbe(3, StatusCode::kFailedPrecondition,
                "it is on host \"h1\", a side of the move; name a port of a third host");
  PutAll(&model_, MakePort(4, "web", "h2"));
  ExpectNoProbe(4, StatusCode::kFailedPrecondition,
                "it is on host \"h2\", a side of the move; name a port of a third host");
  PutAll(&model_, MakePort(4, "web"));
  ExpectNoProbe(4, StatusCode::kFailedPrecondition, "it is on no host; attach it first");
  ExpectRefused(From(PortId(5)), StatusCode::kFailedPrecondition,
                "probe from port \"" + PortId(5) +
                    "\": it and the moving ports have no addresses of one family in one segment; "
                    "give them some by `outrider port set " +
                    PortId(5) + " --ip ADDRESS`");
}

TEST_F(ProbeAdmissionTest, ItMustForwardAndStay) {
  v1::Host host = MakeHost("h3", 3);
  host.set_state(v1::Host::STATE_ENROLLED);
  PutAll(&model_, host);
  ExpectNoProbe(4, StatusCode::kFailedPrecondition,
                "its host \"h3\" is not connected; start its agent");
  PutAll(&model_, MakeHost("h3", 3), MakePort(4, "", "h3"));
  ExpectRefused(From(PortId(4)), StatusCode::kFailedPrecondition,
                "probe: port \"" + PortId(4) +
                    "\" has no profile in force; give it one by `outrider port set " + PortId(4) +
                    " --profile NAME`");
  PutAll(&model_, MakePort(4, "web", "h3"),
         MakeMigration("m0", {4}, "h3", "h2", v1::MIGRATION_PHASE_ARMED));
  ExpectNoProbe(4, StatusCode::kFailedPrecondition,
                "it is being moved by migration \"m0\"; wait for it or name another");
}

}  // namespace
}  // namespace outrider::controller
