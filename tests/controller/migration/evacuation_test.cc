// Hosts that have failed: when they may be evacuated, and what becomes of ports and migrations.
#include "tests/controller/migration/driver_fixture.h"

namespace outrider::controller {
namespace {

class EvacuationTest : public DriverFixture {
 protected:
  EvacuationTest() {
    clock_.AdvanceUs(1);  // since the controller's start
    Hear("h1");
    Hear("h2");
  }

  // `host` is not heard of any more.
  void Fail(const std::string& host) {
    Hear(host);
    SetConnected(host, false);
    clock_.AdvanceUs(kAbsenceUs);
  }
  std::string Refused(const std::string& host) {
    const uint64_t commits = store_.commits();
    const absl::Status status = driver_->Evacuate(host, false).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(store_.commits(), commits);
    return Message(status);
  }
  Evacuation MustEvacuate(const std::string& host) {
    const uint64_t commits = store_.commits();
    const auto done = driver_->Evacuate(host, false);
    EXPECT_TRUE(done.ok()) << done.status();
    EXPECT_EQ(store_.commits(), commits + 1) << "all or nothing";
    return done.value_or(Evacuation());
  }
  // A claim by `host`, with a device of port n, once that is on no host.
  absl::Status Bind(const std::string& host, int n, bool claim) {
    v1::PortAttachment attachment = Attachment(n);
    attachment.set_vm_id("vm1");
    attachment.set_claim(claim);
    return BindPort(repository_.get(), host, attachment).status();
  }
  std::string Armed() {
    const std::string id = MustPrepare("h2");
    SendReceipts("h2");
    EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
    return id;
  }
  std::string Switched() {
    const std::string id = Armed();
    EXPECT_TRUE(driver_->Switchover(id, 0).ok());
    ExpectLocated(1, "h2", 2);
    return id;
  }
  NameSet Moved() const { return {PortId(1), PortId(2)}; }
};

TEST_F(EvacuationTest, AHostThatMayRunItsGuestsIsRefused) {
  EXPECT_EQ(
      Refused("h1"),
      "host \"h1\" is connected; stop its guests and its agent, or take its ports from guests "
      "that may run there with --force");
  SetConnected("h1", false);
  clock_.AdvanceUs(kAbsenceUs - 1'000'000);
  EXPECT_EQ(
      Refused("h1"),
      "host \"h1\" was heard 29 s ago, and its guests may still run; repeat this in 2 s, or use "
      "--force when you know that they do not");
  EXPECT_EQ(driver_->Evacuate("h9", true).status().code(), absl::StatusCode::kNotFound);
  clock_.AdvanceUs(1'000'000);
  EXPECT_EQ(MustEvacuate("h1").ports, Moved());
}

TEST_F(EvacuationTest, AControllerThatHasJustStartedWaits) {
  Fail("h1");
  RestartDriver();
  EXPECT_EQ(
      Refused("h1"),
      "host \"h1\" was not heard yet by this controller, which started 0 s ago, and its guests "
      "may still run; repeat this in 31 s, or use --force when you know that they do not");
  clock_.AdvanceUs(kAbsenceUs);
  EXPECT_EQ(MustEvacuate("h1").ports, Moved());
}

TEST_F(EvacuationTest, ForceAsksNothing) {
  const auto done = driver_->Evacuate("h1", true);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->ports, Moved());
  EXPECT_TRUE(State("h1").ports().empty());
}

TEST_F(EvacuationTest, ItsPortsAreOnNoHostUnderANewerEpoch) {
  Fail("h1");
  const Evacuation done = MustEvacuate("h1");
  EXPECT_EQ(done.ports, Moved());
  EXPECT_TRUE(done.migrations.empty());
  ExpectLocated(1, "", 2);
  ExpectLocated(2, "", 2);
  ExpectLocated(3, "h2", 1);
  EXPECT_EQ(Port(1).phase(), v1::PORT_PHASE_UNBOUND);
  EXPECT_EQ(Port(1).device(), "");
  // Once more there is nothing to do.
  const uint64_t commits = store_.commits();
  EXPECT_TRUE(driver_->Evacuate("h1", false)->ports.empty());
  EXPECT_EQ(store_.commits(), commits);
}

TEST_F(EvacuationTest, OthersMayClaimThemAndItMayNotUnlessItIsAskedAnew) {
  Fail("h1");
  MustEvacuate("h1");
  const absl::Status returned = Bind("h1", 1, false);
  EXPECT_EQ(returned.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(returned),
            "port \"" + PortId(1) +
                "\" was taken from host \"h1\" by \"outrider host evacuate\", in "
                "epoch 2; if its guest is to run here, attach it again");
  EXPECT_TRUE(Bind("h3", 1, false).ok());
  ExpectLocated(1, "h3", 3);
  EXPECT_FALSE(Port(1).has_receipt());
  EXPECT_NE(Message(Bind("h1", 1, false)).find("is on host \"h3\""), std::string::npos);
  EXPECT_TRUE(Bind("h1", 2, true).ok());
  ExpectLocated(2, "h1", 3);
}

TEST_F(EvacuationTest, AfterItHasLetGoItMayHaveThemAgain) {
  Fail("h1");
  MustEvacuate("h1");
  const auto held = UnbindPort(repository_.get(), "h1", PortId(1));
  ASSERT_TRUE(held.ok());
  EXPECT_FALSE(*held);
  ExpectLocated(1, "", 2);
  EXPECT_TRUE(Bind("h1", 1, false).ok());
  EXPECT_TRUE(UnbindPort(repository_.get(), "h3", PortId(2)).ok());
  EXPECT_FALSE(Bind("h1", 2, false).ok()) << "another host's word";
}

TEST_F(EvacuationTest, TheSourceOfAnArmedMigrationEndsIt) {
  const std::string id = Armed();
  Fail("h1");
  const Evacuation done = MustEvacuate("h1");
  EXPECT_EQ(done.ports, Moved());
  EXPECT_EQ(done.migrations, NameSet{id});
  EXPECT_EQ(Migration(id).reason(), "host \"h1\" was evacuated");
  ExpectLocated(1, "", 2);
  EXPECT_TRUE(Bind("h2", 1, false).ok()) << "the device is there already";
}

TEST_F(EvacuationTest, TheDestinationOfAnArmedMigrationEndsIt) {
  const std::string id = Armed();
  Fail("h2");
  const Evacuation done = MustEvacuate("h2");
  EXPECT_EQ(done.ports, NameSet{PortId(3)});
  EXPECT_EQ(done.migrations, NameSet{id});
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  ExpectLocated(1, "h1", 1);
}

TEST_F(EvacuationTest, ADestinationTheGuestNeverCameToGivesThePortsBack) {
  const std::string id = Switched();
  Fail("h2");
  const Evacuation done = MustEvacuate("h2");
  EXPECT_EQ(done.ports, NameSet{PortId(3)});
  EXPECT_EQ(done.migrations, NameSet{id});
  ExpectLocated(1, "h1", 3);
  ExpectLocated(2, "h1", 3);
  EXPECT_NE(Message(Bind("h2", 1, false)).find("is on host \"h1\""), std::string::npos);
}

TEST_F(EvacuationTest, AGuestThatDiedAtTheDestinationIsNotGivenBackToTheSource) {
  const std::string id = Switched();
  SendFrame("h2", 1, 2);
  Fail("h2");
  const Evacuation done = MustEvacuate("h2");
  EXPECT_EQ(done.ports, (NameSet{PortId(1), PortId(2), PortId(3)}));
  EXPECT_EQ(done.migrations, NameSet{id});
  EXPECT_FALSE(IsRunning(Migration(id)));
  ExpectLocated(1, "", 3);
  EXPECT_FALSE(Bind("h2", 1, false).ok());
  EXPECT_TRUE(Bind("h3", 1, false).ok());
}

// What is under way to either has nowhere to come from, or to go to.
TEST_F(EvacuationTest, AMigrationThatIsOverWaitsForNothingMore) {
  for (const char* host : {"h1", "h2"}) {
    SCOPED_TRACE(host);
    const std::string id = MustPrepare(host == std::string("h1") ? "h2" : "h3");
    const std::string to = Migration(id).destination();
    SendReceipts(to);
    ASSERT_TRUE(driver_->Switchover(id, 0).ok());
    for (const int n : {1, 2}) SendFrame(to, n, Port(n).location().epoch());
    for (int round = 0; round < 2; ++round) {
      for (const char* peer : {"h1", "h2", "h3"}) SendAck(peer, repository_->revision());
    }
    ASSERT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
    const auto done = driver_->Evacuate(host, true);
    ASSERT_TRUE(done.ok()) << done.status();
    EXPECT_EQ(done->migrations, NameSet{id});
    EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
    EXPECT_EQ(Port(1).location().host(), to);
  }
}

TEST_F(EvacuationTest, TheSourceOfASwitchedMigrationHasLetGo) {
  const std::string id = Switched();
  Fail("h1");
  const Evacuation done = MustEvacuate("h1");
  EXPECT_TRUE(done.ports.empty());
  EXPECT_TRUE(done.migrations.empty());
  ExpectLocated(1, "h2", 2);
  // Whatever becomes of it: the ports never go back there.
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  ExpectLocated(1, "", 3);
}

// It may have been there all the time, with its guests: it says what it has, and gets nothing.
TEST_F(EvacuationTest, AnEvacuatedSourceThatComesBackAfterAnAbortHasNothing) {
  const std::string id = Switched();
  Fail("h1");
  MustEvacuate("h1");
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  SetConnected("h1", true);
  EXPECT_EQ(Message(Bind("h1", 1, false)),
            "port \"" + PortId(1) +
                "\" was taken from host \"h1\" by \"outrider host evacuate\", in epoch 3; if its "
                "guest is to run here, attach it again");
  ExpectLocated(1, "", 3);
  EXPECT_TRUE(State("h1").ports().empty());
  EXPECT_TRUE(State("h1").departures().empty());
  EXPECT_TRUE(Bind("h3", 1, false).ok()) << "who did not have it";
  ExpectLocated(1, "h3", 4);
  EXPECT_TRUE(Bind("h1", 2, true).ok()) << "asked anew";
  ExpectLocated(2, "h1", 4);
}

TEST_F(EvacuationTest, AnEvacuatedSourceThatComesBackBeforeTheAbortHasNothingEither) {
  const std::string id = Switched();
  Fail("h1");
  MustEvacuate("h1");
  SetConnected("h1", true);
  EXPECT_FALSE(Bind("h1", 1, false).ok()) << "it is on h2";
  // Its guest runs on, it says; it was taken from it all the same.
  Send("h1", v1::PortEvent::KIND_RESUMED, 1);
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  ExpectLocated(1, "", 3);
  EXPECT_FALSE(Bind("h1", 1, false).ok());
  // Until it has taken the device away.
  EXPECT_TRUE(UnbindPort(repository_.get(), "h1", PortId(1)).ok());
  EXPECT_TRUE(Bind("h1", 1, false).ok());
  ExpectLocated(1, "h1", 4);
}

// One that let go by itself is a host like any other.
TEST_F(EvacuationTest, ASourceThatDetachedByItselfIsNotTakenFrom) {
  const std::string id = Switched();
  Send("h1", v1::PortEvent::KIND_DETACHED, 1);
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  ExpectLocated(1, "", 3);
  ExpectLocated(2, "h1", 3);
  EXPECT_TRUE(Bind("h1", 1, false).ok());
}

}  // namespace
}  // namespace outrider::controller
