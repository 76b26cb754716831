// VLAN sections: what contradicts itself, what is not there, and what ports must find where a
// profile takes them.
#include "controller/model/validate.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class ValidateVlanTest : public testing::Test {
 protected:
  ValidateVlanTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeSegment("blue", 200), MakeSegment("green", 300),
           MakeProfile("web", "red"), MakeHost("h1", 1), MakePort(1, "web", "h1"));
  }

  static v1::Profile With(const std::string& vlan) { return MakeVlanProfile("p", vlan); }
  std::string Complaint(const std::string& vlan) {
    const absl::Status status = Validate(model_, With(vlan));
    if (status.ok()) return "";
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    const std::string subject = "profile \"p\": vlan ";
    EXPECT_EQ(Message(status).substr(0, subject.size()), subject);
    return Message(status).substr(subject.size());
  }

  Model model_;
  const std::string two_ = "vlans { vlan: 10 segment: 'red' } vlans { vlan: 20 segment: 'blue' } ";
};

TEST_F(ValidateVlanTest, EachModeWithWhatItNeeds) {
  EXPECT_EQ(Complaint("segment: 'red'"), "");
  EXPECT_EQ(Complaint("mode: MODE_TRUNK " + two_), "");
  EXPECT_EQ(Complaint("mode: MODE_NATIVE_TAGGED segment: 'green' native_vlan: 4094 " + two_), "");
  EXPECT_EQ(Complaint("mode: MODE_NATIVE_UNTAGGED segment: 'green' native_vlan: 1"), "");
  EXPECT_EQ(Complaint("mode: MODE_DOT1Q_TUNNEL segment: 'red'"), "");
  EXPECT_EQ(Complaint("mode: MODE_DOT1Q_TUNNEL segment: 'red' customer_vlans: [1, 4094]"), "");
}

TEST_F(ValidateVlanTest, WhatAModeLacks) {
  EXPECT_EQ(Complaint("mode: MODE_TRUNK"), "vlans is missing; mode trunk needs at least one");
  EXPECT_EQ(Complaint("mode: MODE_NATIVE_TAGGED native_vlan: 5"),
            "segment is missing; name a segment");
  EXPECT_EQ(Complaint("mode: MODE_NATIVE_TAGGED segment: 'red'"),
            "native_vlan 0 is not in 1..4094");
  EXPECT_EQ(Complaint("mode: MODE_DOT1Q_TUNNEL"), "segment is missing; name a segment");
  EXPECT_EQ(Complaint("mode: 9 segment: 'red'"),
            "mode 9 is unknown; use access, trunk, native-tagged, native-untagged or dot1q-tunnel");
}

TEST_F(ValidateVlanTest, WhatDoesNotGoWithAMode) {
  EXPECT_EQ(Complaint("segment: 'red' " + two_),
            "vlans needs mode trunk, native-tagged or native-untagged; change the mode or remove "
            "vlans");
  EXPECT_EQ(Complaint("mode: MODE_TRUNK native_vlan: 5 " + two_),
            "native_vlan needs mode native-tagged or native-untagged; change the mode or remove "
            "native_vlan");
  EXPECT_EQ(Complaint("segment: 'red' customer_vlans: 5"),
            "customer_vlans needs mode dot1q-tunnel; change the mode or remove customer_vlans");
  EXPECT_EQ(Complaint("mode: MODE_TRUNK segment: 'green' " + two_),
            "segment is for untagged frames, which mode trunk drops; use native-untagged or remove "
            "segment");
}

TEST_F(ValidateVlanTest, VlansLeadToOneSegmentAndBack) {
  const std::string trunk = "mode: MODE_TRUNK " + two_;
  EXPECT_EQ(Complaint(trunk + "vlans { vlan: 10 segment: 'green' }"),
            "vlans: vlan 10 is listed twice; remove one");
  EXPECT_EQ(Complaint(trunk + "vlans { vlan: 30 segment: 'red' }"),
            "vlans: segment \"red\" is that of vlan 10 and of vlan 30; give each its own");
  EXPECT_EQ(Complaint(trunk + "vlans { vlan: 4095 segment: 'green' }"),
            "vlans: vlan 4095 is not in 1..4094");
  EXPECT_EQ(Complaint(trunk + "vlans { segment: 'green' }"), "vlans: vlan 0 is not in 1..4094");
  EXPECT_EQ(Complaint(trunk + "vlans { vlan: 30 }"),
            "vlans: vlan 30: segment is missing; name a segment");
  EXPECT_EQ(Complaint(trunk + "vlans { vlan: 30 segment: 'pink' }"),
            "vlans: vlan 30: segment \"pink\" does not exist; create it first");
  const std::string native = "mode: MODE_NATIVE_TAGGED segment: 'red' native_vlan: 20 ";
  EXPECT_EQ(Complaint(native + "vlans { vlan: 20 segment: 'blue' }"),
            "vlans: vlan 20 is native_vlan already; remove it from vlans");
  EXPECT_EQ(Complaint(native + "vlans { vlan: 30 segment: 'red' }"),
            "vlans: segment \"red\" is that of vlan 20 and of vlan 30; give each its own");
  EXPECT_EQ(Complaint("mode: MODE_DOT1Q_TUNNEL segment: 'red' customer_vlans: [5, 6, 5]"),
            "customer_vlans: vlan 5 is listed twice; remove one");
  EXPECT_EQ(Complaint("mode: MODE_DOT1Q_TUNNEL segment: 'red' customer_vlans: 0"),
            "customer_vlans: vlan 0 is not in 1..4094");
}

TEST_F(ValidateVlanTest, AsManyVlansAsThereAre) {
  v1::Profile profile = With("mode: MODE_TRUNK");
  for (uint32_t vlan = 1; vlan <= 4094; ++vlan) {
    const std::string segment = fmt::format("s{}", vlan);
    PutAll(&model_, MakeSegment(segment, 10'000 + vlan));
    profile.mutable_vlan()->add_vlans()->set_vlan(vlan);
    profile.mutable_vlan()->mutable_vlans(static_cast<int>(vlan) - 1)->set_segment(segment);
  }
  EXPECT_TRUE(Validate(model_, profile).ok()) << Validate(model_, profile);
}

// The order in a file says nothing: the same VLANs are the same revision.
TEST_F(ValidateVlanTest, NormalFormHasAnOrder) {
  const v1::Profile a = With(
      "mode: MODE_TRUNK vlans { vlan: 20 segment: 'blue' } "
      "vlans { vlan: 10 segment: 'red' }");
  EXPECT_TRUE(Equal(a, With("mode: MODE_TRUNK " + two_)));
  EXPECT_TRUE(Equal(With("mode: MODE_DOT1Q_TUNNEL segment: 'red' customer_vlans: [9, 3]"),
                    With("mode: MODE_DOT1Q_TUNNEL segment: 'red' customer_vlans: [3, 9]")));
}

TEST_F(ValidateVlanTest, ASegmentOfATrunkIsInUse) {
  PutAll(&model_, MakeVlanProfile("trunk", "mode: MODE_TRUNK " + two_));
  const absl::Status status = ValidateDelete(model_, *model_.Find<v1::Segment>("blue"));
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(status),
            "segment \"blue\": in use by profile \"trunk\"; delete them or give "
            "them another segment first");
  EXPECT_TRUE(ValidateDelete(model_, *model_.Find<v1::Segment>("green")).ok());
}

TEST_F(ValidateVlanTest, AMacIsUniqueInEachSegmentOfATrunk) {
  PutAll(&model_, MakeVlanProfile("trunk", "mode: MODE_TRUNK " + two_), MakeProfile("db", "blue"),
         MakePort(2, "db", "h1"));
  v1::Port port = MakePort(3, "trunk");
  port.set_mac(Mac(2));
  const absl::Status status = Validate(model_, port);
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Message(status), "port \"" + PortId(3) + "\": mac " + Mac(2) + " is that of port \"" +
                                 PortId(2) + "\" in segment \"blue\"; give each its own");
}

// Nobody says in which VLAN a trunk's guest uses its addresses.
TEST_F(ValidateVlanTest, AddressesAreUniqueWhereUntaggedFramesGo) {
  PutAll(&model_, MakeVlanProfile("trunk", "mode: MODE_TRUNK " + two_),
         MakeVlanProfile("native", "mode: MODE_NATIVE_TAGGED segment: 'red' native_vlan: 1"));
  v1::Port port = MakePort(3, "trunk");
  port.set_ips(0, model_.Find<v1::Port>(PortId(1))->ips(0));
  EXPECT_TRUE(Validate(model_, port).ok());
  port.set_profile("native");
  EXPECT_EQ(Validate(model_, port).code(), StatusCode::kAlreadyExists);
}

TEST_F(ValidateVlanTest, PortsFollowIntoSegmentsWhereTheyMeetNobody) {
  v1::Port other = MakePort(2, "db", "h1");
  other.set_mac(Mac(1));
  PutAll(&model_, MakeProfile("db", "blue"), other);
  const auto edit = [](const std::string& vlan) { return MakeVlanProfile("web", vlan); };
  const absl::Status status = Validate(model_, edit("mode: MODE_TRUNK " + two_));
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Message(status), "profile \"web\": port \"" + PortId(1) +
                                 "\" cannot follow into segment \"blue\": " + Mac(1) +
                                 " is taken there");
  EXPECT_TRUE(Validate(model_, edit("mode: MODE_TRUNK vlans { vlan: 10 segment: 'red' } "
                                    "vlans { vlan: 20 segment: 'green' }"))
                  .ok());
}

// Both segments were the port's before, but its addresses lived in one of them only.
TEST_F(ValidateVlanTest, AddressesFollowTheNativeVlan) {
  const std::string native_red =
      "mode: MODE_NATIVE_TAGGED segment: 'red' native_vlan: 1 vlans { vlan: 2 segment: 'blue' }";
  const std::string native_blue =
      "mode: MODE_NATIVE_TAGGED segment: 'blue' native_vlan: 2 vlans { vlan: 1 segment: 'red' }";
  v1::Port other = MakePort(2, "db", "h1");
  other.set_ips(0, model_.Find<v1::Port>(PortId(1))->ips(0));
  PutAll(&model_, MakeProfile("db", "blue"), other, MakeVlanProfile("web", native_red));
  EXPECT_EQ(Validate(model_, MakeVlanProfile("web", native_blue)).code(),
            StatusCode::kAlreadyExists);
}

TEST_F(ValidateVlanTest, EverySegmentsMtuMustFitTheUnderlay) {
  PutAll(&model_, MakeSegment("big", 400, 8950));
  const v1::Profile profile = MakeVlanProfile(
      "web", "mode: MODE_TRUNK vlans { vlan: 1 segment: 'red' } vlans { vlan: 2 segment: 'big' }");
  EXPECT_EQ(Validate(model_, profile).code(), StatusCode::kFailedPrecondition);
  PutAll(&model_, MakeVlanProfile("trunk", "mode: MODE_TRUNK " + two_), MakePort(5, "trunk", "h1"));
  EXPECT_EQ(Validate(model_, MakeSegment("blue", 200, 1451)).code(),
            StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace outrider::controller
