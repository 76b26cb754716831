// Ports that begin to forward in provider segments: what is said of them, how often, and how long.
#include "vswitch/agent/announcer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/agent/reconciler_fixture.h"
#include "tests/support/packet_builder.h"

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using tests::Ip;

class RecordingSender final : public sys::FrameSender {
 public:
  absl::Status Send(const std::string& device, const std::vector<uint8_t>& frame) override {
    sent.emplace_back(device, frame);
    return result;
  }
  std::vector<std::pair<std::string, Frame>> sent;
  absl::Status result;
};

// Port 1 in segment 7, which VLAN `vlan` of "net" carries.
state::HostState Carried(uint16_t vlan, state::PortPhase phase = state::PortPhase::kActive,
                         uint64_t epoch = 1) {
  state::HostState state = SampleState(phase, epoch);
  state.segments[MakeVni(7)].provider = {.uplink = "net", .vlan = vlan};
  return state;
}

class AnnouncerTest : public ::testing::Test {
 protected:
  void Announce(const state::HostState& state, const std::set<IpAddress>& ips = {}) {
    announcer_.Announce(kPort, state, ips);
  }

  ManualExecutor executor_;
  RecordingSender sender_;
  Announcer announcer_{&executor_, &sender_, {{"net", "eth1"}}};
};

TEST_F(AnnouncerTest, SaysMacAndAddressesSeveralTimes) {
  state::HostState state = Carried(100);
  state.neighbors[{MakeVni(7), Ip("10.0.0.1")}] = MakeMac(1);
  state.neighbors[{MakeVni(7), Ip("10.0.0.2")}] = MakeMac(2);
  state.neighbors[{MakeVni(8), Ip("10.0.0.3")}] = MakeMac(1);
  Announce(state, {Ip("fd00::1")});
  executor_.RunReady();
  EXPECT_THAT(sender_.sent,
              ElementsAre(Pair("eth1", ReverseArp(MakeMac(1), 100)),
                          Pair("eth1", AddressAnnouncement(MakeMac(1), Ip("10.0.0.1"), 100)),
                          Pair("eth1", AddressAnnouncement(MakeMac(1), Ip("fd00::1"), 100))));
  executor_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(sender_.sent.size(), 3 * Announcer::kTimes.size());
}

TEST_F(AnnouncerTest, SaysNothingWhereVxlanCarriesOrTheUplinkIsAnothers) {
  Announce(SampleState());
  state::HostState other = Carried(100);
  other.segments[MakeVni(7)].provider->uplink = "other";
  Announce(other);
  executor_.Advance(std::chrono::seconds(10));
  EXPECT_THAT(sender_.sent, IsEmpty());
}

// Whoever is behind it speaks for himself.
TEST_F(AnnouncerTest, SaysNothingOfAPortWhoseMacIsNotKnown) {
  state::HostState state = Carried(100);
  state.ports[kPort].mac = MacAddress();
  Announce(state, {Ip("10.0.0.1")});
  executor_.Advance(std::chrono::seconds(10));
  EXPECT_THAT(sender_.sent, IsEmpty());
}

TEST_F(AnnouncerTest, SaysOfATrunkItsMacInEachVlanAndNoAddress) {
  state::HostState state = Carried(100);
  state.segments[MakeVni(8)] = {.mtu = 1450, .vteps = {}, .provider = {{"net", 0}}};
  state.ports[kPort].vni.reset();
  state.ports[kPort].vlans = {.mode = state::VlanMode::kTrunk,
                              .trunk = {{1, MakeVni(7)}, {2, MakeVni(8)}}};
  Announce(state, {Ip("10.0.0.1")});
  executor_.RunReady();
  EXPECT_THAT(sender_.sent, ElementsAre(Pair("eth1", ReverseArp(MakeMac(1), 100)),
                                        Pair("eth1", ReverseArp(MakeMac(1), 0))));
}

TEST_F(AnnouncerTest, DoesNotCallARouterAHost) {
  state::HostState state = Carried(100);
  state.ports[kPort].ra_guard = false;
  Announce(state, {Ip("fd00::1")});
  executor_.RunReady();
  EXPECT_EQ(sender_.sent.size(), 1u);
}

TEST_F(AnnouncerTest, EndsWithThePortAndWithTheNextAnnouncement) {
  Announce(Carried(100));
  executor_.RunReady();
  Announce(Carried(200));
  executor_.Advance(std::chrono::milliseconds(60));
  EXPECT_THAT(sender_.sent, ElementsAre(Pair("eth1", ReverseArp(MakeMac(1), 100)),
                                        Pair("eth1", ReverseArp(MakeMac(1), 200)),
                                        Pair("eth1", ReverseArp(MakeMac(1), 200))));
  announcer_.Forget(kPort);
  executor_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(sender_.sent.size(), 3u);
}

// A device that takes nothing is no reason to say more, or less.
TEST_F(AnnouncerTest, KeepsToItsRateHoweverManyPortsThereAre) {
  sender_.result = absl::UnavailableError("down");
  state::HostState state = Carried(100);
  constexpr uint8_t kPorts = 200;
  for (uint8_t n = 1; n <= kPorts; ++n) {
    state.ports[MakePortId(n)] = SamplePort(n, state::PortPhase::kActive, 1);
    announcer_.Announce(MakePortId(n), state, {});
  }
  size_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    executor_.Advance(Announcer::kBurstGap);
    // Two bursts may touch one gap's ends.
    EXPECT_LE(sender_.sent.size() - before, 2 * Announcer::kBurst);
    before = sender_.sent.size();
  }
  EXPECT_EQ(sender_.sent.size(), kPorts * Announcer::kTimes.size());
}

// The same with the reconciler, which says when.
class AnnouncedPort : public ReconcilerTest {
 protected:
  void SetUp() override {
    ReconcilerTest::SetUp();
    Start();
  }
  // What was posted before goes with its process.
  void Start() {
    reconciler_.reset();
    process_ = std::make_unique<ManualExecutor>();
    announcer_ = std::make_unique<Announcer>(process_.get(), &sender_,
                                             std::map<std::string, std::string>{{"net", "eth1"}});
    datapath_->SetEventSink(nullptr);
    reconciler_ = std::make_unique<Reconciler>(
        Reconciler::Dependencies{.executor = process_.get(),
                                 .datapath = datapath_.get(),
                                 .store = store_.get(),
                                 .clock = [this] { return process_->Wall(); },
                                 .announcer = announcer_.get()});
    ASSERT_TRUE(reconciler_->Start().ok());
  }
  size_t Said() {
    process_->Advance(std::chrono::seconds(5));
    return std::exchange(sender_.sent, {}).size();
  }

  RecordingSender sender_;
  std::unique_ptr<ManualExecutor> process_;
  std::unique_ptr<Announcer> announcer_;
};

TEST_F(AnnouncedPort, WhenItBeginsToForwardAndNotAgain) {
  ASSERT_TRUE(Snapshot(1, Carried(100)).ok());
  EXPECT_EQ(Said(), 0u) << "no device yet";
  Attach(1);
  EXPECT_EQ(Said(), Announcer::kTimes.size());
  state::HostState edited = Carried(100);
  edited.ports[kPort].profile_revision = 9;
  ASSERT_TRUE(Snapshot(2, edited).ok());
  EXPECT_EQ(Said(), 0u) << "another profile moves nobody";
  Start();
  EXPECT_EQ(Said(), 0u) << "it forwarded all the time";
  reconciler_->Detach(kPort);
  EXPECT_EQ(Said(), 0u);
}

TEST_F(AnnouncedPort, WhenTheUplinkIsBack) {
  ASSERT_TRUE(Snapshot(1, Carried(100)).ok());
  Attach(1);
  EXPECT_EQ(Said(), Announcer::kTimes.size());
  reconciler_->UplinkChanged("eth9");
  EXPECT_EQ(Said(), 0u) << "another device";
  reconciler_->UplinkChanged("eth1");
  EXPECT_EQ(Said(), Announcer::kTimes.size());
}

TEST_F(AnnouncedPort, WhenItArrivesByAMigration) {
  ASSERT_TRUE(Snapshot(1, Carried(100, state::PortPhase::kArmed, 2)).ok());
  Attach(1);
  EXPECT_EQ(Said(), 0u) << "it is elsewhere yet";
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  EXPECT_EQ(Said(), Announcer::kTimes.size());
  ASSERT_TRUE(Snapshot(2, Carried(100, state::PortPhase::kActive, 2)).ok());
  EXPECT_EQ(Said(), 0u) << "the controller's word of what is so already";
}

TEST_F(AnnouncedPort, NoMoreWhenItLeavesInBetween) {
  ASSERT_TRUE(Snapshot(1, Carried(100)).ok());
  Attach(1);
  process_->RunReady();
  EXPECT_EQ(sender_.sent.size(), 1u);
  ASSERT_TRUE(Snapshot(2, {}).ok());
  EXPECT_EQ(Said(), 1u);
}

}  // namespace
}  // namespace outrider::agent
