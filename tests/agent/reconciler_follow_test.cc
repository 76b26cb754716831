// Who follows what moves hears of it: the controller's word as it is, and what is in force.
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/agent/manual_executor.h"
#include "tests/agent/sample_states.h"
#include "tests/agent/temp_dir.h"
#include "tests/fakes/fake_datapath.h"
#include "vswitch/agent/reconciler.h"

namespace outrider::agent {
namespace {

using state::PortPhase;

const PortId kPort = MakePortId(1);

class Recorder final : public StateFollower {
 public:
  void Follow(const state::HostState& wanted, const state::HostState& in_force) override {
    heard.emplace_back(wanted, in_force);
  }
  std::vector<std::pair<state::HostState, state::HostState>> heard;
};

class FollowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = LocalStore::Open(directory_ / "agent.db");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    reconciler_ = std::make_unique<Reconciler>(
        Reconciler::Dependencies{.executor = &executor_,
                                 .datapath = &datapath_,
                                 .store = store_.get(),
                                 .clock = [this] { return executor_.Wall(); },
                                 .followers = {&first_, &second_}});
    ASSERT_TRUE(reconciler_->Start().ok());
  }
  void TearDown() override { datapath_.SetEventSink(nullptr); }

  absl::Status Snapshot(const state::HostState& state) {
    return reconciler_->TakeSnapshot(
        {.store_id = "store-1", .generation = Generation{5}, .state = state});
  }

  TempDir directory_;
  ManualExecutor executor_;
  datapath::FakeDatapath datapath_;
  Recorder first_;
  Recorder second_;
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Reconciler> reconciler_;
};

TEST_F(FollowTest, AnArrivalIsToldWhenItIsInForceAndWhenItOpens) {
  state::HostState armed = SampleState(PortPhase::kArmed, 2);
  state::Port& port = armed.ports.at(kPort);
  port.migration_id = "m-1";
  port.arrival = {.vtep = *IpAddress::Parse("192.0.2.1"), .label = 5, .host = "h1"};
  armed.fdb[{MakeVni(7), MakeMac(1)}] = {*IpAddress::Parse("192.0.2.1"), Epoch{1}};
  armed.segments.at(MakeVni(7)).vteps = {*IpAddress::Parse("192.0.2.1")};
  reconciler_->Attach(kPort, SampleAttachment(1));
  ASSERT_TRUE(Snapshot(armed).ok());
  ASSERT_FALSE(first_.heard.empty());
  EXPECT_EQ(first_.heard.back().first.ports.at(kPort).arrival->host, "h1");
  EXPECT_EQ(first_.heard.back().second.ports.at(kPort).phase, PortPhase::kArmed);
  ASSERT_TRUE(datapath_.InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  EXPECT_EQ(first_.heard.back().first.ports.at(kPort).phase, PortPhase::kArmed);
  EXPECT_EQ(first_.heard.back().second.ports.at(kPort).phase, PortPhase::kActive);
  EXPECT_EQ(second_.heard, first_.heard);
}

TEST_F(FollowTest, ADepartureIsToldWithItsPeer) {
  state::HostState leaving = SampleState();
  leaving.departures[kPort] = {.migration_id = "m-1",
                               .vtep = *IpAddress::Parse("192.0.2.2"),
                               .epoch = Epoch{2},
                               .label = 5,
                               .host = "h2",
                               .peer = "192.0.2.2:7444"};
  ASSERT_TRUE(Snapshot(leaving).ok());
  EXPECT_EQ(first_.heard.back().first.departures.at(kPort).peer, "192.0.2.2:7444");
}

}  // namespace
}  // namespace outrider::agent
