// Hosts over IPv4, IPv6 and both: which address leads where, and who may share a segment.
#include "controller/model/underlay.h"

#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

v1::Host HostWith(const std::string& id, const std::vector<std::string>& vteps) {
  v1::Host host = MakeHost(id, 1);
  host.clear_vteps();
  host.mutable_vteps()->Add(vteps.begin(), vteps.end());
  return host;
}

TEST(Underlay, Ipv4WhenBothHaveItInEitherDirection) {
  const v1::Host both = HostWith("both", {"fd00::1", "10.0.1.1"});
  const v1::Host other = HostWith("other", {"10.0.2.1", "fd00::2"});
  const v1::Host v4 = HostWith("v4", {"10.0.3.1"});
  const v1::Host v6 = HostWith("v6", {"fd00::4"});
  EXPECT_EQ(VtepTowards(both, other), "10.0.2.1");
  EXPECT_EQ(VtepTowards(other, both), "10.0.1.1");
  EXPECT_EQ(VtepTowards(both, v6), "fd00::4");
  EXPECT_EQ(VtepTowards(v6, both), "fd00::1");
  EXPECT_EQ(VtepTowards(v4, both), "10.0.1.1");
  EXPECT_EQ(VtepTowards(v4, v6), "");
  EXPECT_EQ(VtepTowards(v4, HostWith("new", {})), "");
  EXPECT_EQ(VtepTowards(v6, MakeGateway("gw", "fd00::9", {})), "fd00::9");
  EXPECT_EQ(VtepTowards(v4, MakeGateway("gw", "fd00::9", {})), "");
}

TEST(Underlay, OnlyIpv6TakesTwentyBytesMore) {
  EXPECT_EQ(EncapsulationOverhead(HostWith("a", {"10.0.1.1"})), 50u);
  EXPECT_EQ(EncapsulationOverhead(HostWith("a", {"10.0.1.1", "fd00::1"})), 50u);
  EXPECT_EQ(EncapsulationOverhead(HostWith("a", {"fd00::1"})), 70u);
  EXPECT_EQ(EncapsulationOverhead(HostWith("a", {})), 50u);
}

TEST(Underlay, RefusesWhatCannotBeAVtep) {
  EXPECT_TRUE(CheckVtep("10.0.1.1").ok());
  EXPECT_TRUE(CheckVtep("fd00::1").ok());
  const std::pair<const char*, const char*> cases[] = {
      {"ten", "vtep \"ten\" is neither an IPv4 nor an IPv6 address"},
      {"0.0.0.0", "vtep 0.0.0.0 is no host's address"},
      {"::", "vtep :: is no host's address"},
      {"224.0.0.1", "vtep 224.0.0.1 is no unicast address"},
      {"ff02::1", "vtep ff02::1 is no unicast address"},
      {"fe80::1", "vtep fe80::1 is link-local; others need an address they can route to"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(Message(CheckVtep(text)), error);
}

class SharedSegment : public testing::Test {
 protected:
  SharedSegment() {
    PutAll(&model_, MakeSegment("red", 100, 1400), MakeProfile("web", "red"),
           HostWith("v4", {"10.0.1.1"}), HostWith("v6", {"fd00::2"}),
           HostWith("both", {"10.0.3.1", "fd00::3"}), MakePort(1, "web", "v4"));
  }
  Model model_;
};

TEST_F(SharedSegment, WithoutACommonFamilyIsRefused) {
  EXPECT_TRUE(CheckUnderlayFits(model_, "red", "both").ok());
  const absl::Status status = Validate(model_, MakePort(2, "web", "v6"));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(status),
            "port \"" + PortId(2) +
                "\": host \"v6\": no VTEP of the address family of host \"v4\", which has ports in "
                "segment \"red\"; start the agent of one of them with both, --vtep IPV4,IPV6");
}

TEST_F(SharedSegment, AGatewayMustBeInReachOfEveryHost) {
  const absl::Status refused = Validate(model_, MakeGateway("gw", "fd00::9", {"red"}));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(refused),
            "gateway \"gw\": host \"v4\", which has ports in segment \"red\", has no VTEP of the "
            "address family of fd00::9; start its agent with both, --vtep IPV4,IPV6");
  PutAll(&model_, MakePort(1, "web", "both"));
  EXPECT_TRUE(Validate(model_, MakeGateway("gw", "fd00::9", {"red"})).ok());
  PutAll(&model_, MakeGateway("gw", "fd00::9", {"red"}));
  EXPECT_EQ(Message(CheckUnderlayFits(model_, "red", "v4")),
            "host \"v4\": no VTEP of the address family of gateway \"gw\" (fd00::9), which is in "
            "segment \"red\"; start the host's agent with both, --vtep IPV4,IPV6");
}

TEST_F(SharedSegment, MtuCountsTheFamilyInUse) {
  PutAll(&model_, MakeSegment("red", 100, 1450));
  EXPECT_TRUE(CheckUnderlayFits(model_, "red", "both").ok());
  EXPECT_EQ(Message(CheckUnderlayFits(model_, "red", "v6")),
            "host \"v6\": underlay MTU 1500 cannot carry segment \"red\": its mtu 1450 needs 1520; "
            "raise the underlay MTU or lower the segment's mtu to 1430");
}

v1::Host WithMtu(v1::Host host, uint32_t underlay_mtu) {
  host.set_underlay_mtu(underlay_mtu);
  return host;
}

TEST_F(SharedSegment, ADerivedMtuIsWhatAllHostsCarry) {
  const auto mtu = [this] { return MtuInForce(model_, *model_.Find<v1::Segment>("red")); };
  EXPECT_EQ(mtu(), 1400u) << "given";
  PutAll(&model_, MakeSegment("red", 100, 0));
  EXPECT_EQ(mtu(), 1450u);
  PutAll(&model_, WithMtu(HostWith("v4", {"10.0.1.1"}), 9000));
  EXPECT_EQ(mtu(), 8950u);
  PutAll(&model_, WithMtu(HostWith("both", {"10.0.3.1", "fd00::3"}), 4000),
         MakePort(2, "web", "both"));
  EXPECT_EQ(mtu(), 3950u) << "the least of them, over IPv4";
  PutAll(&model_, MakeGateway("gw", "fd00::9", {"red"}));
  EXPECT_EQ(mtu(), 3930u) << "a gateway over IPv6";
  Erase<v1::Gateway>(&model_, "gw");
  PutAll(&model_, WithMtu(HostWith("v6", {"fd00::2"}), 9000), MakePort(3, "web", "v6"));
  EXPECT_EQ(mtu(), 3930u) << "a host over IPv6: the others take 70 bytes towards it, too";
  PutAll(&model_, WithMtu(HostWith("v6", {"fd00::2"}), 0), MakePort(2, "web", ""));
  EXPECT_EQ(mtu(), 8950u) << "has not reported";
  PutAll(&model_, MakePort(1, "web", ""));
  EXPECT_EQ(mtu(), 1450u) << "no host is known";
}

TEST_F(SharedSegment, AGivenMtuCountsPeersThatHaveIpv6Alone) {
  PutAll(&model_, MakeSegment("red", 100, 1440), HostWith("both", {"10.0.3.1", "fd00::3"}),
         MakePort(1, "web", "both"));
  EXPECT_TRUE(CheckUnderlayFits(model_, "red", "both").ok()) << "1490 over IPv4";
  PutAll(&model_, WithMtu(HostWith("v6", {"fd00::2"}), 9000));
  EXPECT_EQ(Message(CheckUnderlayFits(model_, "red", "v6")),
            "host \"v6\": has IPv6 alone, over which segment \"red\" takes more: its mtu 1440 "
            "needs an underlay MTU of 1510, but host \"both\" has 1500; give this host an IPv4 "
            "VTEP, or raise that underlay MTU or lower the segment's mtu to 1430");
  EXPECT_EQ(
      Message(Validate(model_, MakeGateway("gw", "fd00::9", {"red"}))),
      "gateway \"gw\": over IPv6 segment \"red\" takes more: its mtu 1440 needs an underlay "
      "MTU of 1510, but host \"both\" has 1500; raise that or lower the segment's mtu to 1430");
  PutAll(&model_, MakeSegment("red", 100, 1430), MakePort(2, "web", "v6"));
  EXPECT_EQ(Message(Validate(model_, MakeSegment("red", 100, 1440))),
            "segment \"red\": mtu 1440 needs an underlay MTU of 1510, but host \"both\" has 1500; "
            "use an mtu of at most 1430 or raise the host's underlay MTU");
  PutAll(&model_, WithMtu(HostWith("third", {"10.0.4.1", "fd00::4"}), 1499));
  EXPECT_EQ(Message(CheckUnderlayFits(model_, "red", "third")),
            "host \"third\": underlay MTU 1499 cannot carry segment \"red\": its mtu 1430 needs "
            "1500; raise the underlay MTU or lower the segment's mtu to 1429");
}

TEST_F(SharedSegment, AnUnderlayThatCarriesNoSegmentIsRefused) {
  EXPECT_TRUE(Validate(model_, WithMtu(HostWith("a", {"10.0.9.1"}), 626)).ok());
  EXPECT_TRUE(Validate(model_, WithMtu(HostWith("a", {"10.0.9.1"}), 0)).ok()) << "not reported";
  EXPECT_EQ(Message(Validate(model_, WithMtu(HostWith("a", {"10.0.9.1"}), 625))),
            "host \"a\": underlay MTU 625 is below 626, which the least mtu of a segment, 576, "
            "needs; raise the underlay MTU");
  EXPECT_FALSE(Validate(model_, WithMtu(HostWith("a", {"fd00::9"}), 645)).ok());
}

// The numbers are what helps: no mtu does on a host this small.
TEST_F(SharedSegment, AnMtuThatCannotBeIsNotAdvised) {
  PutAll(&model_, WithMtu(HostWith("v4", {"10.0.1.1"}), 40));
  EXPECT_EQ(Message(CheckUnderlayFits(model_, "red", "v4")),
            "host \"v4\": underlay MTU 40 cannot carry segment \"red\": its mtu 1400 needs 1450; "
            "raise the underlay MTU");
  EXPECT_EQ(Message(Validate(model_, MakeSegment("red", 100, 0))),
            "segment \"red\": the least mtu of a segment, 576, needs an underlay MTU of 626, but "
            "host \"v4\" has 40; raise the host's underlay MTU");
}

// A profile or port that is edited while it moves must fit where it goes.
TEST_F(SharedSegment, WhereAMigrationGoesCounts) {
  PutAll(&model_, MakeSegment("big", 200, 8000), MakeSegment("small", 300, 1300),
         WithMtu(HostWith("v4", {"10.0.1.1"}), 9000), MakeProfile("jumbo", "big"),
         MakeMigration("m1", {1}, "v4", "both", v1::MIGRATION_PHASE_ARMED));
  const std::string why =
      "host \"both\": underlay MTU 1500 cannot carry segment \"big\": its mtu 8000 needs 8050; "
      "raise the underlay MTU or lower the segment's mtu to 1450";
  v1::Port port = *model_.Find<v1::Port>(PortId(1));
  port.set_profile("jumbo");
  EXPECT_EQ(Message(Validate(model_, port)), "port \"" + PortId(1) + "\": " + why);
  EXPECT_EQ(Message(Validate(model_, MakeProfile("web", "big"))), "profile \"web\": " + why);
  EXPECT_TRUE(Validate(model_, MakeProfile("web", "small")).ok());
  PutAll(&model_, MakeMigration("m1", {1}, "v4", "both", v1::MIGRATION_PHASE_ABORTED));
  EXPECT_TRUE(Validate(model_, port).ok()) << "stays where it is";
}

TEST_F(SharedSegment, ADerivedMtuHasAFloor) {
  PutAll(&model_, MakeSegment("red", 100, 0), WithMtu(HostWith("both", {"10.0.3.1"}), 625));
  EXPECT_EQ(Message(CheckUnderlayFits(model_, "red", "both")),
            "host \"both\": underlay MTU 625 cannot carry segment \"red\": the least mtu of a "
            "segment, 576, needs 626; raise the underlay MTU");
  PutAll(&model_, WithMtu(HostWith("both", {"10.0.3.1"}), 626));
  EXPECT_TRUE(CheckUnderlayFits(model_, "red", "both").ok());
}

}  // namespace
}  // namespace outrider::controller
