#include "vswitch/agent/reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/agent/manual_executor.h"
#include "tests/agent/recording_observer.h"
#include "tests/agent/sample_states.h"
#include "tests/agent/temp_dir.h"
#include "tests/convert/wire_states.h"
#include "tests/fakes/fake_datapath.h"
#include "vswitch/agent/desired_state.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const PortId kPort = MakePortId(1);

class ReconcilerTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(); }
  void TearDown() override { datapath_->SetEventSink(nullptr); }

  // As a kill -9 and a new process over the same store and kernel.
  void Restart() {
    datapath_->SetEventSink(nullptr);
    reconciler_.reset();
    store_.reset();
    auto store = LocalStore::Open(directory_ / "agent.db");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    reconciler_ = std::make_unique<Reconciler>(
        Reconciler::Dependencies{.executor = &executor_,
                                 .datapath = datapath_.get(),
                                 .store = store_.get(),
                                 .clock = [this] { return executor_.Wall(); }});
    observer_.Clear();
    reconciler_->SetObserver(&observer_);
    const absl::Status started = reconciler_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  absl::Status Snapshot(uint64_t generation, const state::HostState& state,
                        const std::string& store_id = "store-1") {
    return reconciler_->TakeSnapshot(
        {.store_id = store_id, .generation = Generation{generation}, .state = state});
  }

  void Attach(uint8_t n) {
    ASSERT_TRUE(store_->PutAttachment(MakePortId(n), SampleAttachment(n)).ok());
    reconciler_->Attach(MakePortId(n), SampleAttachment(n));
  }

  state::Port InForce(const PortId& id = kPort) { return datapath_->ReadState()->ports.at(id); }
  std::vector<PortEvent::Kind> EventKinds() const {
    std::vector<PortEvent::Kind> kinds;
    for (const PortEvent& event : observer_.events) kinds.push_back(event.kind);
    return kinds;
  }

  TempDir directory_;
  ManualExecutor executor_;
  RecordingObserver observer_;
  std::unique_ptr<datapath::FakeDatapath> datapath_ = std::make_unique<datapath::FakeDatapath>();
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Reconciler> reconciler_;
};

TEST_F(ReconcilerTest, ASnapshotIsInForceAcknowledgedAndReceipted) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(InForce().device, "tap1");
  ASSERT_EQ(observer_.acknowledgements.size(), 1u);
  EXPECT_EQ(observer_.acknowledgements[0].generation, Generation{5});
  EXPECT_TRUE(observer_.acknowledgements[0].failures.empty());
  ASSERT_EQ(observer_.receipts.size(), 1u);
  EXPECT_EQ(observer_.receipts[0].digest, convert::ReceiptDigest(kPort, InForce()));
  EXPECT_EQ(observer_.receipts[0].phase, PortPhase::kActive);
  EXPECT_EQ(observer_.receipts[0].generation, Generation{5});
}

TEST_F(ReconcilerTest, AnAttachedDeviceIsGuardedBeforeTheControllerSpeaks) {
  Attach(1);
  EXPECT_EQ(InForce().device, "tap1");
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kAttached));
  EXPECT_TRUE(observer_.receipts.empty());
}

TEST_F(ReconcilerTest, ARestartWritesNothing) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  const state::HostState before = *datapath_->ReadState();
  const size_t applies = datapath_->applied().size();
  Restart();
  EXPECT_EQ(datapath_->applied().size(), applies);
  EXPECT_EQ(reconciler_->Status().objects_written, 0u);
  EXPECT_EQ(reconciler_->Status().objects_deleted, 0u);
  EXPECT_EQ(*datapath_->ReadState(), before);
  const HeldState held = reconciler_->Held();
  EXPECT_EQ(held.store_id, "store-1");
  EXPECT_EQ(held.generation, Generation{5});
  EXPECT_EQ(held.digest, convert::StateDigest(SampleState()));
  EXPECT_EQ(held.attachments.size(), 1u);
}

TEST_F(ReconcilerTest, ARestartFollowsDeltasToo) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  for (uint64_t generation = 6; generation < 20; ++generation) {
    state::StateDelta delta;
    delta.fdb.upserts[{MakeVni(7), MakeMac(generation)}] = {*IpAddress::Parse("192.0.2.1"),
                                                            Epoch{generation}};
    ASSERT_TRUE(reconciler_
                    ->TakeDelta({.store_id = "store-1",
                                 .from = Generation{generation - 1},
                                 .to = Generation{generation},
                                 .delta = delta})
                    .ok());
  }
  const std::string digest = reconciler_->Held().digest;
  Restart();
  EXPECT_EQ(reconciler_->Held().digest, digest);
  EXPECT_EQ(reconciler_->Held().generation, Generation{19});
  EXPECT_EQ(reconciler_->Status().objects_written, 0u);
}

TEST_F(ReconcilerTest, ARestartSweepsWhatNobodyClaims) {
  ASSERT_TRUE(Snapshot(5, {}).ok());
  state::HostState stray = SampleState(PortPhase::kBlocked);
  datapath_->Apply(state::ComputeDelta({}, stray));
  Restart();
  EXPECT_EQ(*datapath_->ReadState(), state::HostState{});
  EXPECT_GT(reconciler_->Status().objects_deleted, 0u);
}

TEST_F(ReconcilerTest, WithNothingStoredWhatIsInForceStaysUntilTheControllerSpeaks) {
  state::HostState in_force = SampleState();
  in_force.ports[kPort].device = "tap1";
  datapath_->Apply(state::ComputeDelta({}, in_force));
  Restart();
  EXPECT_EQ(*datapath_->ReadState(), in_force);
  Attach(2);
  EXPECT_EQ(InForce(), in_force.ports.at(kPort));
  EXPECT_EQ(InForce(MakePortId(2)).phase, PortPhase::kBlocked);
  ASSERT_TRUE(Snapshot(1, {}).ok());
  EXPECT_FALSE(datapath_->ReadState()->ports.contains(kPort));
}

TEST_F(ReconcilerTest, AnUnusableStoredStateCountsAsNone) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  const state::HostState before = *datapath_->ReadState();
  ASSERT_TRUE(store_->SaveSnapshot("store-1", Generation{6}, "no protobuf at all").ok());
  Restart();
  EXPECT_EQ(reconciler_->Held().store_id, "");
  EXPECT_EQ(*datapath_->ReadState(), before);
}

TEST_F(ReconcilerTest, NeverGoesBackwards) {
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  const absl::Status older = Snapshot(4, {});
  EXPECT_EQ(older.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(older), HasSubstr("older than 5"));
  EXPECT_EQ(reconciler_->Held().generation, Generation{5});
  EXPECT_TRUE(datapath_->ReadState()->ports.contains(kPort));
  const ControllerDelta gap{
      .store_id = "store-1", .from = Generation{6}, .to = Generation{7}, .delta = {}};
  EXPECT_EQ(reconciler_->TakeDelta(gap).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Snapshot(5, SampleState()).ok());
}

TEST_F(ReconcilerTest, ADeltaThatLeadsToABrokenStateChangesNothing) {
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  ControllerDelta delta{
      .store_id = "store-1", .from = Generation{5}, .to = Generation{6}, .delta = {}};
  delta.delta.segments.deletes.push_back(MakeVni(7));
  EXPECT_EQ(reconciler_->TakeDelta(delta).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(reconciler_->Held().generation, Generation{5});
  EXPECT_TRUE(datapath_->ReadState()->segments.contains(MakeVni(7)));
}

TEST_F(ReconcilerTest, AnotherStoreIsTakenEvenWithOlderEpochs) {
  Attach(1);
  ASSERT_TRUE(Snapshot(500, SampleState(PortPhase::kActive, 40)).ok());
  ASSERT_TRUE(Snapshot(3, SampleState(PortPhase::kActive, 1), "store-2").ok());
  EXPECT_EQ(InForce().epoch, Epoch{1});
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(*datapath_->ReadState(), reconciler_->desired());
  EXPECT_TRUE(reconciler_->Status().failures.empty());
}

// Deleted and created anew while this host was away: one snapshot brings both.
TEST_F(ReconcilerTest, APortCreatedAnewUnderAnOlderEpochReplacesTheFormerOne) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState(PortPhase::kActive, 40)).ok());
  ASSERT_TRUE(Snapshot(9, SampleState(PortPhase::kActive, 1)).ok());
  EXPECT_EQ(InForce().epoch, Epoch{1});
  EXPECT_EQ(*datapath_->ReadState(), reconciler_->desired());
  EXPECT_TRUE(reconciler_->Status().failures.empty());
}

TEST_F(ReconcilerTest, GeneratedSequencesEndWithDesiredInForce) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    datapath_->SetEventSink(nullptr);
    reconciler_.reset();
    std::filesystem::remove(directory_ / "agent.db");
    datapath_ = std::make_unique<datapath::FakeDatapath>();
    Restart();
    tests::StateGenerator generator(seed, {"tap1", "tap2", "tap3", "tap4", "tap5"});
    for (uint64_t round = 1; round <= 25; ++round) {
      const state::HostState next = generator.Next();
      const state::Attachments before = reconciler_->attachments();
      for (const auto& [id, attachment] : before) {
        if (!next.ports.contains(id) || !next.ports.at(id).device) reconciler_->Detach(id);
      }
      ASSERT_TRUE(Snapshot(round, tests::AsSent(next)).ok());
      for (const auto& [id, port] : next.ports) {
        if (!port.device) continue;
        reconciler_->Attach(
            id, {.device = *port.device, .mac = port.mac, .ips = {}, .profile = "", .vm_id = ""});
      }
      ASSERT_EQ(*datapath_->ReadState(), reconciler_->desired())
          << "seed " << seed << " round " << round;
      ASSERT_TRUE(reconciler_->Status().failures.empty());
    }
  }
}

TEST_F(ReconcilerTest, AFailureIsReportedKeptAndTriedAgain) {
  Attach(1);
  datapath_->FailUpsert(datapath::ObjectKind::kPort, kPort.ToString(),
                        absl::UnavailableError("busy"), 2);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  ASSERT_EQ(observer_.acknowledgements.back().failures.size(), 1u);
  EXPECT_EQ(observer_.acknowledgements.back().failures[0].key, kPort.ToString());
  EXPECT_EQ(observer_.receipts.back().phase, PortPhase::kBlocked);
  EXPECT_TRUE(datapath_->ReadState()->segments.contains(MakeVni(7)));

  executor_.Advance(Reconciler::kFirstRetry);
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  executor_.Advance(Reconciler::kFirstRetry);
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked) << "the second retry waits longer";
  executor_.Advance(Reconciler::kFirstRetry);
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_TRUE(observer_.acknowledgements.back().failures.empty());
  EXPECT_EQ(observer_.receipts.back().phase, PortPhase::kActive);
  const size_t applies = datapath_->applied().size();
  executor_.Advance(std::chrono::minutes(10));
  EXPECT_EQ(datapath_->applied().size(), applies) << "nothing fails, nothing is tried";
}

TEST_F(ReconcilerTest, RetriesBackOff) {
  Attach(1);
  datapath_->FailUpsert(datapath::ObjectKind::kPort, kPort.ToString(),
                        absl::UnavailableError("busy"), 1000);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  const size_t before = datapath_->applied().size();
  executor_.Advance(std::chrono::minutes(10));
  const size_t tries = datapath_->applied().size() - before;
  EXPECT_GE(tries, 20u);
  EXPECT_LE(tries, 30u);
  EXPECT_EQ(observer_.acknowledgements.size(), 1u) << "the same failure is no news";
}

TEST_F(ReconcilerTest, ADeviceThatAppearsLaterIsBoundAtOnce) {
  datapath_->RemoveDevice("tap1");
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  EXPECT_THAT(reconciler_->ListPorts().at(0).problem, HasSubstr("tap1"));
  datapath_->AddDevice("tap1");
  reconciler_->DeviceAppeared("tap1");
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(reconciler_->ListPorts().at(0).problem, "");
}

TEST_F(ReconcilerTest, ADeviceReplacedIsBoundAnew) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  datapath_->RemoveDevice("tap1");
  reconciler_->DeviceGone("tap1");
  EXPECT_EQ(observer_.receipts.back().phase, PortPhase::kBlocked);
  datapath_->AddDevice("tap1");
  reconciler_->DeviceAppeared("tap1");
  EXPECT_EQ(InForce().device, "tap1");
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  const size_t applies = datapath_->applied().size();
  reconciler_->DeviceAppeared("tap1");
  EXPECT_EQ(datapath_->applied().size(), applies) << "it is bound already";
}

TEST_F(ReconcilerTest, ADetachedDeviceIsReleased) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  reconciler_->Detach(kPort);
  EXPECT_FALSE(InForce().device);
  EXPECT_EQ(observer_.events.back().kind, PortEvent::Kind::kDetached);
}

class ArmedPort : public ReconcilerTest {
 protected:
  void SetUp() override {
    ReconcilerTest::SetUp();
    state::HostState armed = SampleState(PortPhase::kArmed, 2);
    armed.ports[kPort].report_first_frame = true;
    armed.ports[kPort].migration_id = "m-1";
    armed.fdb[{MakeVni(7), MakeMac(1)}] = {*IpAddress::Parse("192.0.2.1"), Epoch{1}};
    ASSERT_TRUE(Snapshot(5, armed).ok());
    Attach(1);
    observer_.Clear();
  }
};

TEST_F(ArmedPort, OpensAtTheFirstFrame) {
  EXPECT_EQ(InForce().phase, PortPhase::kArmed);
  const size_t applies = datapath_->applied().size();
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  ASSERT_EQ(datapath_->applied().size(), applies + 1);
  EXPECT_EQ(datapath_->applied().back().size(), 1u) << "one object, no full pass";
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated, PortEvent::Kind::kFirstFrame));
  EXPECT_EQ(observer_.events[0].epoch, Epoch{2});
  EXPECT_EQ(observer_.events[1].time_us, 1234);
  EXPECT_EQ(observer_.events[1].ether_type, 0x8035);
  EXPECT_EQ(observer_.receipts.back().phase, PortPhase::kActive);
  EXPECT_EQ(*datapath_->ReadState(), reconciler_->desired());
}

TEST_F(ArmedPort, StaysOpenWhileTheNewsIsUnderWayAndOverARestart) {
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  ControllerDelta delta{
      .store_id = "store-1", .from = Generation{5}, .to = Generation{6}, .delta = {}};
  delta.delta.segments.upserts[MakeVni(8)].mtu = 1400;
  ASSERT_TRUE(reconciler_->TakeDelta(delta).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  Restart();
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(reconciler_->Status().objects_written, 0u);
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated));
}

TEST_F(ArmedPort, IsClosedWhenTheMigrationIsAborted) {
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  ASSERT_TRUE(Snapshot(7, {}).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  EXPECT_EQ(InForce().device, "tap1");
  EXPECT_FALSE(InForce().vni);
}

TEST_F(ArmedPort, TellsANewSessionAllThatHappenedWithoutOne) {
  reconciler_->SetObserver(nullptr);
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  reconciler_->SetObserver(&observer_);
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated, PortEvent::Kind::kFirstFrame));
  EXPECT_EQ(observer_.events[1].time_us, 1234);
  ASSERT_EQ(observer_.receipts.size(), 1u);
  ASSERT_EQ(observer_.acknowledgements.size(), 1u);
  EXPECT_EQ(observer_.acknowledgements[0].generation, Generation{5});
}

TEST_F(ArmedPort, AFailedOpeningIsTriedAgain) {
  datapath_->FailUpsert(datapath::ObjectKind::kPort, kPort.ToString(),
                        absl::UnavailableError("busy"), 1);
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  executor_.Advance(Reconciler::kFirstRetry);
  EXPECT_EQ(InForce().phase, PortPhase::kArmed);
}

TEST_F(ReconcilerTest, AFirstFrameOnAnActivePortIsOnlyReported) {
  Attach(1);
  state::HostState state = SampleState();
  state.ports[kPort].report_first_frame = true;
  ASSERT_TRUE(Snapshot(5, state).ok());
  observer_.Clear();
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x0800, 7));
  executor_.RunReady();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kFirstFrame));
}

// The source of a migration: the port leaves the state, the device stays attached and is closed.
TEST_F(ReconcilerTest, APortThatMovedAwayIsClosed) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState(PortPhase::kActive, 4)).ok());
  ASSERT_TRUE(Snapshot(6, {}).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  EXPECT_TRUE(reconciler_->Status().failures.empty());
}

class Waiting : public ReconcilerTest {
 protected:
  uint64_t Wait() {
    return reconciler_->WaitInForce(kPort, [this](absl::Status status) { answer_ = status; });
  }
  std::optional<absl::Status> answer_;
};

TEST_F(Waiting, EndsWhenTheOwnProfileIsInForce) {
  Attach(1);
  Wait();
  EXPECT_FALSE(answer_);
  ASSERT_TRUE(Snapshot(5, SampleState(PortPhase::kBlocked)).ok());
  EXPECT_FALSE(answer_);
  ASSERT_TRUE(Snapshot(6, SampleState()).ok());
  ASSERT_TRUE(answer_);
  EXPECT_TRUE(answer_->ok()) << *answer_;
}

TEST_F(Waiting, EndsAtOnceWhenItIsInForceAlready) {
  Attach(1);
  ASSERT_TRUE(Snapshot(6, SampleState()).ok());
  Wait();
  ASSERT_TRUE(answer_);
  EXPECT_TRUE(answer_->ok());
}

TEST_F(Waiting, EndsWithTheControllersRefusal) {
  Attach(1);
  Wait();
  reconciler_->TakeRefusal(kPort, "located at host \"h2\"");
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(*answer_), HasSubstr("h2"));
  EXPECT_THAT(reconciler_->ListPorts().at(0).problem, HasSubstr("h2"));
  answer_.reset();
  Wait();
  ASSERT_TRUE(answer_) << "the refusal is known";
}

TEST_F(Waiting, EndsWithTheReasonWhenTimeIsUp) {
  Attach(1);
  reconciler_->CancelWait(Wait());
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(*answer_), HasSubstr("controller"));
}

TEST_F(Waiting, EndsWithADetachAndWhenTheAgentStops) {
  Attach(1);
  Wait();
  reconciler_->Detach(kPort);
  EXPECT_EQ(answer_->code(), absl::StatusCode::kCancelled);
  Attach(1);
  reconciler_->StopWaiting();
  Wait();
  EXPECT_EQ(answer_->code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace outrider::agent
