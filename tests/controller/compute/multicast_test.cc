// Where multicast groups have members, by what hosts said of them.
#include "controller/compute/multicast.h"

#include <gmock/gmock.h>

#include "controller/compute/compute.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MulticastTest : public testing::Test {
 protected:
  MulticastTest() {
    v1::Segment red = MakeSegment("red", 100);
    red.set_multicast(v1::Segment::MULTICAST_SNOOP);
    PutAll(&model_, red, MakeSegment("blue", 200), MakeProfile("web", "red"),
           MakeProfile("db", "blue"), MakeHost("h1", 1), MakeHost("h2", 2), MakeHost("h3", 3),
           MakePort(1, "web", "h1"), MakePort(2, "web", "h2"), MakePort(3, "web", "h3"),
           MakePort(4, "db", "h1"), MakePort(5, "db", "h2"));
    for (const char* host : {"h1", "h2", "h3"}) members_[host] = {};
  }
  // "vni group vtep,vtep"
  std::vector<std::string> GroupsAt(const std::string& host) {
    v1::HostState state = ComputeHostState(model_, host);
    AddMulticastGroups(model_, members_, host, &state);
    std::vector<std::string> texts;
    for (const auto& group : state.multicast_groups()) {
      std::string text = fmt::format("{} {}", group.vni(), group.group());
      for (const auto& vtep : group.vteps()) text += " " + vtep;
      texts.push_back(text);
    }
    return texts;
  }

  Model model_;
  MulticastMembers members_;
};

TEST_F(MulticastTest, GroupsLeadToTheHostsThatJoined) {
  members_["h2"] = {{100, "239.1.2.3"}, {100, ""}};
  members_["h3"] = {{100, "239.1.2.3"}};
  EXPECT_THAT(GroupsAt("h1"), ElementsAre("100  10.0.2.1", "100 239.1.2.3 10.0.2.1 10.0.3.1"));
  EXPECT_THAT(GroupsAt("h2"), ElementsAre("100 239.1.2.3 10.0.3.1")) << "its own are its own";
}

TEST_F(MulticastTest, OfSegmentsThatSnoopOnly) {
  members_["h2"] = {{200, "239.1.2.3"}};
  EXPECT_THAT(GroupsAt("h1"), IsEmpty());
}

// What a host says of segments it has no port in counts for nothing.
TEST_F(MulticastTest, OfHostsOfTheSegmentOnly) {
  PutAll(&model_, MakePort(2, "web", ""));
  members_["h2"] = {{100, "239.1.2.3"}};
  EXPECT_THAT(GroupsAt("h1"), IsEmpty());
}

TEST_F(MulticastTest, GatewaysGetAllAsRoutersDo) {
  PutAll(&model_, MakeGateway("gw", "10.9.0.1", {"red"}));
  EXPECT_THAT(GroupsAt("h1"), ElementsAre("100  10.9.0.1"));
}

TEST_F(MulticastTest, HostsThatHaveNotSaidGetAll) {
  members_.erase("h2");
  members_["h3"] = {{100, "239.1.2.3"}};
  EXPECT_THAT(GroupsAt("h1"), ElementsAre("100  10.0.2.1", "100 239.1.2.3 10.0.3.1"));
}

TEST_F(MulticastTest, AChangeConcernsTheSegmentsHosts) {
  const MulticastGroups none;
  const MulticastGroups red{{100, "239.1.2.3"}};
  const MulticastGroups blue{{200, "239.1.2.3"}};
  const MulticastGroups unknown{{999, "239.1.2.3"}};
  EXPECT_THAT(HostsOfMulticast(model_, "h1", &red, &red), IsEmpty());
  EXPECT_THAT(HostsOfMulticast(model_, "h1", &red, &none), ElementsAre("h1", "h2", "h3"));
  EXPECT_THAT(HostsOfMulticast(model_, "h1", &blue, &none), IsEmpty()) << "does not snoop";
  EXPECT_THAT(HostsOfMulticast(model_, "h1", &none, &unknown), IsEmpty());
  EXPECT_THAT(HostsOfMulticast(model_, "h1", nullptr, &none), ElementsAre("h1", "h2", "h3"));
  PutAll(&model_, MakePort(1, "web", ""));
  EXPECT_THAT(HostsOfMulticast(model_, "h1", &red, &none), IsEmpty()) << "has no port of it";
}

TEST_F(MulticastTest, WhatHostsSayIsChecked) {
  auto groups = ReadMemberships(Parse<v1::MulticastMemberships>(
      "memberships { vni: 100 } memberships { vni: 100 group: 'FF05:0::77' }"));
  ASSERT_TRUE(groups.ok()) << groups.status();
  EXPECT_EQ(*groups, (MulticastGroups{{100, ""}, {100, "ff05::77"}}));
  EXPECT_EQ(Message(ReadMemberships(Parse<v1::MulticastMemberships>(
                                        "memberships { vni: 100 group: '10.0.0.1' }"))
                        .status()),
            "multicast membership: group \"10.0.0.1\" is no multicast address");
  v1::MulticastMemberships many;
  for (int i = 0; i <= kMaxMemberships; ++i) many.add_memberships();
  EXPECT_FALSE(ReadMemberships(many).ok());
}

}  // namespace
}  // namespace outrider::controller
