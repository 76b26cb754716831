// IP multicast in a segment that snoops: who gets a copy, and what the agent is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/bpf/bpf_switch.h"
#include "tests/bpf/join_group.h"
#include "vswitch/sys/bpf/ring_reader.h"

namespace outrider::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kGroup[] = "239.1.2.3";
constexpr char kGroupMac[] = "01:00:5e:01:02:03";
constexpr char kGroup6[] = "ff05::77";
constexpr char kGroup6Mac[] = "33:33:00:00:00:77";
constexpr char kRouters[] = "::";
constexpr uint32_t kVtep = OR_MULTICAST_VTEP | 1;
constexpr uint8_t kIgmp = 2;

Bytes Data(const std::string& group = kGroup, const std::string& mac = kGroupMac) {
  return PacketBuilder(mac, kMacA).Ipv4({.src = kIpA, .dst = group}).Udp(1, 2).Payload(20).Build();
}
Bytes Data6() {
  return PacketBuilder(kGroup6Mac, kMacA)
      .Ipv6({.src = "fd00::1", .dst = kGroup6})
      .Udp(1, 2)
      .Payload(20)
      .Build();
}
Bytes Igmp(uint8_t type, const std::string& dst = kGroup, const std::string& mac = kGroupMac) {
  return PacketBuilder(mac, kMacA)
      .Ipv4({.src = kIpA, .dst = dst, .ttl = 1, .protocol = kIgmp})
      .Payload({type, 0, 0, 0, 239, 1, 2, 3})
      .Build();
}
Bytes Mld(uint8_t type, const std::string& dst, const std::string& mac) {
  return PacketBuilder(mac, kMacA)
      .Ipv6({.src = "fe80::1", .dst = dst, .hop_limit = 1})
      .Extension(0)
      .Icmpv6(type)
      .Payload(20, 0)
      .Build();
}
Bytes MldReport() { return Mld(143, "ff02::16", "33:33:00:00:00:16"); }

class MulticastTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
    ASSERT_EQ(switch_->SetSegment(kVni, OR_SEGMENT_SNOOP_MULTICAST), absl::OkStatus());
  }

  void Join(const std::string& group, uint32_t place) {
    ASSERT_EQ(JoinGroup(switch_.get(), group, place), absl::OkStatus());
  }

  // The ports that got a copy of a frame of A's. The tunnel's is not seen here.
  std::vector<uint32_t> CopiesOf(const Bytes& packet) {
    EXPECT_EQ(switch_->Run("or_from_port", packet).value().verdict, kStolen);
    std::vector<uint32_t> ports;
    for (const uint32_t index : {1u, 2u, 3u}) {
      if (switch_->Stats(index).tx_packets == tx_[index]) continue;
      tx_[index] = switch_->Stats(index).tx_packets;
      EXPECT_EQ(switch_->tap(index).Receive(1000), packet);
      ports.push_back(index);
    }
    return ports;
  }

  std::unique_ptr<BpfSwitch> switch_;
  std::map<uint32_t, uint64_t> tx_ = {{1, 0}, {2, 0}, {3, 0}};
};

TEST_F(MulticastTest, GoesToWhoJoined) {
  Join(kGroup, 3);
  Join(kGroup6, 2);
  EXPECT_THAT(CopiesOf(Data()), ElementsAre(3));
  EXPECT_THAT(CopiesOf(Data6()), ElementsAre(2));
  EXPECT_EQ(switch_->Stats(1).rx_packets, 2u);
}

TEST_F(MulticastTest, GoesToRouters) {
  Join(kGroup, 3);
  Join(kRouters, 2);
  EXPECT_THAT(CopiesOf(Data()), ElementsAre(2, 3));
}

TEST_F(MulticastTest, OfAGroupOfAnotherSegmentMeansNothing) {
  abi::or_multicast_group group = {.vni = kOtherVni, .address = {}};
  const auto bytes = Ip(kGroup).bytes();
  std::copy(bytes.begin(), bytes.end(), group.address);
  ASSERT_EQ(
      (switch_->Map<abi::or_multicast_group, uint32_t>("or_multicast_groups").Update(group, 1)),
      absl::OkStatus());
  EXPECT_THAT(CopiesOf(Data()), ElementsAre(2, 3));
}

TEST_F(MulticastTest, OfAnUnknownGroupFloodsUnlessTheSegmentSaysDrop) {
  EXPECT_THAT(CopiesOf(Data()), ElementsAre(2, 3));
  ASSERT_EQ(
      switch_->SetSegment(kVni, OR_SEGMENT_SNOOP_MULTICAST | OR_SEGMENT_DROP_UNKNOWN_MULTICAST),
      absl::OkStatus());
  EXPECT_EQ(switch_->Run("or_from_port", Data()).value().verdict, kDropped);
  EXPECT_EQ((switch_->Drops()[{1, OR_DROP_MULTICAST_UNKNOWN}]), 1u);
  Join(kRouters, 3);
  EXPECT_THAT(CopiesOf(Data()), ElementsAre(3));
}

// Some of these are never reported, and all hosts need them.
TEST_F(MulticastTest, OfLinkLocalGroupsAndBroadcastFloods) {
  ASSERT_EQ(
      switch_->SetSegment(kVni, OR_SEGMENT_SNOOP_MULTICAST | OR_SEGMENT_DROP_UNKNOWN_MULTICAST),
      absl::OkStatus());
  EXPECT_THAT(CopiesOf(Data("224.0.0.251", "01:00:5e:00:00:fb")), ElementsAre(2, 3));
  EXPECT_THAT(CopiesOf(PacketBuilder("33:33:00:00:00:fb", kMacA)
                           .Ipv6({.src = "fe80::1", .dst = "ff02::fb"})
                           .Udp(1, 2)
                           .Build()),
              ElementsAre(2, 3));
  EXPECT_THAT(CopiesOf(Data("255.255.255.255", kBroadcast)), ElementsAre(2, 3));
  EXPECT_THAT(
      CopiesOf(PacketBuilder("01:00:0c:cc:cc:cc", kMacA).EtherType(0x88b5).Payload(46).Build()),
      ElementsAre(2, 3))
      << "no IP";
}

TEST_F(MulticastTest, FloodsInASegmentThatDoesNotSnoop) {
  ASSERT_EQ(switch_->SetSegment(kVni, OR_SEGMENT_DROP_UNKNOWN_MULTICAST), absl::OkStatus());
  Join(kGroup, 3);
  EXPECT_THAT(CopiesOf(Data()), ElementsAre(2, 3));
  EXPECT_THAT(CopiesOf(Igmp(0x16)), ElementsAre(2, 3));
}

// A member that heard another's report would not send its own (RFC 2236).
TEST_F(MulticastTest, ReportsGoToRoutersAlone) {
  Join(kGroup, 3);
  Join("ff02::16", 3);
  for (const Bytes& report : {Igmp(0x12), Igmp(0x16), Igmp(0x17), Igmp(0x22), MldReport()}) {
    EXPECT_THAT(CopiesOf(report), IsEmpty());
  }
  EXPECT_EQ(switch_->DroppedPackets(1), 0u) << "the agent has taken them";
  Join(kRouters, 2);
  EXPECT_THAT(CopiesOf(Igmp(0x16)), ElementsAre(2));
  EXPECT_THAT(CopiesOf(MldReport()), ElementsAre(2));
}

// MLDv1 names the group by the address it goes to (RFC 2710, 3.6); a done goes to all routers.
TEST_F(MulticastTest, ReportsOfMldV1GoToRoutersAlone) {
  Join(kGroup6, 3);
  Join("ff02::2", 3);
  const Bytes report = Mld(131, kGroup6, kGroup6Mac);
  const Bytes done = Mld(132, "ff02::2", "33:33:00:00:00:02");
  EXPECT_THAT(CopiesOf(report), IsEmpty());
  EXPECT_THAT(CopiesOf(done), IsEmpty());
  Join(kRouters, 2);
  EXPECT_THAT(CopiesOf(report), ElementsAre(2));
  EXPECT_THAT(CopiesOf(done), ElementsAre(2));
}

// RFC 4541, 2.1.2: 224.0.0.0/24 alone is the link's.
TEST_F(MulticastTest, OfTheNextGroupsGoesToWhoJoined) {
  ASSERT_EQ(
      switch_->SetSegment(kVni, OR_SEGMENT_SNOOP_MULTICAST | OR_SEGMENT_DROP_UNKNOWN_MULTICAST),
      absl::OkStatus());
  const Bytes data = Data("224.0.1.251", "01:00:5e:00:01:fb");
  EXPECT_EQ(switch_->Run("or_from_port", data).value().verdict, kDropped);
  Join("224.0.1.251", 2);
  EXPECT_THAT(CopiesOf(data), ElementsAre(2));
  const Bytes data6 = PacketBuilder("33:33:00:00:00:fb", kMacA)
                          .Ipv6({.src = "fe80::1", .dst = "ff03::fb"})
                          .Udp(1, 2)
                          .Build();
  EXPECT_EQ(switch_->Run("or_from_port", data6).value().verdict, kDropped);
}

TEST_F(MulticastTest, QueriesGoToAll) {
  Join(kGroup6, 3);
  EXPECT_THAT(CopiesOf(Mld(130, kGroup6, kGroup6Mac)), ElementsAre(2, 3)) << "of one group";
  Join(kGroup, 3);
  EXPECT_THAT(CopiesOf(Igmp(0x11, "224.0.0.1", "01:00:5e:00:00:01")), ElementsAre(2, 3));
  EXPECT_THAT(CopiesOf(Igmp(0x11)), ElementsAre(2, 3)) << "of one group";
}

class Events {
 public:
  explicit Events(int fd) {
    reader_ = *sys::RingReader::Start(fd, [this](auto record) {
      const std::lock_guard lock(mutex_);
      const auto kind = sys::FromBytes<uint32_t>(record.first(4));
      if (kind != abi::OR_EVENT_MULTICAST) return;
      events_.push_back(sys::FromBytes<abi::or_multicast_event>(record));
      arrived_.notify_all();
    });
  }
  std::vector<abi::or_multicast_event> Await(size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::seconds(5), [&] { return events_.size() >= count; });
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<abi::or_multicast_event> events_;
  std::unique_ptr<sys::RingReader> reader_;
};

TEST_F(MulticastTest, TheAgentGetsEveryMessageWhole) {
  Events events(switch_->raw().Descriptor("or_events").value());
  Bytes large = Igmp(0x22);
  large.resize(2000, 0x55);
  for (const Bytes& packet : {Igmp(0x16), MldReport(), Igmp(0x11), large}) {
    ASSERT_TRUE(switch_->Run("or_from_port", packet).ok());
  }
  const auto got = events.Await(3);
  ASSERT_EQ(got.size(), 3u) << "what is over the MTU is dropped";
  const Bytes first = Igmp(0x16);
  EXPECT_EQ(got[0].port, 1u);
  EXPECT_EQ(got[0].vni, kVni);
  ASSERT_EQ(got[0].length, first.size() - 14);
  EXPECT_EQ(Bytes(got[0].data, got[0].data + got[0].length),
            Bytes(first.begin() + 14, first.end()));
  EXPECT_EQ(got[1].length, MldReport().size() - 14);
}

TEST_F(MulticastTest, TheAgentIsToldSoManyASecond) {
  Events events(switch_->raw().Descriptor("or_events").value());
  const Bytes report = Igmp(0x16);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(switch_->Run("or_from_port", report).ok());
  EXPECT_GE(events.Await(64).size(), 64u);
  const abi::or_rule_count_key key = {
      .port = 1, .set = 0, .number = OR_QUOTA_MULTICAST, .to_guest = 0};
  EXPECT_LE((switch_->Map<abi::or_rule_count_key, abi::or_quota>("or_quotas").Lookup(key)->count),
            64u);
}

}  // namespace
}  // namespace outrider::tests
