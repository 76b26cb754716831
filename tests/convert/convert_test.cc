// What crosses the wire is the same on both sides: states, deltas, digests, attachments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "proto/digest.h"
#include "tests/convert/wire_states.h"
#include "tests/support/state_generator.h"
#include "vswitch/convert/from_proto.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::convert {
namespace {

using ::testing::HasSubstr;

constexpr char kPort[] = "00000000-0000-0000-0000-000000000001";

state::HostState Sent(tests::StateGenerator* generator) { return tests::AsSent(generator->Next()); }

TEST(RoundTrip, EveryGeneratedStateSurvives) {
  tests::StateGenerator generator(1, {});
  for (int i = 0; i < 200; ++i) {
    const state::HostState state = Sent(&generator);
    const auto back = FromProto(ToProto(state));
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(*back, state);
    const auto parsed = ParseHostState(Serialize(state));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    ASSERT_EQ(*parsed, state);
  }
}

TEST(RoundTrip, EveryDeltaSurvives) {
  tests::StateGenerator generator(2, {});
  state::HostState from;
  for (int i = 0; i < 200; ++i) {
    const state::HostState to = Sent(&generator);
    const state::StateDelta delta = state::ComputeDelta(from, to);
    const auto back = ParseStateDelta(Serialize(delta));
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(*back, delta);
    ASSERT_EQ(state::ApplyDelta(from, *back), to);
    from = to;
  }
}

// What the controller sends and what the host gives back must have one digest, in any order.
TEST(RoundTrip, DigestsAreThoseOfTheMessageReceived) {
  tests::StateGenerator generator(3, {});
  std::mt19937_64 random(3);
  for (int i = 0; i < 50; ++i) {
    const state::HostState state = Sent(&generator);
    v1::HostState message = ToProto(state);
    std::shuffle(message.mutable_fdb()->begin(), message.mutable_fdb()->end(), random);
    std::shuffle(message.mutable_ports()->begin(), message.mutable_ports()->end(), random);
    std::shuffle(message.mutable_group_members()->begin(), message.mutable_group_members()->end(),
                 random);
    std::shuffle(message.mutable_multicast_groups()->begin(),
                 message.mutable_multicast_groups()->end(), random);
    std::shuffle(message.mutable_departures()->begin(), message.mutable_departures()->end(),
                 random);
    std::shuffle(message.mutable_probes()->begin(), message.mutable_probes()->end(), random);
    const auto held = FromProto(message);
    ASSERT_TRUE(held.ok()) << held.status();
    EXPECT_EQ(StateDigest(*held), v1::HostStateDigest(message));
    for (const v1::PortState& port : message.ports()) {
      const PortId id = *PortId::Parse(port.id());
      EXPECT_EQ(ReceiptDigest(id, held->ports.at(id)), v1::PortDigest(port));
    }
  }
}

TEST(ReceiptDigest, IsTheSameBeforeAndAfterAMove) {
  state::Port port;
  port.mac = tests::MakeMac(1);
  port.vni = tests::MakeVni(7);
  port.profile = "web";
  port.device = "tap0";
  const PortId id = tests::MakePortId(1);
  const std::string before = ReceiptDigest(id, port);
  port.phase = state::PortPhase::kArmed;
  port.epoch = Epoch{9};
  port.migration_id = "m-1";
  port.report_first_frame = true;
  port.device = "tap9";
  EXPECT_EQ(ReceiptDigest(id, port), before);
  port.profile_revision = 2;
  EXPECT_NE(ReceiptDigest(id, port), before);
}

TEST(Attachment, SurvivesARoundTrip) {
  const state::Attachment attachment{.device = "tap0",
                                     .mac = tests::MakeMac(1),
                                     .ips = {*IpAddress::Parse("10.1.0.1")},
                                     .profile = "web",
                                     .vm_id = "vm one"};
  const auto back = FromProto(ToProto(tests::MakePortId(1), attachment));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->first, tests::MakePortId(1));
  EXPECT_EQ(back->second, attachment);
}

TEST(Attachment, NamesWhatIsWrong) {
  v1::PortAttachment good;
  good.set_port_id(kPort);
  good.set_device("tap0");
  good.set_mac("52:54:00:00:00:01");
  ASSERT_TRUE(FromProto(good).ok());
  v1::PortAttachment bad = good;
  bad.set_device("a-name-of-16-byt");
  EXPECT_THAT(Message(FromProto(bad).status()), HasSubstr("device"));
  bad = good;
  bad.set_mac("ff:ff:ff:ff:ff:ff");
  EXPECT_THAT(Message(FromProto(bad).status()), HasSubstr("not a unicast"));
  bad = good;
  bad.add_ips("10.1.0");
  EXPECT_THAT(Message(FromProto(bad).status()), HasSubstr("ips"));
  bad = good;
  bad.clear_port_id();
  EXPECT_THAT(Message(FromProto(bad).status()), HasSubstr("id"));
}

}  // namespace
}  // namespace outrider::convert
