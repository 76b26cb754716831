#include "controller/compute/dry_run.h"

#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

class DryRunTest : public testing::Test {
 protected:
  DryRunTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeSegment("blue", 200), MakeHost("h1", 1),
           Base("red", 8000), MakeChild("leaf", "base"),
           MakeChild("own", "base", "default_action: ACL_ACTION_DROP"), MakePort(1, "leaf", "h1"),
           MakePort(2, "base"), MakePort(3, "own", "h1"));
  }
  static v1::Profile Base(const std::string& segment, uint64_t rate, const std::string& acl = "") {
    v1::Profile base = MakeProfile("base", segment, acl);
    base.mutable_qos()->mutable_ingress_policer()->set_rate_kbps(rate);
    return base;
  }
  v1::DryRunProfileResponse DryRun(const v1::Profile& candidate) {
    auto response = DryRunProfile(model_, candidate);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::DryRunProfileResponse());
  }
  Model model_;
};

TEST_F(DryRunTest, SaysWhichPortsChangeAndHow) {
  const auto response = DryRun(Base("red", 16000));
  EXPECT_TRUE(Equal(response, Parse<v1::DryRunProfileResponse>(fmt::format(
                                  R"(
      ports {{ port_id: "{}" host: "h1" sections: "qos"
               changes: "qos ingress_policer rate_kbps: 8000 -> 16000" }}
      ports {{ port_id: "{}" sections: "qos"
               changes: "qos ingress_policer rate_kbps: 8000 -> 16000" }}
      ports {{ port_id: "{}" host: "h1" sections: "qos"
               changes: "qos ingress_policer rate_kbps: 8000 -> 16000" }})",
                                  PortId(1), PortId(2), PortId(3)))))
      << response.DebugString();
}

// The profile with rules of its own does not change with its parent's.
TEST_F(DryRunTest, SectionsOfAChildStay) {
  const auto response =
      DryRun(Base("red", 8000, "egress { match { protocol: 'tcp' } action: ACL_ACTION_ALLOW }"));
  ASSERT_EQ(response.ports_size(), 2);
  EXPECT_EQ(response.ports(0).port_id(), PortId(1));
  EXPECT_EQ(response.ports(0).sections(0), "acl");
  EXPECT_EQ(response.ports(0).changes(0),
            "acl + egress[0]: {match: {protocol: tcp}, action: allow}");
  EXPECT_EQ(response.unchanged(), 1u);
}

TEST_F(DryRunTest, WhatNoHostCanTellIsNoChange) {
  EXPECT_EQ(DryRun(Base("red", 8000)).unchanged(), 3u);
  v1::Profile described = Base("red", 8000);
  described.set_description("another text");
  const auto response = DryRun(described);
  EXPECT_EQ(response.ports_size(), 0);
  EXPECT_EQ(response.unchanged(), 3u);
}

TEST_F(DryRunTest, SegmentsAreAChange) {
  const auto response = DryRun(Base("blue", 8000));
  ASSERT_EQ(response.ports_size(), 3);
  EXPECT_EQ(response.ports(0).changes(0), "vlan segment: red -> blue");
}

TEST_F(DryRunTest, ManyLinesAreCutShort) {
  std::string acl;
  for (int i = 0; i < 30; ++i) {
    acl +=
        fmt::format("ingress {{ match {{ protocol: '{}' }} action: ACL_ACTION_DROP }} ", i + 100);
  }
  const auto response = DryRun(Base("red", 8000, acl));
  ASSERT_EQ(response.ports(0).changes_size(), static_cast<int>(kMaxDryRunLines) + 1);
  EXPECT_EQ(response.ports(0).changes(kMaxDryRunLines), "and 10 more");
}

TEST_F(DryRunTest, WhatWouldBeRefusedIsRefused) {
  const auto response = DryRunProfile(model_, Base("green", 8000));
  EXPECT_EQ(Message(response.status()),
            "profile \"base\": vlan segment \"green\" does not exist; create it first");
}

TEST_F(DryRunTest, NothingChangesInTheModel) {
  DryRun(Base("blue", 16000));
  EXPECT_EQ(model_.Effective("leaf")->vlan().segment(), "red");
  EXPECT_EQ(DryRun(MakeProfile("new", "red")).unchanged(), 0u);
  EXPECT_EQ(model_.Find<v1::Profile>("new"), nullptr);
}

}  // namespace
}  // namespace outrider::controller
