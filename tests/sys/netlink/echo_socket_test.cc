#include "vswitch/sys/netlink/echo_socket.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/netns_fixture.h"
#include "tests/support/packet_builder.h"
#include "vswitch/sys/netlink/frame_sender.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::sys {
namespace {

using tests::Bytes;
using tests::PacketBuilder;

constexpr uint16_t kIdentifier = 0x1234;
constexpr char kMacA[] = "52:54:00:00:00:01";
constexpr char kMacB[] = "52:54:00:00:00:02";

PacketBuilder Ipv4() {
  return PacketBuilder(kMacA, kMacB).Ipv4({.src = "10.0.0.2", .dst = "10.0.0.1"});
}

PacketBuilder Ipv6() {
  return PacketBuilder(kMacA, kMacB).Ipv6({.src = "2001:db8::2", .dst = "2001:db8::1"});
}

Bytes Reply(uint16_t identifier = kIdentifier) {
  return Ipv4().Icmp(0, 0, identifier).Payload(24).Build();
}

Bytes Reply6(uint16_t identifier = kIdentifier) {
  return Ipv6().Icmpv6(129, 0, identifier).Payload(24).Build();
}

int64_t MonotonicMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// "port" is the device, and "guest" who is behind it.
class EchoSocketTest : public ::testing::Test {
 protected:
  EchoSocketTest() {
    tests::CreateVeth({&host_, "port"}, {&far_, "guest"});
    const tests::NetnsScope scope(host_);
    netlink_ = NetlinkSocket::Create().value();
    ifindex_ = static_cast<uint32_t>(netlink_->FindLink("port").value().ifindex);
    socket_ = EchoSocket::Open(ifindex_, 0, kIdentifier).value();
    sender_ = FrameSender::Create().value();
  }
  void Deliver(const Bytes& frame) { ASSERT_EQ(sender_->Send("port", frame), absl::OkStatus()); }

  tests::NetworkNamespace host_;
  tests::NetworkNamespace far_;
  std::unique_ptr<NetlinkSocket> netlink_;
  uint32_t ifindex_ = 0;
  std::unique_ptr<EchoSocket> socket_;
  std::unique_ptr<FrameSender> sender_;
};

TEST_F(EchoSocketTest, SeesTheRepliesOfItsIdentifierThatLeaveByTheDevice) {
  const int64_t before_us = MonotonicMicros();
  for (const Bytes& other :
       {Reply(kIdentifier + 1), Reply6(kIdentifier + 1),
        Ipv4().Icmp(8, 0, kIdentifier).Payload(24).Build(),
        Ipv6().Icmpv6(128, 0, kIdentifier).Payload(24).Build(),
        Ipv4().Udp(kIdentifier, kIdentifier).Payload(24).Build(),
        PacketBuilder(kMacA, kMacB).EtherType(0x88b5).Payload(50, 0).Build()}) {
    Deliver(other);
  }
  EXPECT_FALSE(socket_->Take().has_value());
  Deliver(Reply());
  Deliver(Reply6());
  for (const Bytes& expected : {Reply(), Reply6()}) {
    const auto seen = socket_->Take();
    ASSERT_TRUE(seen.has_value());
    EXPECT_EQ(seen->bytes, expected);
    EXPECT_GE(seen->time_us, before_us);
    EXPECT_LE(seen->time_us, MonotonicMicros());
  }
  EXPECT_FALSE(socket_->Take().has_value());
}

TEST_F(EchoSocketTest, WhatComesInByTheDeviceIsNotOfInterest) {
  tests::PacketSocket port(host_, "port");
  tests::PacketSocket guest(far_, "guest");
  guest.Send(Reply());
  ASSERT_TRUE(port.Receive([](const auto& frame) { return frame == Reply(); }).has_value());
  EXPECT_FALSE(socket_->Take().has_value());
}

TEST_F(EchoSocketTest, SendsOntoTheDeviceWhoeverCalls) {
  tests::PacketSocket guest(far_, "guest");
  ASSERT_EQ(socket_->Send(Reply()), absl::OkStatus());
  EXPECT_EQ(guest.Receive([](const auto& frame) { return frame == Reply(); }), Reply());
  EXPECT_FALSE(socket_->Take().has_value()) << "its own are not seen";
}

TEST_F(EchoSocketTest, SaysWhenThereIsNoWay) {
  ASSERT_EQ(netlink_->SetUp(static_cast<int>(ifindex_), false), absl::OkStatus());
  EXPECT_TRUE(absl::IsFailedPrecondition(socket_->Send(Reply())));
  tests::DeleteDevice(host_, "port");
  EXPECT_TRUE(absl::IsFailedPrecondition(socket_->Send(Reply())));
  const tests::NetnsScope scope(host_);
  EXPECT_TRUE(absl::IsNotFound(EchoSocket::Open(ifindex_, 0, kIdentifier).status()));
}

}  // namespace
}  // namespace outrider::sys
