// What the controller has yet to answer: a claim begins a move, what is left of an earlier stay
// does not. And what passes between source and destination when the guest pauses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/reconciler_fixture.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using Told = std::vector<std::pair<PortId, std::string>>;

class ClaimTest : public ReconcilerTest {
 protected:
  std::set<PortId> Claims() { return reconciler_->Held().claims; }
};

TEST_F(ClaimTest, AnAttachmentIsAClaimUntilTheControllerHasThePortHere) {
  Attach(1);
  ASSERT_EQ(observer_.events.size(), 1u);
  EXPECT_TRUE(observer_.events[0].claim);
  EXPECT_THAT(Claims(), ElementsAre(kPort));
  Restart();
  EXPECT_THAT(Claims(), ElementsAre(kPort)) << "killed before anybody heard of it";
  ASSERT_TRUE(Snapshot(5, SampleState(PortPhase::kArmed, 2)).ok());
  EXPECT_THAT(Claims(), IsEmpty());
  // The port moves on; its device stays for a while.
  ASSERT_TRUE(Snapshot(6, {}).ok());
  EXPECT_THAT(Claims(), IsEmpty());
  Restart();
  EXPECT_THAT(Claims(), IsEmpty()) << "would take the port back";
}

TEST_F(ClaimTest, ARefusalIsAnAnswer) {
  Attach(1);
  reconciler_->TakeRefusal(kPort, absl::FailedPreconditionError("no room"));
  EXPECT_THAT(Claims(), IsEmpty());
  EXPECT_FALSE(reconciler_->IsServed(kPort));
  Restart();
  EXPECT_THAT(Claims(), IsEmpty());
  Attach(1);
  EXPECT_THAT(Claims(), ElementsAre(kPort)) << "asked anew";
  EXPECT_TRUE(reconciler_->IsServed(kPort));
}

TEST_F(ClaimTest, AChangeOfAPortThatIsHereClaimsNothing) {
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  Attach(1);
  ASSERT_EQ(observer_.events.size(), 1u);
  EXPECT_FALSE(observer_.events[0].claim);
  EXPECT_THAT(Claims(), IsEmpty());
}

TEST_F(ClaimTest, ADetachedDeviceClaimsNothing) {
  Attach(1);
  ASSERT_TRUE(store_->DeleteAttachment(kPort).ok());
  reconciler_->Detach(kPort);
  EXPECT_THAT(Claims(), IsEmpty());
  Restart();
  EXPECT_THAT(Claims(), IsEmpty());
}

class PortDataOfSource : public ReconcilerTest {
 protected:
  void SetUp() override {
    ReconcilerTest::SetUp();
    ASSERT_TRUE(Snapshot(5, SampleState()).ok());
    Attach(1);
  }
};

TEST_F(PortDataOfSource, IsThereOnceTheMigrationIsArmedAndOnlyThen) {
  Told told;
  reconciler_->SetPortDataObserver(
      [&](const PortId& id, const std::string& data) { told.emplace_back(id, data); });
  EXPECT_EQ(reconciler_->PortDataOf(kPort), "");
  EXPECT_THAT(told, IsEmpty());
  observer_.Clear();
  const size_t applies = datapath_->applied().size();
  ASSERT_TRUE(Snapshot(6, Leaving()).ok());
  EXPECT_EQ(reconciler_->PortDataOf(kPort), kPortData);
  EXPECT_THAT(told, ElementsAre(Pair(kPort, kPortData)));
  ASSERT_EQ(datapath_->applied().size(), applies + 1);
  EXPECT_EQ(datapath_->applied().back().size(), 1u);
  EXPECT_EQ(datapath_->applied().back().departures.upserts.count(kPort), 1u);
  EXPECT_THAT(observer_.receipts, IsEmpty());
  ASSERT_TRUE(Snapshot(7, SampleState()).ok());
  EXPECT_EQ(reconciler_->PortDataOf(kPort), "");
  EXPECT_THAT(told, ElementsAre(Pair(kPort, kPortData), Pair(kPort, "")));
}

TEST_F(PortDataOfSource, OutlivesTheAgentAndIsToldToWhoAsksLate) {
  ASSERT_TRUE(Snapshot(6, Leaving()).ok());
  Restart();
  EXPECT_EQ(reconciler_->Status().objects_written, 0u);
  Told told;
  reconciler_->SetPortDataObserver(
      [&](const PortId& id, const std::string& data) { told.emplace_back(id, data); });
  EXPECT_THAT(told, ElementsAre(Pair(kPort, kPortData)));
  EXPECT_EQ(reconciler_->ListPorts().at(0).port_data, kPortData);
}

// While the controller moves the ports the source has none of them any more.
TEST_F(PortDataOfSource, IsThereWhileThePortsMove) {
  state::HostState moving;
  moving.departures = Leaving().departures;
  ASSERT_TRUE(Snapshot(6, moving).ok());
  EXPECT_EQ(reconciler_->PortDataOf(kPort), kPortData);
}

class PortDataAtDestination : public ReconcilerTest {
 protected:
  void SetUp() override {
    ReconcilerTest::SetUp();
    armed_ = SampleState(PortPhase::kArmed, 2);
    armed_.ports[kPort].report_first_frame = true;
    armed_.ports[kPort].migration_id = "m-1";
    ASSERT_TRUE(Snapshot(5, armed_).ok());
  }
  void ExpectIgnored(const std::string& text, absl::StatusCode code, const std::string& why) {
    const state::HostState before = *datapath_->ReadState();
    const absl::Status status = reconciler_->TakePortData(kPort, text);
    EXPECT_EQ(status.code(), code) << text << ": " << status;
    EXPECT_THAT(Message(status), HasSubstr(why));
    EXPECT_EQ(*datapath_->ReadState(), before);
    EXPECT_THAT(EventKinds(), ::testing::Not(::testing::Contains(PortEvent::Kind::kActivated)));
  }
  state::HostState armed_;
};

TEST_F(PortDataAtDestination, OpensThePortAsTheFirstFrameWould) {
  Attach(1);
  observer_.Clear();
  const size_t applies = datapath_->applied().size();
  ASSERT_TRUE(reconciler_->TakePortData(kPort, kPortData).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(datapath_->applied().size(), applies + 1);
  EXPECT_EQ(datapath_->applied().back().size(), 1u) << "one object, no full pass";
  ASSERT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated));
  EXPECT_EQ(observer_.events[0].trigger, "port-data");
  EXPECT_EQ(observer_.events[0].epoch, Epoch{2});
  // Once more is as well; and the guest is still to be heard of.
  EXPECT_TRUE(reconciler_->TakePortData(kPort, kPortData).ok());
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated, PortEvent::Kind::kFirstFrame));
}

TEST_F(PortDataAtDestination, IsRepeatedToANewSessionWithWhatOpenedThePort) {
  Attach(1);
  ASSERT_TRUE(reconciler_->TakePortData(kPort, kPortData).ok());
  observer_.Clear();
  reconciler_->ReportAll();
  ASSERT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated));
  EXPECT_EQ(observer_.events[0].trigger, "port-data");
  Restart();
  reconciler_->ReportAll();
  ASSERT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated));
  EXPECT_EQ(observer_.events[0].trigger, "") << "not known any more";
}

TEST_F(PortDataAtDestination, OfAnotherMigrationHasNoEffect) {
  Attach(1);
  ExpectIgnored("outrider-1.m-0.2", absl::StatusCode::kFailedPrecondition, "migration m-1");
  ExpectIgnored("outrider-1.m-1.1", absl::StatusCode::kFailedPrecondition, "epoch 2");
  ExpectIgnored("vendor blob", absl::StatusCode::kInvalidArgument, "PortData");
  EXPECT_EQ(reconciler_->TakePortData(MakePortId(9), kPortData).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(PortDataAtDestination, WithoutADeviceHasNoEffect) {
  ExpectIgnored(kPortData, absl::StatusCode::kFailedPrecondition, "no device");
}

TEST_F(PortDataAtDestination, AfterTheAbortHasNoEffect) {
  Attach(1);
  ASSERT_TRUE(Snapshot(6, {}).ok());
  ExpectIgnored(kPortData, absl::StatusCode::kFailedPrecondition, "no migration");
}

TEST_F(PortDataAtDestination, WhatTheDatapathRefusesIsSaid) {
  Attach(1);
  datapath_->FailUpsert(datapath::ObjectKind::kPort, kPort.ToString(),
                        absl::UnavailableError("busy"), 1);
  EXPECT_EQ(reconciler_->TakePortData(kPort, kPortData).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace outrider::agent
