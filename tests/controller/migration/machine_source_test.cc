// What the source says of its guest, what was sent after it, and when the others learn of the move.
#include "tests/controller/migration/machine_fixture.h"

namespace outrider::controller {
namespace {

constexpr auto kPaused = SourceEvent::Kind::kPaused;
constexpr auto kResumed = SourceEvent::Kind::kResumed;
constexpr auto kRedirected = SourceEvent::Kind::kRedirected;

class MachineSourceTest : public MachineTest {
 protected:
  static MoveCountsEvent Counts(const std::string& host, uint64_t replayed, uint64_t redirected,
                                uint64_t arrived = 0) {
    MoveCountsEvent event{host, PortId(1), {}};
    event.counters.set_replayed(replayed);
    event.counters.set_redirected(redirected);
    event.counters.set_arrived(arrived);
    return event;
  }
};

TEST_F(MachineSourceTest, TheGuestsPauseIsNotedAndMovesNothing) {
  Arm();
  const Outcome outcome = Do(FromSource(kPaused, 500));
  EXPECT_EQ(outcome.relocation, Relocation::kNone);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED);
  EXPECT_EQ(Last().kind(), "paused");
  EXPECT_EQ(Last().host(), "h1");
  EXPECT_EQ(Last().port_id(), PortId(1));
  EXPECT_EQ(Last().time_us(), 500);
  EXPECT_EQ(Last().recorded_us(), kStart);
  EXPECT_EQ(Last().detail(), "by qmp");
  ExpectIgnored(FromSource(kPaused, 500));
  Do(FromSource(kPaused, 500, "qmp", 2));
  Do(FromSource(kRedirected, 501));
  EXPECT_EQ(Last().kind(), "redirected");
}

TEST_F(MachineSourceTest, WordsOfOthersAndOfOtherMigrationsAreIgnored) {
  Arm();
  SourceEvent event = FromSource(kPaused, 500);
  event.host = "h2";
  ExpectIgnored(event);
  event = FromSource(kPaused, 500);
  event.migration_id = "m0";
  ExpectIgnored(event);
  ExpectIgnored(FromSource(kPaused, 500, "qmp", 3));
  Do(AbortEvent{"test"});
  ExpectIgnored(FromSource(kPaused, 500));
}

TEST_F(MachineSourceTest, AGuestThatComesBackWhileArmedChangesNothingElse) {
  Arm();
  Do(FromSource(kPaused, 500));
  Do(FromSource(kResumed, 600));
  EXPECT_EQ(Last().kind(), "resumed");
  now_us_ += kCommitGraceUs;
  ExpectIgnored(Present());
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED);
}

TEST_F(MachineSourceTest, AGuestThatComesBackAfterTheSwitchoverIsFollowed) {
  Arm();
  Do(FromSource(kPaused, 500));
  Do(PortData(1));
  now_us_ += 1000;
  Do(FromSource(kResumed, 600));
  now_us_ += kRollbackSettleUs - 1;
  ExpectIgnored(Present());
  now_us_ += 1;
  EXPECT_EQ(Do(Present()).relocation, Relocation::kToSource);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(migration_.reason(), "the guest runs on host \"h1\" again");
}

// The pause that follows it comes by the same way, behind it.
TEST_F(MachineSourceTest, OldWordsThatComeLateAreOvertakenByNewerOnes) {
  Arm();
  Do(PortData(1));
  now_us_ += 1000;
  Do(FromSource(kResumed, 600));
  Do(FromSource(kPaused, 700));
  now_us_ += kCommitGraceUs - 1;
  ExpectIgnored(Present());
  // By the source's clock, whatever comes first.
  ExpectIgnored(FromSource(kResumed, 600));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
}

TEST_F(MachineSourceTest, OldWordsOfASourceThatConnectsHaveTimeToBeOvertaken) {
  Arm();
  Do(PortData(1));
  now_us_ += 1000;
  Do(FromSource(kResumed, 600));
  now_us_ += kRollbackSettleUs;
  TickEvent tick = Present();
  tick.source.connected = false;
  ExpectIgnored(tick);
  tick.source = {true, now_us_ - 1, now_us_};
  ExpectIgnored(tick);
}

TEST_F(MachineSourceTest, AGuestThatIsLoadedMovesNothingByItself) {
  ExpectIgnored([&] {
    LoadedEvent other = Loaded(1);
    other.host = "h1";
    return other;
  }());
  Arm();
  ExpectIgnored(Loaded(3));
  LoadedEvent old = Loaded(1);
  old.migration_id = "m0";
  ExpectIgnored(old);
  EXPECT_EQ(Do(Loaded(1)).relocation, Relocation::kNone);
  EXPECT_EQ(Last().kind(), "loaded");
  EXPECT_EQ(Last().detail(), "by tap-features");
  EXPECT_EQ(Last().host(), "h2");
  EXPECT_EQ(Last().time_us(), 88);
  ExpectIgnored(Loaded(1));
  Do(FromSource(kPaused, 500));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED) << "which came first nobody knows";
}

TEST_F(MachineSourceTest, AGuestThatIsLoadedMovesThePortsOfAPausedSource) {
  Arm();
  Do(FromSource(kPaused, 500));
  const Outcome outcome = Do(Loaded(2));
  EXPECT_EQ(outcome.relocation, Relocation::kToDestination);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
  EXPECT_EQ(Last().kind(), "switchover");
  EXPECT_EQ(Last().detail(),
            "tap-features at the destination: the guest is loaded, the source has paused");
  // Another card of the same guest.
  Do(Loaded(1));
  EXPECT_EQ(Last().kind(), "loaded");
}

// A source whose agent has started since knows that it sends after its guest, and no more.
TEST_F(MachineSourceTest, ASourceThatSendsAfterItsGuestHasPaused) {
  Arm();
  Do(FromSource(kRedirected, 500, ""));
  EXPECT_EQ(Do(Loaded(1)).relocation, Relocation::kToDestination);
}

TEST_F(MachineSourceTest, AGuestThatIsLoadedAfterItCameBackMovesNothing) {
  Arm();
  Do(FromSource(kPaused, 500));
  Do(FromSource(kRedirected, 501));
  Do(FromSource(kResumed, 600));
  EXPECT_EQ(Do(Loaded(1)).relocation, Relocation::kNone);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED);
  Do(FromSource(kPaused, 700));
  EXPECT_EQ(Do(Loaded(1)).relocation, Relocation::kToDestination) << "the next attempt";
}

TEST_F(MachineSourceTest, AGuestThatIsLoadedBeforeItsPortsAreArmedMovesNothing) {
  Do(FromSource(kPaused, 500));
  EXPECT_EQ(Do(Loaded(1)).relocation, Relocation::kNone);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_PREPARING);
}

// What was loaded may fail before it runs.
TEST_F(MachineSourceTest, AGuestThatWasLoadedIsNotSeenYet) {
  Arm();
  Do(FromSource(kPaused, 500));
  Do(Loaded(1));
  now_us_ += 1000;
  Do(FromSource(kResumed, 600));
  now_us_ += kRollbackSettleUs;
  EXPECT_EQ(Do(Present()).relocation, Relocation::kToSource);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
  ExpectIgnored(Loaded(2));
}

// A word from before the switchover may be of an earlier attempt, or have overtaken port-data.
TEST_F(MachineSourceTest, AGuestThatCameBackBeforeTheSwitchoverIsWaitedForAndFollowed) {
  Arm();
  Do(FromSource(kPaused, 500));
  Do(FromSource(kResumed, 600));
  Do(PortData(1));
  moved_at_ = migration_.meta().revision();
  AckAll();
  now_us_ += kCommitGraceUs - 1;
  ExpectIgnored(Present());
  const v1::Migration waiting = migration_;
  now_us_ += 1;
  EXPECT_EQ(Do(Present()).relocation, Relocation::kToSource);
  migration_ = waiting;
  Do(FromSource(kPaused, 700));
  Do(Present());
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(MachineSourceTest, AGuestThatWasSeenAtTheDestinationIsThere) {
  Arm();
  Do(PortData(1));
  Do(Frame(1));
  now_us_ += 1000;
  Do(FromSource(kResumed, 600));
  now_us_ += kRollbackSettleUs;
  ExpectIgnored(Present());
}

TEST_F(MachineSourceTest, ADestinationThatOpenedThePortForItsGuestHasIt) {
  Arm();
  Do(PortData(1));
  ActivationEvent opened = PortData(1);
  opened.trigger = "qmp";
  Do(opened);
  EXPECT_EQ(Last().kind(), "activated");
  EXPECT_EQ(Last().detail(), "qmp");
  ExpectIgnored(opened);
  now_us_ += 1000;
  Do(FromSource(kResumed, 600));
  now_us_ += kRollbackSettleUs;
  ExpectIgnored(Present());
}

// As one that has started since: the guest may be paused still.
TEST_F(MachineSourceTest, ADestinationThatDoesNotKnowWhatOpenedThePortIsNoProofOfTheGuest) {
  Arm();
  ActivationEvent opened = PortData(1);
  opened.trigger = "";
  Do(opened);
  EXPECT_EQ(Last().detail(), "opened at the destination, by what is not known");
  now_us_ += 1000;
  Do(FromSource(kResumed, 600));
  now_us_ += kRollbackSettleUs;
  EXPECT_EQ(Do(Present()).relocation, Relocation::kToSource);
}

// Nobody has seen the guest: it may be back at the source, which could not say so.
TEST_F(MachineSourceTest, WithoutAFrameTheSourceHasItsSayBeforeTheCommit) {
  Switch();
  AckAll();
  now_us_ += kCommitGraceUs;
  TickEvent tick = Present();
  tick.source = {false, kStart + 1, 0};
  ExpectIgnored(tick);
  tick.source = {true, now_us_ - kReportTimeUs + 1, now_us_};
  ExpectIgnored(tick);
  tick.source = {true, 0, kStart + kReportTimeUs - 1};
  ExpectIgnored(tick);
  const v1::Migration waiting = migration_;
  tick.source = {true, now_us_ - kReportTimeUs, now_us_};
  Do(tick);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  migration_ = waiting;
  now_us_ = kStart + kAbsenceUs;
  tick = Present();
  tick.source = {false, kStart, 0};
  Do(tick);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED) << "it is gone";
}

TEST_F(MachineSourceTest, ASourceThatLetGoOfEveryPortHasNoGuest) {
  Switch();
  now_us_ += 1000;
  Do(FromSource(kResumed, 600));
  Do(DetachedEvent{"h1", PortId(1), 700, {"h1", "h2"}});
  Do(DetachedEvent{"h1", PortId(2), 700, {"h1", "h2"}});
  now_us_ += kRollbackSettleUs;
  ExpectIgnored(Present());
}

TEST_F(MachineSourceTest, AHypervisorThatPausesAllTheTimeFillsNoStore) {
  Arm();
  const int before = migration_.timeline_size();
  for (int i = 0; i < 3 * kMaxSourceEvents; ++i) Do(FromSource(kPaused, 500 + i));
  EXPECT_EQ(migration_.timeline_size(), before + kMaxSourceEvents);
  EXPECT_EQ(Last().time_us(), 500 + 3 * kMaxSourceEvents - 1) << "the last word counts";
  ExpectIgnored(FromSource(kPaused, 400));
}

TEST_F(MachineSourceTest, CountsAreOfTheTwoHostsAndOnlyGrow) {
  Arm();
  Do(FromSource(kRedirected, 501));
  Do(Counts("h1", 12, 230));
  EXPECT_EQ(migration_.source_counters().at(PortId(1)).redirected(), 230u);
  EXPECT_EQ(Last().detail(), "12 frames replayed, 230 redirected, 0 lost; by qmp");
  ExpectIgnored(Counts("h1", 12, 230));
  ExpectIgnored(Counts("h1", 12, 100));
  Do(Counts("h2", 0, 0, 242));
  EXPECT_EQ(migration_.destination_counters().at(PortId(1)).arrived(), 242u);
  ExpectIgnored(Counts("h3", 1, 1));
  Do(Counts("h1", 12, 231));
  EXPECT_EQ(Last().detail(), "12 frames replayed, 231 redirected, 0 lost; by qmp");
}

TEST_F(MachineSourceTest, ConnectionsOnlyGrowToo) {
  Switch();
  MoveCountsEvent event = Counts("h2", 0, 0, 3);
  event.counters.set_connections(57);
  event.counters.set_adopted(2);
  Do(event);
  // Of an agent that has restarted since.
  event.counters.set_connections(1);
  event.counters.set_adopted(4);
  Do(event);
  const v1::MoveCounters& counters = migration_.destination_counters().at(PortId(1));
  EXPECT_EQ(counters.connections(), 57u);
  EXPECT_EQ(counters.adopted(), 4u);
  ExpectIgnored(event);
}

TEST_F(MachineSourceTest, CountsThatOvertakeTheRedirectAreInItsDetail) {
  Arm();
  Do(Counts("h1", 1, 2));
  Do(FromSource(kRedirected, 501, ""));
  EXPECT_EQ(Last().detail(), "1 frames replayed, 2 redirected, 0 lost");
}

TEST_F(MachineSourceTest, FinalCountsComeAfterTheEnd) {
  Switch();
  Do(AbortEvent{"test"});
  now_us_ += kFinalCountsUs - 1;
  Do(Counts("h1", 1, 2));
  EXPECT_EQ(migration_.source_counters().at(PortId(1)).replayed(), 1u);
  EXPECT_EQ(Last().kind(), "aborted");
  now_us_ += 1;
  ExpectIgnored(Counts("h1", 9, 9));
}

TEST_F(MachineSourceTest, OthersAreReroutedAfterTheGraceThoughNobodyAcknowledged) {
  Switch();
  EXPECT_EQ(migration_.peers().size(), 2u);
  now_us_ += kRerouteGraceUs - 1;
  ExpectIgnored(Reroute());
  now_us_ += 1;
  EXPECT_TRUE(Do(Reroute()).changed);
  EXPECT_EQ(migration_.peers().size(), 3u);
  ExpectIgnored(Reroute());
}

TEST_F(MachineSourceTest, ASourceThatIsGoneHoldsNobodyUp) {
  Arm();
  Do(SwitchoverEvent{0, {"h2", "h3"}});
  EXPECT_EQ(Last().kind(), "rerouted");
  EXPECT_EQ(OwedRevision(migration_, "h3"), migration_.meta().revision());
  EXPECT_EQ(migration_.peers().size(), 2u);
}

TEST_F(MachineSourceTest, ASourceThatGoesHoldsNobodyUp) {
  Switch();
  Do(HostLostEvent{"h1"});
  EXPECT_TRUE(Do(RerouteEvent{{"h2", "h3"}}).changed);
}

TEST_F(MachineSourceTest, WithoutOthersTheTwoConverge) {
  Switch();
  Do(Frame(1));
  Do(Frame(2));
  Do(Ack("h1", moved_at_));
  Do(Ack("h2", moved_at_));
  Do(RerouteEvent{{"h1", "h2"}});
  Drain();
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

}  // namespace
}  // namespace outrider::controller
