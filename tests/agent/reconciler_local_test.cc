// The reconciler with segments and ports of this host alone beside the controller's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/reconciler_fixture.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::MakeLocalVni;

const Vni kTen = MakeLocalVni(10);
const PortId kLocal = MakePortId(9);

class ReconcilerLocalTest : public ReconcilerTest {
 protected:
  static LocalState OneLocalPort() {
    LocalState local;
    local.segments[kTen] = MakeLocalSegment(9000);
    local.ports[kLocal] = MakeLocalPort("vnet9", MakeMac(9));
    local.ports[kLocal].vni = kTen;
    return local;
  }
  static LocalState WithLimits() {
    LocalState local = OneLocalPort();
    local.limits[kPort] = {.ingress = {.rate_kbps = 1000, .burst_kb = 100},
                           .egress = {.min_kbps = 0, .max_kbps = 2000, .burst_kb = 10}};
    return local;
  }
  size_t Applies() const { return datapath_->applied().size(); }
  uint64_t Touched() const { return datapath_->total_written() + datapath_->total_deleted(); }
};

TEST_F(ReconcilerLocalTest, ALocalPortForwardsAtOnceWithoutAController) {
  LocalState local = OneLocalPort();
  local.ports[kLocal].phase = PortPhase::kBlocked;
  local.ports[kLocal].profile = "web";
  reconciler_->SetLocal(local);
  EXPECT_EQ(InForce(kLocal), OneLocalPort().ports.at(kLocal));
  EXPECT_EQ(datapath_->ReadState()->fdb.size(), 1u);
  EXPECT_THAT(reconciler_->LocalProblems(), IsEmpty());
  reconciler_->SetLocal({});
  EXPECT_EQ(*datapath_->ReadState(), state::HostState());
}

TEST_F(ReconcilerLocalTest, TheControllerHearsNothingOfIt) {
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  Attach(1);
  const HeldState held = reconciler_->Held();
  observer_.Clear();
  reconciler_->SetLocal(OneLocalPort());
  datapath_->FailUpsert(datapath::ObjectKind::kPort, kLocal.ToString(),
                        absl::UnavailableError("busy"), 1);
  datapath_->LoseSegment(kTen, absl::NotFoundError("no device"));
  LocalState local = OneLocalPort();
  local.ports[kLocal].traffic_class = 3;
  local.segments[kTen].mtu = 1500;
  reconciler_->SetLocal(local);
  EXPECT_EQ(reconciler_->LocalProblems().at(kLocal), "busy");
  EXPECT_THAT(reconciler_->Status().failures, SizeIs(2));
  EXPECT_THAT(observer_.receipts, IsEmpty());
  EXPECT_THAT(observer_.events, IsEmpty());
  EXPECT_THAT(observer_.acknowledgements, IsEmpty());
  reconciler_->ReportAll();
  EXPECT_THAT(observer_.receipts, SizeIs(1));
  ASSERT_THAT(observer_.acknowledgements, SizeIs(1));
  EXPECT_THAT(observer_.acknowledgements[0].failures, IsEmpty());
  EXPECT_EQ(reconciler_->Held().digest, held.digest);
  EXPECT_EQ(reconciler_->Held().attachments, held.attachments);

  datapath_->LoseSegment(kTen, absl::OkStatus());
  executor_.Advance(Reconciler::kLastRetry);
  EXPECT_EQ(InForce(kLocal).phase, PortPhase::kActive) << "tried again";
  EXPECT_THAT(reconciler_->LocalProblems(), IsEmpty());
}

TEST_F(ReconcilerLocalTest, FailuresOfTheControllersAreTold) {
  reconciler_->SetLocal(OneLocalPort());
  datapath_->FailUpsert(datapath::ObjectKind::kPort, kPort.ToString(),
                        absl::UnavailableError("busy"), 1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  ASSERT_THAT(observer_.acknowledgements.back().failures, SizeIs(1));
}

TEST_F(ReconcilerLocalTest, ARestartKeepsItUntilSomebodySpeaks) {
  Attach(1);
  for (const bool known : {false, true}) {
    if (known) {
      ASSERT_TRUE(Snapshot(5, SampleState()).ok());
    }
    reconciler_->SetLocal(known ? WithLimits() : OneLocalPort());
    const state::HostState before = *datapath_->ReadState();
    const uint64_t touched = Touched();
    Restart();
    EXPECT_EQ(*datapath_->ReadState(), before);
    EXPECT_EQ(Touched(), touched) << "nothing is written";
    if (known) {
      ASSERT_TRUE(Snapshot(6, SampleState()).ok());
    }
    EXPECT_EQ(*datapath_->ReadState(), before);
    reconciler_->SetLocal(known ? WithLimits() : OneLocalPort());
    EXPECT_EQ(Touched(), touched) << "the same is said again";
  }
  reconciler_->SetLocal({});
  EXPECT_EQ(InForce(kPort).ingress_policer, state::Policer{});
  EXPECT_FALSE(datapath_->ReadState()->ports.contains(kLocal));
}

TEST_F(ReconcilerLocalTest, ADeviceThatComesLaterIsBound) {
  datapath_->RemoveDevice("vnet9");
  reconciler_->SetLocal(OneLocalPort());
  EXPECT_THAT(reconciler_->LocalProblems().at(kLocal), ::testing::HasSubstr("no such device"));
  datapath_->AddDevice("vnet9");
  reconciler_->DeviceAppeared("vnet9");
  EXPECT_EQ(InForce(kLocal).phase, PortPhase::kActive);
  EXPECT_THAT(reconciler_->LocalProblems(), IsEmpty());
}

// A port that gets a profile, and loses it.
TEST_F(ReconcilerLocalTest, APortGoesOverToTheControllerAndBack) {
  LocalState local = OneLocalPort();
  local.ports[kPort] = MakeLocalPort("tap1", std::nullopt);
  local.ports[kPort].vni = kTen;
  reconciler_->SetLocal(local);
  EXPECT_EQ(InForce(kPort).vni, kTen);
  ASSERT_TRUE(Snapshot(5, SampleState(PortPhase::kArmed, 3)).ok());
  Attach(1);
  EXPECT_EQ(InForce(kPort).vni, MakeVni(7));
  EXPECT_EQ(InForce(kPort).phase, PortPhase::kArmed);
  EXPECT_TRUE(reconciler_->LocalProblems().contains(kPort));
  EXPECT_EQ(observer_.receipts.back().port, kPort);
  ASSERT_TRUE(Snapshot(6, {}).ok());
  reconciler_->Detach(kPort);
  EXPECT_EQ(InForce(kPort).vni, kTen);
  EXPECT_EQ(InForce(kPort).epoch, Epoch{3}) << "as in force, or it would be refused";
  // Under the same epoch: it has not opened itself.
  ASSERT_TRUE(Snapshot(7, SampleState(PortPhase::kArmed, 3)).ok());
  Attach(1);
  EXPECT_EQ(InForce(kPort).phase, PortPhase::kArmed);
}

TEST_F(ReconcilerLocalTest, AReceiptIsOfTheProfileAlone) {
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  Attach(1);
  const std::string digest = observer_.receipts.back().digest;
  EXPECT_EQ(digest, convert::ReceiptDigest(kPort, SampleState().ports.at(kPort)));
  observer_.Clear();
  reconciler_->SetLocal(WithLimits());
  EXPECT_EQ(InForce(kPort).ingress_policer.rate_kbps, 1000u);
  EXPECT_EQ(InForce(kPort).shaper.max_kbps, 2000u);
  EXPECT_THAT(observer_.receipts, IsEmpty()) << "nothing new to tell";
  reconciler_->ReportAll();
  EXPECT_EQ(observer_.receipts.back().digest, digest);
  for (const PortView& view : reconciler_->ListPorts()) {
    EXPECT_EQ(view.digest, view.id == kPort ? digest : "");
    EXPECT_EQ(view.problem, "");
  }
  // The profile gets one of its own.
  state::HostState next = SampleState();
  next.ports[kPort].ingress_policer = {.rate_kbps = 7, .burst_kb = 7};
  ASSERT_TRUE(Snapshot(6, next).ok());
  EXPECT_EQ(InForce(kPort).ingress_policer.rate_kbps, 7u);
  EXPECT_EQ(observer_.receipts.back().digest, convert::ReceiptDigest(kPort, next.ports[kPort]));
}

TEST_F(ReconcilerLocalTest, GeneratedSequencesEndWithDesiredInForce) {
  tests::StateGenerator generator(5, {"tap1", "tap2", "tap3"}, /*local=*/true);
  for (uint64_t round = 1; round <= 50; ++round) {
    const state::HostState next = generator.Next();
    LocalState local = LocalPartOf(next);
    for (auto& [id, port] : local.ports) {
      port.ingress_rule_set.reset();
      port.egress_rule_set.reset();
    }
    ASSERT_TRUE(Snapshot(round, WithoutLocalPart(next)).ok());
    reconciler_->SetLocal(local);
    ASSERT_EQ(*datapath_->ReadState(), reconciler_->desired()) << "round " << round;
    ASSERT_EQ(state::Validate(reconciler_->desired()), absl::OkStatus());
    ASSERT_THAT(reconciler_->Status().failures, IsEmpty());
    if (round % 10 != 0) continue;
    const uint64_t touched = Touched();
    Restart();
    reconciler_->SetLocal(local);
    EXPECT_EQ(Touched(), touched) << "round " << round;
  }
}

}  // namespace
}  // namespace outrider::agent
