// The wire's qos and security of a port: what is refused, and that nothing is left out in silence.
#include "vswitch/convert/policy_proto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace outrider::convert {
namespace {

using ::testing::HasSubstr;

struct BadPolicy {
  std::function<void(v1::PortState*)> damage;
  const char* complaint;
};

void AddUnknownField(google::protobuf::Message* message) {
  message->GetReflection()->MutableUnknownFields(message)->AddVarint(99, 1);
}

TEST(PolicyProtoTest, RefusesWhatItCannotEnforce) {
  const BadPolicy cases[] = {
      {[](auto* p) { p->set_traffic_class(8); }, "traffic_class: 8 exceeds 7"},
      {[](auto* p) {
         p->mutable_dscp()->set_mode(v1::DscpPolicy::MODE_MARK);
         p->mutable_dscp()->set_value(64);
       },
       "dscp.value: 64 exceeds 63"},
      {[](auto* p) {
         p->mutable_dscp()->set_tunnel(v1::DscpPolicy::TUNNEL_PIPE);
         p->mutable_dscp()->set_outer_value(64);
       },
       "dscp.outer_value: 64 exceeds 63"},
      {[](auto* p) { p->mutable_dscp()->set_mode(static_cast<v1::DscpPolicy::Mode>(9)); },
       "dscp: a mode that is not known"},
      {[](auto* p) { p->add_allowed()->set_mac("52:54"); }, "allowed"},
      {[](auto* p) {
         p->add_allowed()->set_mac("52:54:00:00:00:01");
         p->mutable_allowed(0)->add_prefixes("10.0.0.1/8");
       },
       "allowed"},
      {[](auto* p) { AddUnknownField(p->mutable_ingress_policer()); }, "ingress_policer: has"},
      {[](auto* p) { AddUnknownField(p->mutable_egress_policer()); }, "egress_policer: has"},
      {[](auto* p) { AddUnknownField(p->mutable_storm()); }, "storm: has"},
      {[](auto* p) { AddUnknownField(p->mutable_storm()->mutable_multicast()); },
       "storm.multicast: has"},
      {[](auto* p) { AddUnknownField(p->mutable_dscp()); }, "dscp: has"},
      {[](auto* p) { AddUnknownField(p->mutable_shaper()); }, "shaper: has"},
      {[](auto* p) {
         p->add_allowed()->set_mac("52:54:00:00:00:01");
         AddUnknownField(p->mutable_allowed(0));
       },
       "allowed: has"},
  };
  for (const BadPolicy& test : cases) {
    SCOPED_TRACE(test.complaint);
    v1::PortState message;
    test.damage(&message);
    state::Port port;
    const absl::Status status = ReadPolicy(message, &port);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(Message(status), HasSubstr(test.complaint));
  }
}

// Digests are of bytes: what is absent must not come back as something empty.
TEST(PolicyProtoTest, WhatIsAbsentStaysAbsent) {
  state::Port port;
  v1::PortState message;
  WritePolicy(port, &message);
  EXPECT_FALSE(message.has_ingress_policer());
  EXPECT_FALSE(message.has_egress_policer());
  EXPECT_FALSE(message.has_storm());
  EXPECT_FALSE(message.has_dscp());
  EXPECT_FALSE(message.has_shaper());
  port.storm.multicast.rate_pps = 1;
  port.dscp.mark = 0;
  WritePolicy(port, &message);
  EXPECT_FALSE(message.storm().has_broadcast());
  EXPECT_TRUE(message.storm().has_multicast());
  EXPECT_EQ(message.dscp().mode(), v1::DscpPolicy::MODE_MARK);
  EXPECT_EQ(message.dscp().tunnel(), v1::DscpPolicy::TUNNEL_UNIFORM);
}

}  // namespace
}  // namespace outrider::convert
