#include "vswitch/state/state_delta.h"

#include <gtest/gtest.h>

#include "tests/support/state_generator.h"

namespace outrider::state {
namespace {

using tests::MakeDigest;
using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;
using tests::StateGenerator;

const std::vector<std::string> kDevices = {"tap0", "tap1", "tap2", "tap3"};

TEST(StateDeltaTest, LeadsFromAnyStateToAnyOther) {
  StateGenerator generator(1, kDevices, /*local=*/true);
  HostState from;
  for (int i = 0; i < 300; ++i) {
    const HostState to = generator.Next();
    ASSERT_TRUE(Validate(to).ok()) << Validate(to);
    EXPECT_EQ(ApplyDelta(from, ComputeDelta(from, to)), to) << "step " << i;
    EXPECT_EQ(ApplyDelta(to, ComputeDelta(to, from)), from) << "step " << i;
    from = to;
  }
}

TEST(StateDeltaTest, IsEmptyExactlyWhenNothingChanged) {
  StateGenerator generator(2, kDevices, /*local=*/true);
  HostState from;
  for (int i = 0; i < 100; ++i) {
    const HostState to = generator.Next();
    EXPECT_TRUE(ComputeDelta(to, to).empty());
    EXPECT_EQ(ComputeDelta(from, to).empty(), from == to);
    from = to;
  }
}

TEST(StateDeltaTest, NamesEachObjectOnce) {
  HostState from;
  from.segments[MakeVni(1)].mtu = 1400;
  from.segments[MakeVni(2)].mtu = 1400;
  from.rule_sets[MakeDigest(1)] = {};
  from.ports[MakePortId(1)].mac = MakeMac(1);
  HostState to = from;
  to.segments[MakeVni(2)].mtu = 1300;
  to.segments.erase(MakeVni(1));
  to.segments[MakeVni(3)].mtu = 1200;
  to.ports[MakePortId(1)].profile = "web";

  const StateDelta delta = ComputeDelta(from, to);
  EXPECT_EQ(delta.segments.deletes, std::vector<Vni>{MakeVni(1)});
  EXPECT_EQ(delta.segments.upserts.size(), 2u);
  EXPECT_EQ(delta.segments.upserts.at(MakeVni(2)).mtu, 1300u);
  EXPECT_EQ(delta.segments.upserts.at(MakeVni(3)).mtu, 1200u);
  EXPECT_EQ(delta.ports.upserts.at(MakePortId(1)).profile, "web");
  EXPECT_TRUE(delta.rule_sets.empty());
  EXPECT_EQ(delta.size(), 4u);
}

}  // namespace
}  // namespace outrider::state
