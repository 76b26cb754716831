// Desired and applied: the controller's word, restarts, failures, devices that come and go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/reconciler_fixture.h"
#include "tests/convert/wire_states.h"
#include "vswitch/agent/desired_state.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

// As multicast groups do, which change without the controller's model.
TEST_F(ReconcilerTest, ADeltaWithinAGenerationIsStoredAsSuch) {
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  for (uint8_t change = 1; change <= 3; ++change) {
    state::StateDelta delta;
    delta.fdb.upserts[{MakeVni(7), MakeMac(change)}] = {*IpAddress::Parse("192.0.2.1"), Epoch{1}};
    ASSERT_TRUE(
        reconciler_
            ->TakeDelta(
                {.store_id = "store-1", .from = Generation{5}, .to = Generation{5}, .delta = delta})
            .ok());
  }
  EXPECT_EQ((*store_->LoadControllerState())->deltas.size(), 3u) << "not the whole state each time";
  const std::string digest = reconciler_->Held().digest;
  Restart();
  EXPECT_EQ(reconciler_->Held().digest, digest);
  EXPECT_EQ(reconciler_->Held().generation, Generation{5});
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

// Its guest must not stand in front of an unguarded device meanwhile.
TEST_F(ReconcilerTest, AnOlderEpochIsTakenWithoutTakingThePortAway) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState(PortPhase::kActive, 4)).ok());
  const size_t applies = datapath_->applied().size();
  ASSERT_TRUE(Snapshot(6, SampleState(PortPhase::kActive, 1)).ok());
  EXPECT_EQ(InForce().epoch, Epoch{1});
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  for (size_t i = applies; i < datapath_->applied().size(); ++i) {
    EXPECT_TRUE(datapath_->applied()[i].ports.deletes.empty());
  }
}

TEST_F(ReconcilerTest, WhatOthersTookAwayIsBoundAnew) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  datapath_->RemoveDevice("tap1");
  datapath_->AddDevice("tap1");
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  executor_.Advance(Reconciler::kCheckInterval);
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  const uint64_t written = reconciler_->Status().objects_written;
  executor_.Advance(Reconciler::kCheckInterval);
  EXPECT_EQ(reconciler_->Status().objects_written, written)
      << "nothing is lost: nothing is written";
}

TEST_F(ReconcilerTest, ASegmentThatLostItsNetworkFailsUntilItIsBack) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  datapath_->LoseSegment(MakeVni(7), absl::NotFoundError("no device"));
  executor_.Advance(Reconciler::kCheckInterval);
  ASSERT_EQ(reconciler_->Status().failures.size(), 1u);
  EXPECT_EQ(reconciler_->Status().failures[0].key, "7");
  ASSERT_EQ(observer_.acknowledgements.back().failures.size(), 1u);
  EXPECT_EQ(InForce().phase, PortPhase::kActive) << "among the host's own ports";
  datapath_->LoseSegment(MakeVni(7), absl::OkStatus());
  executor_.Advance(Reconciler::kLastRetry);
  EXPECT_TRUE(reconciler_->Status().failures.empty());
  EXPECT_TRUE(observer_.acknowledgements.back().failures.empty());
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

}  // namespace
}  // namespace outrider::agent
