// Memberships over time: who is a member until when, who is asked, what the controller hears.
#include "vswitch/agent/multicast_snooper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/manual_executor.h"
#include "tests/support/packet_builder.h"
#include "tests/support/state_generator.h"

namespace outrider::agent {
namespace {

using datapath::MulticastMember;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::Ip;
using tests::MakePortId;

const Vni kVni = tests::MakeVni(7);

// Holds what it is told; a port it does not have is NotFound.
class FakePath final : public datapath::MulticastPath {
 public:
  absl::StatusOr<std::map<MulticastMember, int64_t>> ReadMembers() override { return members; }
  absl::Status PutMember(const MulticastMember& member, int64_t until_us) override {
    members[member] = until_us;
    return absl::OkStatus();
  }
  absl::Status RemoveMember(const MulticastMember& member) override {
    members.erase(member);
    return absl::OkStatus();
  }
  absl::Status SendToGuest(const PortId& port, const Vni&, const Bytes& frame) override {
    sent.emplace_back(port, frame);
    return absl::OkStatus();
  }
  // What was sent since the last call.
  std::vector<std::pair<PortId, Bytes>> TakeSent() { return std::exchange(sent, {}); }

  std::map<MulticastMember, int64_t> members;
  std::vector<std::pair<PortId, Bytes>> sent;
};

MulticastMember MemberOf(int n, const std::string& group) {
  return {MakePortId(static_cast<uint8_t>(n)), {kVni, Ip(group)}};
}

state::HostState TwoPorts() {
  state::HostState state;
  state.segments[kVni] = {.mtu = 1450, .snoop_multicast = true, .vteps = {}};
  for (const uint8_t n : {1, 2}) {
    state::Port& port = state.ports[MakePortId(n)];
    port.mac = tests::MakeMac(n);
    port.vni = kVni;
    port.phase = state::PortPhase::kActive;
    port.device = "port" + std::to_string(n);
  }
  return state;
}

Bytes Igmp(uint8_t type, const std::string& group, const std::string& source = "10.0.0.1") {
  // A general query is sent to all hosts, and names no group.
  const bool general = type == 0x11 && group == "224.0.0.1";
  const auto address = Ip(general ? "0.0.0.0" : group).v4_bytes();
  Bytes message = {type, 0, 0, 0, address[0], address[1], address[2], address[3]};
  const uint16_t checksum = tests::InternetChecksum(message);
  message[2] = static_cast<uint8_t>(checksum >> 8);
  message[3] = static_cast<uint8_t>(checksum);
  const Bytes frame = tests::PacketBuilder("01:00:5e:00:00:16", "52:54:00:00:00:01")
                          .Ipv4({.src = source, .dst = group, .ttl = 1, .protocol = 2})
                          .Payload(message)
                          .Build();
  return Bytes(frame.begin() + 14, frame.end());
}

class MulticastSnooperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Begin();
    snooper_->Follow(TwoPorts());
    path_.TakeSent();
  }

  // A process begins.
  void Begin() {
    // What it has posted is still in the executor.
    if (snooper_ != nullptr) ended_.push_back(std::move(snooper_));
    snooper_ = std::make_unique<MulticastSnooper>(MulticastSnooper::Dependencies{
        .executor = &executor_, .path = &path_, .clock = [this] { return executor_.Wall(); }});
    ASSERT_TRUE(snooper_->Start().ok());
    snooper_->SetObserver([this](const auto& groups) { told_.push_back(groups); });
  }

  void Hear(int n, const Bytes& packet) {
    snooper_->OnMulticast(
        {.port = MakePortId(static_cast<uint8_t>(n)), .vni = kVni, .packet = packet});
    executor_.RunReady();
  }

  std::vector<std::string> Groups() const {
    std::vector<std::string> groups;
    for (const auto& key : snooper_->groups()) groups.push_back(key.group.ToString());
    return groups;
  }

  ManualExecutor executor_;
  FakePath path_;
  std::unique_ptr<MulticastSnooper> snooper_;
  std::vector<std::unique_ptr<MulticastSnooper>> ended_;
  std::vector<MulticastSnooper::Groups> told_;
};

TEST_F(MulticastSnooperTest, AMemberStaysAsLongAsItReports) {
  Hear(1, Igmp(0x16, "239.1.2.3"));
  EXPECT_TRUE(path_.members.contains(MemberOf(1, "239.1.2.3")));
  EXPECT_THAT(Groups(), ElementsAre("239.1.2.3"));
  executor_.Advance(seconds(200));
  Hear(1, Igmp(0x16, "239.1.2.3"));
  executor_.Advance(seconds(259));
  EXPECT_THAT(Groups(), ElementsAre("239.1.2.3"));
  executor_.Advance(seconds(2));
  EXPECT_THAT(Groups(), IsEmpty());
  EXPECT_THAT(path_.members, IsEmpty());
  EXPECT_EQ(told_.size(), 3u) << "nothing, the group, nothing";
}

TEST_F(MulticastSnooperTest, WhoLeavesIsAskedAndSoonGone) {
  Hear(1, Igmp(0x16, "239.1.2.3"));
  Hear(1, Igmp(0x17, "239.1.2.3"));
  EXPECT_THAT(path_.TakeSent(), ElementsAre(std::pair(MakePortId(1), GroupQuery(Ip("239.1.2.3")))));
  Hear(1, Igmp(0x17, "239.1.2.3"));
  EXPECT_THAT(path_.TakeSent(), IsEmpty()) << "once is enough";
  executor_.Advance(seconds(4));
  EXPECT_THAT(Groups(), IsEmpty());
}

TEST_F(MulticastSnooperTest, AnotherBehindThePortKeepsTheMembership) {
  Hear(1, Igmp(0x16, "239.1.2.3"));
  Hear(1, Igmp(0x17, "239.1.2.3"));
  Hear(1, Igmp(0x16, "239.1.2.3"));
  executor_.Advance(seconds(100));
  EXPECT_THAT(Groups(), ElementsAre("239.1.2.3"));
}

TEST_F(MulticastSnooperTest, ALeaveOfWhoIsNoMemberMeansNothing) {
  Hear(1, Igmp(0x17, "239.1.2.3"));
  EXPECT_THAT(path_.TakeSent(), IsEmpty());
  EXPECT_THAT(path_.members, IsEmpty());
}

TEST_F(MulticastSnooperTest, ARouterIsOneWhileItAsks) {
  Hear(2, Igmp(0x11, "224.0.0.1"));
  EXPECT_TRUE(path_.members.contains(MemberOf(2, "::")));
  executor_.Advance(seconds(254));
  EXPECT_THAT(Groups(), ElementsAre("::"));
  executor_.Advance(seconds(3));
  EXPECT_THAT(Groups(), IsEmpty());
}

TEST_F(MulticastSnooperTest, GuestsAreAskedUnlessARouterDoes) {
  const auto asked = [&](int n, IpFamily family) {
    const auto sent = path_.TakeSent();
    return std::count(sent.begin(), sent.end(),
                      std::pair(MakePortId(static_cast<uint8_t>(n)), GeneralQuery(family)));
  };
  executor_.Advance(seconds(124));
  EXPECT_THAT(path_.TakeSent(), IsEmpty());
  executor_.Advance(seconds(2));
  EXPECT_EQ(path_.sent.size(), 4u) << "both ports, both families";
  EXPECT_EQ(asked(2, IpFamily::kV6), 1);
  Hear(2, Igmp(0x11, "224.0.0.1"));
  executor_.Advance(seconds(125));
  EXPECT_EQ(path_.sent.size(), 2u);
  EXPECT_EQ(asked(1, IpFamily::kV4), 0) << "the router's business now";
  executor_.Advance(seconds(250));
  EXPECT_GE(asked(1, IpFamily::kV4), 1) << "it fell silent";
}

TEST_F(MulticastSnooperTest, ANewPortIsAskedAtOnceAndOneThatLeftForgotten) {
  Hear(1, Igmp(0x16, "239.1.2.3"));
  state::HostState state = TwoPorts();
  state.ports.erase(MakePortId(1));
  snooper_->Follow(state);
  EXPECT_THAT(Groups(), IsEmpty());
  EXPECT_THAT(path_.TakeSent(), IsEmpty());
  snooper_->Follow(TwoPorts());
  EXPECT_THAT(path_.TakeSent(), ElementsAre(std::pair(MakePortId(1), GeneralQuery(IpFamily::kV4)),
                                            std::pair(MakePortId(1), GeneralQuery(IpFamily::kV6))));
  state.segments[kVni].snoop_multicast = false;
  Hear(2, Igmp(0x16, "239.1.2.3"));
  snooper_->Follow(state);
  EXPECT_THAT(path_.members, IsEmpty()) << "the segment floods now";
  Hear(2, Igmp(0x16, "239.1.2.3"));
  EXPECT_THAT(path_.members, IsEmpty());
}

TEST_F(MulticastSnooperTest, ARestartForgetsNoMember) {
  Hear(1, Igmp(0x16, "239.1.2.3"));
  executor_.Advance(seconds(100));
  Begin();
  snooper_->Follow(TwoPorts());
  EXPECT_THAT(Groups(), ElementsAre("239.1.2.3"));
  executor_.Advance(seconds(155));
  EXPECT_THAT(Groups(), ElementsAre("239.1.2.3"));
  executor_.Advance(seconds(10));
  EXPECT_THAT(Groups(), IsEmpty()) << "its time is that of its report";
}

TEST_F(MulticastSnooperTest, APortJoinsSoManyGroups) {
  for (int n = 0; n < 300; ++n) {
    Hear(1, Igmp(0x16, "239.9." + std::to_string(n / 200) + "." + std::to_string(n % 200)));
  }
  EXPECT_EQ(path_.members.size(), MulticastSnooper::kMaxGroups);
  EXPECT_EQ(snooper_->ignored(), 300 - MulticastSnooper::kMaxGroups);
  Hear(2, Igmp(0x16, "239.1.2.3"));
  EXPECT_TRUE(path_.members.contains(MemberOf(2, "239.1.2.3"))) << "each port has its own share";
}

// A trunk is in many segments: not each of them has a port's share.
TEST_F(MulticastSnooperTest, ATrunkJoinsSoManyGroupsInAllItsSegments) {
  state::HostState state = TwoPorts();
  state::Port& trunk = state.ports.at(MakePortId(1));
  trunk.vni.reset();
  trunk.vlans.mode = state::VlanMode::kTrunk;
  constexpr int kSegments = 5;
  for (int i = 0; i < kSegments; ++i) {
    const Vni vni = *Vni::Create(static_cast<uint32_t>(100 + i));
    state.segments[vni] = {.mtu = 1450, .snoop_multicast = true, .vteps = {}};
    trunk.vlans.trunk.emplace(static_cast<uint16_t>(10 + i), vni);
  }
  snooper_->Follow(state);
  for (int i = 0; i < kSegments; ++i) {
    for (int n = 0; n < 256; ++n) {
      snooper_->OnMulticast({.port = MakePortId(1),
                             .vni = *Vni::Create(static_cast<uint32_t>(100 + i)),
                             .packet = Igmp(0x16, "239.9.0." + std::to_string(n))});
      executor_.RunReady();
    }
  }
  EXPECT_EQ(path_.members.size(), MulticastSnooper::kMaxPortGroups);
  EXPECT_EQ(snooper_->ignored(), kSegments * 256 - MulticastSnooper::kMaxPortGroups);
  Hear(2, Igmp(0x16, "239.1.2.3"));
  EXPECT_TRUE(path_.members.contains(MemberOf(2, "239.1.2.3")));
}

// While the executor is busy a guest fills its own share of the queue, and nobody else's.
TEST_F(MulticastSnooperTest, SoManyMessagesOfAPortWait) {
  const auto send = [&](uint8_t port, int group) {
    snooper_->OnMulticast({.port = MakePortId(port),
                           .vni = kVni,
                           .packet = Igmp(0x16, "239.9.0." + std::to_string(group))});
  };
  for (int n = 0; n < 100; ++n) send(1, n);
  send(2, 200);
  EXPECT_EQ(snooper_->dropped(), 100 - MulticastSnooper::kMaxWaiting);
  executor_.RunReady();
  EXPECT_EQ(path_.members.size(), MulticastSnooper::kMaxWaiting + 1);
  send(1, 99);
  executor_.RunReady();
  EXPECT_TRUE(path_.members.contains(MemberOf(1, "239.9.0.99"))) << "there is room again";
}

TEST_F(MulticastSnooperTest, ManyChangesAreToldTogether) {
  for (int n = 0; n < 50; ++n) Hear(1, Igmp(0x16, "239.9.0." + std::to_string(n)));
  EXPECT_EQ(told_.size(), 2u) << "nothing, and the first group";
  executor_.Advance(MulticastSnooper::kTellGap);
  ASSERT_EQ(told_.size(), 3u);
  EXPECT_EQ(told_.back(), snooper_->groups());
  EXPECT_EQ(told_.back().size(), 50u);
  Hear(2, Igmp(0x16, "239.9.0.1"));
  executor_.Advance(seconds(5));
  EXPECT_EQ(told_.size(), 3u) << "a second member changes no group";
}

// RFC 3376, 6.6.2: it asks one group; the other members are not asked by that.
TEST_F(MulticastSnooperTest, AQueryOfOneGroupIsNoReasonNotToAsk) {
  Hear(2, Igmp(0x11, "239.1.2.3"));
  executor_.Advance(seconds(126));
  EXPECT_EQ(path_.TakeSent().size(), 4u) << "both ports, both families";
}

// The host's own round may be two minutes away; what the router has kept alive would have ended.
TEST_F(MulticastSnooperTest, WhenARouterFallsSilentGuestsAreAskedInTime) {
  executor_.Advance(seconds(10));
  Hear(2, Igmp(0x11, "224.0.0.1"));
  Hear(1, Igmp(0x16, "239.1.2.3"));
  executor_.Advance(seconds(241));
  path_.TakeSent();
  executor_.Advance(seconds(5));
  EXPECT_THAT(path_.TakeSent(), ElementsAre(std::pair(MakePortId(1), GeneralQuery(IpFamily::kV4)),
                                            std::pair(MakePortId(2), GeneralQuery(IpFamily::kV4))));
  executor_.Advance(seconds(10));
  Hear(1, Igmp(0x16, "239.1.2.3"));
  executor_.Advance(seconds(200));
  EXPECT_TRUE(path_.members.contains(MemberOf(1, "239.1.2.3")));
}

TEST_F(MulticastSnooperTest, WhatIsMalformedIsCounted) {
  Bytes packet = Igmp(0x16, "239.1.2.3");
  packet.back() ^= 1;
  Hear(1, packet);
  EXPECT_EQ(snooper_->ignored(), 1u);
  EXPECT_THAT(path_.members, IsEmpty());
}

// Port 2 waits for its guest.
state::HostState OneWaits() {
  state::HostState state = TwoPorts();
  state::Port& port = state.ports.at(MakePortId(2));
  port.phase = state::PortPhase::kArmed;
  port.device.reset();
  port.arrival = {.vtep = Ip("192.0.2.1"), .label = 5, .host = "h1"};
  return state;
}

Membership Joined(const std::string& group, seconds left, const Vni& vni = kVni) {
  return {.group = {vni, Ip(group)}, .left_us = std::chrono::microseconds(left).count()};
}

TEST_F(MulticastSnooperTest, WhatAPortHasJoinedCanBeTakenAlong) {
  Hear(1, Igmp(0x16, "239.1.2.3"));
  Hear(2, Igmp(0x16, "239.9.9.9"));
  executor_.Advance(seconds(60));
  EXPECT_THAT(snooper_->MembershipsOf(MakePortId(1)),
              ElementsAre(Joined("239.1.2.3", seconds(200))));
}

TEST_F(MulticastSnooperTest, AnArrivingPortIsAMemberBeforeItsGuestComes) {
  snooper_->Follow(OneWaits());
  path_.TakeSent();
  snooper_->TakeOver(MakePortId(2), {Joined("239.1.2.3", seconds(200))});
  EXPECT_THAT(Groups(), ElementsAre("239.1.2.3"));
  EXPECT_EQ(path_.members.at(MemberOf(2, "239.1.2.3")),
            executor_.Wall() + std::chrono::microseconds(seconds(200)).count());
  EXPECT_THAT(path_.TakeSent(), IsEmpty()) << "there is nobody to ask";
  snooper_->Follow(TwoPorts());
  EXPECT_THAT(Groups(), ElementsAre("239.1.2.3"));
  EXPECT_FALSE(path_.TakeSent().empty()) << "now there is";
  executor_.Advance(seconds(201));
  EXPECT_THAT(Groups(), IsEmpty());
}

TEST_F(MulticastSnooperTest, WhatIsTakenOverIsBoundedAsWhatIsHeard) {
  snooper_->Follow(OneWaits());
  std::vector<Membership> many;
  for (int i = 0; i < 300; ++i)
    many.push_back(Joined("239.1.2." + std::to_string(i % 256), seconds(9)));
  for (int i = 0; i < 44; ++i) many.push_back(Joined("239.1.3." + std::to_string(i), seconds(9)));
  snooper_->TakeOver(MakePortId(2), many);
  EXPECT_EQ(path_.members.size(), MulticastSnooper::kMaxGroups);
  snooper_->TakeOver(MakePortId(1), {Joined("239.2.2.2", seconds(1'000'000))});
  EXPECT_EQ(path_.members.at(MemberOf(1, "239.2.2.2")),
            executor_.Wall() + MulticastSnooper::kMembershipTime.count());
}

TEST_F(MulticastSnooperTest, WhatIsKnownHereOrOfNoSegmentHereStaysAsItIs) {
  Hear(1, Igmp(0x16, "239.1.2.3"));
  const int64_t until_us = path_.members.at(MemberOf(1, "239.1.2.3"));
  snooper_->TakeOver(MakePortId(1), {Joined("239.1.2.3", seconds(1)),
                                     Joined("239.4.4.4", seconds(9), tests::MakeVni(8))});
  snooper_->TakeOver(MakePortId(3), {Joined("239.5.5.5", seconds(9))});
  EXPECT_EQ(path_.members.size(), 1u);
  EXPECT_EQ(path_.members.at(MemberOf(1, "239.1.2.3")), until_us);
}

TEST_F(MulticastSnooperTest, AnArrivalThatFailsTakesItsMembershipsAlong) {
  snooper_->Follow(OneWaits());
  snooper_->TakeOver(MakePortId(2), {Joined("239.1.2.3", seconds(200))});
  state::HostState without = TwoPorts();
  without.ports.erase(MakePortId(2));
  snooper_->Follow(without);
  EXPECT_THAT(path_.members, IsEmpty());
}

}  // namespace
}  // namespace outrider::agent
