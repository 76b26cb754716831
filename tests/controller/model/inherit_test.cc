#include "controller/model/inherit.h"

#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

class InheritTest : public testing::Test {
 protected:
  InheritTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeSegment("blue", 200),
           MakeProfile("base", "red", "default_action: ACL_ACTION_DROP"));
  }
  Model model_;
};

TEST_F(InheritTest, SectionsAreTheFieldsAUserSets) {
  std::vector<std::string> names;
  for (const auto* section : ProfileSections()) names.push_back(section->name());
  EXPECT_EQ(names, (std::vector<std::string>{"vlan", "acl", "qos", "security"}));
}

TEST_F(InheritTest, WhatIsLeftOutIsTheNearestAncestors) {
  v1::Profile middle = MakeChild("middle", "base");
  middle.mutable_qos()->mutable_ingress_policer()->set_rate_kbps(8000);
  PutAll(&model_, middle, MakeChild("leaf", "middle"));
  const auto effective = model_.Effective("leaf");
  ASSERT_NE(effective, nullptr);
  EXPECT_EQ(effective->meta().name(), "leaf");
  EXPECT_EQ(effective->parent(), "middle");
  EXPECT_EQ(effective->vlan().segment(), "red");
  EXPECT_EQ(effective->acl().default_action(), v1::ACL_ACTION_DROP);
  EXPECT_EQ(effective->qos().ingress_policer().rate_kbps(), 8000u);
  EXPECT_EQ(effective->security().mac_anti_spoof(), v1::SecuritySection::MAC_ANTI_SPOOF_ON);
  EXPECT_FALSE(model_.Find<v1::Profile>("leaf")->has_vlan()) << "its own content is as given";
}

// A section is replaced whole, never mixed.
TEST_F(InheritTest, ASectionOfTheChildReplacesTheParentsWhole) {
  v1::Profile base = MakeProfile("base", "red");
  base.mutable_qos()->mutable_ingress_policer()->set_rate_kbps(8000);
  v1::Profile child = MakeChild("leaf", "base");
  child.mutable_qos();
  PutAll(&model_, base, child);
  EXPECT_FALSE(model_.Effective("leaf")->qos().has_ingress_policer());
}

TEST_F(InheritTest, AnEditOfTheParentReachesTheChildren) {
  PutAll(&model_, MakeChild("leaf", "base"), MakeHost("h1", 1), MakePort(1, "leaf", "h1"));
  EXPECT_EQ(model_.index().hosts_of_segment.Get("red"), NameSet{"h1"});
  v1::Profile base = MakeProfile("base", "blue");
  base.set_profile_revision(2);
  const Change change = Apply(&model_, base);
  EXPECT_EQ(model_.Effective("leaf")->vlan().segment(), "blue");
  EXPECT_EQ(model_.SegmentsOf(*model_.Find<v1::Port>(PortId(1))), NameSet{"blue"});
  EXPECT_TRUE(model_.index().hosts_of_segment.Get("red").empty());
  EXPECT_EQ(model_.index().hosts_of_segment.Get("blue"), NameSet{"h1"});
  ASSERT_EQ(change.effects.size(), 2u);
  EXPECT_EQ(change.effects[1].name, "leaf");
  EXPECT_EQ(change.effects[1].before->vlan().segment(), "red");
  EXPECT_EQ(change.effects[1].after->vlan().segment(), "blue");
}

TEST_F(InheritTest, AParentMayComeAfterItsChild) {
  PutAll(&model_, MakeChild("leaf", "late"));
  EXPECT_EQ(model_.Effective("leaf")->vlan().segment(), "");
  PutAll(&model_, MakeProfile("late", "blue"));
  EXPECT_EQ(model_.Effective("leaf")->vlan().segment(), "blue");
}

// Validation allows no cycle; the model must end all the same.
TEST_F(InheritTest, CyclesEnd) {
  PutAll(&model_, MakeChild("a", "b"), MakeChild("b", "c"), MakeChild("c", "b"),
         MakeChild("self", "self"));
  EXPECT_EQ(model_.Effective("a")->vlan().segment(), "");
  EXPECT_EQ(model_.Heirs("c"), (NameSet{"a", "b", "c"}));
  EXPECT_EQ(model_.Heirs("self"), NameSet{"self"});
}

}  // namespace
}  // namespace outrider::controller
