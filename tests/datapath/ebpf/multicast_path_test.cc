// Multicast by the datapath as a whole: who joined outlives the process, copies go to ports and
// VTEPs that did, queries reach guests.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "tests/datapath/ebpf/traffic_fixture.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/sys/bpf/typed_map.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::Ip;
using tests::MakePortId;

constexpr char kGroup[] = "239.1.2.3";
constexpr char kGroupMac[] = "01:00:5e:01:02:03";
constexpr char kVtepB[] = "10.99.0.2";
constexpr char kVtepC[] = "10.99.0.3";
constexpr int64_t kUntil = 1'000'000'000'000;

Bytes Data(int from) {
  return tests::PacketBuilder(kGroupMac, MacOf(from))
      .Ipv4({.src = IpOf(from), .dst = kGroup})
      .Udp(1, 2)
      .Payload(64)
      .Build();
}

Bytes Report(int from) {
  return tests::PacketBuilder(kGroupMac, MacOf(from))
      .Ipv4({.src = IpOf(from), .dst = kGroup, .ttl = 1, .protocol = 2})
      .Payload({0x16, 0, 0, 0, 239, 1, 2, 3})
      .Build();
}

MulticastMember MemberOf(int n, const std::string& group = kGroup) {
  return {MakePortId(static_cast<uint8_t>(n)), {kSegment, Ip(group)}};
}

class EventRecorder final : public EventSink {
 public:
  void OnFirstFrame(const FirstFrameEvent&) override {}
  void OnMulticast(const MulticastEvent& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    arrived_.notify_all();
  }
  std::vector<MulticastEvent> Await(size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::seconds(5), [&] { return events_.size() >= count; });
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<MulticastEvent> events_;
};

class MulticastPathTest : public ::testing::TestWithParam<GuestKind> {
 protected:
  MulticastPathTest() {
    tests::CreateVeth({.netns = &host_.netns(), .name = "underlay"},
                      {.netns = &peers_, .name = "underlay"});
    tests::AddAddress(host_.netns(), "underlay", "10.99.0.1/24");
    tests::AddAddress(peers_, "underlay", std::string(kVtepB) + "/24");
    tests::AddAddress(peers_, "underlay", std::string(kVtepC) + "/24");
    for (int n = 1; n <= 3; ++n) {
      guests_.push_back(MakeGuest(GetParam(), &host_, "port" + std::to_string(n)));
    }
    host_.Start();
  }

  Guest& guest(int n) { return *guests_[static_cast<size_t>(n - 1)]; }

  static HostState Snooping() {
    HostState state = EmptySegment({Ip(kVtepB), Ip(kVtepC)});
    state.segments[kSegment].snoop_multicast = true;
    for (int n = 1; n <= 3; ++n) AddPort(n, "port" + std::to_string(n), &state);
    return state;
  }

  void Put(const MulticastMember& member) {
    ASSERT_TRUE(host_.In([&] { return host_.datapath().PutMember(member, kUntil); }).ok());
  }
  std::map<MulticastMember, int64_t> Members() {
    return host_.In([&] { return host_.datapath().ReadMembers().value(); });
  }

  // RFC 7348, section 5.
  void SendFromVtepB(const Bytes& inner) {
    Bytes payload = {8, 0, 0, 0, 0, 0, static_cast<uint8_t>(kSegment.value()), 0};
    payload.insert(payload.end(), inner.begin(), inner.end());
    const tests::NetnsScope scope(peers_);
    const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ASSERT_EQ(inet_pton(AF_INET, kVtepB, &address.sin_addr), 1);
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(inet_pton(AF_INET, "10.99.0.1", &address.sin_addr), 1);
    address.sin_port = htons(4789);
    ASSERT_EQ(sendto(fd.get(), payload.data(), payload.size(), 0,
                     reinterpret_cast<sockaddr*>(&address), sizeof(address)),
              static_cast<ssize_t>(payload.size()));
  }
  // Whether the programs thought of telling the agent what no port of ours has said.
  bool HasQuotaOfNoPort() {
    const auto maps =
        sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(host_.options().bpffs), {"or_quotas"}).value();
    sys::TypedMap<abi::or_rule_count_key, abi::or_quota> quotas(maps.get(), "or_quotas");
    const std::vector<abi::or_rule_count_key> keys = quotas.Keys().value();
    return std::any_of(keys.begin(), keys.end(), [](const auto& key) { return key.port == 0; });
  }

  tests::NetworkNamespace peers_;
  EbpfHost host_;
  std::vector<std::unique_ptr<Guest>> guests_;
};

TEST_P(MulticastPathTest, GoesToThePortThatJoinedAlsoAfterARestart) {
  host_.Become(Snooping());
  Put(MemberOf(2));
  for (int run = 0; run < 2; ++run) {
    guest(1).Send(Data(1));
    EXPECT_EQ(guest(2).Receive(), Data(1));
    // Both get this, so that nothing can still be on its way.
    guest(1).Send(BroadcastFrame(1));
    EXPECT_EQ(guest(3).Receive(), BroadcastFrame(1)) << "and nothing before it";
    EXPECT_EQ(guest(2).Receive(), BroadcastFrame(1));
    host_.Stop();
    host_.Start();
    EXPECT_EQ(Members(), (std::map<MulticastMember, int64_t>{{MemberOf(2), kUntil}}));
    EXPECT_EQ(host_.Read(), Snooping()) << "what guests say is not of the state";
  }
}

TEST_P(MulticastPathTest, GoesToTheVtepThatJoined) {
  HostState state = Snooping();
  state.multicast_groups[{kSegment, Ip(kGroup)}] = {Ip(kVtepC)};
  host_.Become(state);
  tests::PacketSocket underlay(peers_, "underlay");
  const auto next = [&] {
    const auto frame = underlay.Receive([](const Bytes& bytes) {
      return bytes.size() > 64 && bytes[12] == 8 && bytes[13] == 0 && bytes[36] == 0x12;
    });
    return frame ? int{(*frame)[33]} : 0;
  };
  guest(1).Send(Data(1));
  EXPECT_EQ(next(), 3);
  state.multicast_groups[{kSegment, Ip(kGroup)}] = {Ip(kVtepB)};
  host_.Become(state);
  guest(1).Send(Data(1));
  EXPECT_EQ(next(), 2) << "one copy each: there was none to it before";
  host_.Stop();
  host_.Start();
  EXPECT_EQ(host_.Read(), state);
  // The VTEP leaves the segment together with the group.
  host_.Become(EmptySegment());
  EXPECT_EQ(host_.Read(), EmptySegment());
}

TEST_P(MulticastPathTest, MembersGoWithTheirPort) {
  host_.Become(Snooping());
  Put(MemberOf(2));
  Put(MemberOf(3, "::"));
  HostState state = Snooping();
  state.ports.erase(MakePortId(2));
  state.fdb.erase({kSegment, tests::MakeMac(2)});
  host_.Become(state);
  EXPECT_EQ(Members(), (std::map<MulticastMember, int64_t>{{MemberOf(3, "::"), kUntil}}));
  const auto remove = [&] { return host_.datapath().RemoveMember(MemberOf(3, "::")); };
  EXPECT_TRUE(host_.In(remove).ok());
  EXPECT_TRUE(host_.In(remove).ok()) << "who is none";
  EXPECT_THAT(Members(), IsEmpty());
  const auto put = [&] { return host_.datapath().PutMember(MemberOf(2), kUntil); };
  EXPECT_TRUE(absl::IsNotFound(host_.In(put)));
}

TEST_P(MulticastPathTest, QueriesReachGuestsThatForward) {
  HostState state = Snooping();
  state.ports[MakePortId(3)].phase = state::PortPhase::kBlocked;
  host_.Become(state);
  const auto send = [&](int n, const Vni& vni) {
    return host_.In([&] {
      return host_.datapath().SendToGuest(MakePortId(static_cast<uint8_t>(n)), vni, Data(9));
    });
  };
  EXPECT_TRUE(send(2, kSegment).ok());
  EXPECT_EQ(guest(2).Receive(), Data(9));
  EXPECT_TRUE(absl::IsNotFound(send(2, tests::MakeVni(8)))) << "not in that segment";
  EXPECT_TRUE(absl::IsNotFound(send(3, kSegment))) << "blocked";
  EXPECT_TRUE(absl::IsNotFound(send(9, kSegment))) << "no such port";
}

TEST_P(MulticastPathTest, ReportsReachTheSink) {
  host_.Become(Snooping());
  EventRecorder events;
  host_.In([&] { host_.datapath().SetEventSink(&events); });
  guest(2).Send(Report(2));
  const auto got = events.Await(1);
  host_.In([&] { host_.datapath().SetEventSink(nullptr); });
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].port, MakePortId(2));
  EXPECT_EQ(got[0].vni, kSegment);
  const Bytes report = Report(2);
  EXPECT_EQ(got[0].packet, Bytes(report.begin() + 14, report.end()));
}

// What other hosts send goes to members here, too; their guests' reports are their agents' matter.
TEST_P(MulticastPathTest, OfOtherHostsGoesToWhoJoinedHere) {
  host_.Become(Snooping());
  Put(MemberOf(2));
  Put(MemberOf(3, "::"));
  EventRecorder events;
  host_.In([&] { host_.datapath().SetEventSink(&events); });
  SendFromVtepB(Data(9));
  EXPECT_EQ(guest(2).Receive(), Data(9));
  EXPECT_EQ(guest(3).Receive(), Data(9)) << "a router";
  SendFromVtepB(Report(9));
  EXPECT_EQ(guest(3).Receive(), Report(9));
  SendFromVtepB(BroadcastFrame(9));
  EXPECT_EQ(guest(1).Receive(), BroadcastFrame(9)) << "and nothing before it";
  EXPECT_EQ(guest(2).Receive(), BroadcastFrame(9)) << "and no report";
  guest(2).Send(Report(2));
  const auto got = events.Await(1);
  host_.In([&] { host_.datapath().SetEventSink(nullptr); });
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].port, MakePortId(2)) << "nobody's of another host";
  EXPECT_FALSE(HasQuotaOfNoPort());
}

INSTANTIATE_TEST_SUITE_P(Guests, MulticastPathTest,
                         ::testing::Values(GuestKind::kVeth, GuestKind::kTap));

}  // namespace
}  // namespace outrider::datapath::ebpf
