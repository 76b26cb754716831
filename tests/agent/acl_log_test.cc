#include "vswitch/agent/acl_log.h"

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"
#include "tests/support/state_generator.h"

namespace outrider::agent {
namespace {

datapath::AclLogEvent Event() {
  datapath::AclLogEvent event;
  event.port = tests::MakePortId(1);
  event.number = 3;
  event.ether_type = 0x0800;
  event.is_ip = true;
  event.src = tests::Ip("10.0.0.1");
  event.dst = tests::Ip("10.0.0.2");
  event.protocol = 6;
  event.src_port = 1000;
  event.dst_port = 80;
  event.length = 74;
  return event;
}

const std::string kPort = "port 00000000-0000-0000-0000-000000000001: ";

TEST(AclLogTest, NamesRuleActionAndFlow) {
  EXPECT_EQ(AclLogText(Event()),
            kPort + "ingress rule 3 drop: 10.0.0.1:1000 > 10.0.0.2:80 protocol 6, 74 bytes");
}

TEST(AclLogTest, WritesWhatThereIs) {
  datapath::AclLogEvent event = Event();
  event.direction = datapath::Direction::kEgress;
  event.action = state::AclAction::kAllowRelated;
  event.src = tests::Ip("fd00::1");
  event.dst = tests::Ip("fd00::2");
  EXPECT_EQ(
      AclLogText(event),
      kPort + "egress rule 3 allow-related: [fd00::1]:1000 > [fd00::2]:80 protocol 6, 74 bytes");
  event.protocol = 58;
  event.src_port = event.dst_port = 0;
  event.action = state::AclAction::kReject;
  EXPECT_EQ(AclLogText(event),
            kPort + "egress rule 3 reject: fd00::1 > fd00::2 protocol 58, 74 bytes");
  event.is_ip = false;
  event.ether_type = 0x88b5;
  event.src_mac = tests::MakeMac(1);
  event.dst_mac = tests::MakeMac(2);
  event.action = state::AclAction::kAllow;
  EXPECT_EQ(
      AclLogText(event),
      kPort +
          "egress rule 3 allow: 52:54:00:00:00:01 > 52:54:00:00:00:02 ethertype 0x88b5, 74 bytes");
}

TEST(AdoptionLogTest, SaysWhatWasTakenUp) {
  EXPECT_EQ(AdoptionText({.port = tests::MakePortId(1),
                          .vni = tests::MakeVni(7),
                          .src = tests::Ip("10.0.0.1"),
                          .dst = tests::Ip("10.0.0.2"),
                          .src_port = 1000,
                          .dst_port = 80,
                          .from_guest = true}),
            kPort +
                "10.0.0.1:1000 > 10.0.0.2:80 protocol 6: unknown after the port's move, taken up "
                "in its middle");
}

}  // namespace
}  // namespace outrider::agent
