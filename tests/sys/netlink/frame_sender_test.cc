#include "vswitch/sys/netlink/frame_sender.h"

#include <gtest/gtest.h>

#include "tests/support/netns_fixture.h"
#include "tests/support/packet_builder.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::sys {
namespace {

// Of a type of its own; the builder has no name for what is below a tag.
tests::Bytes Frame(bool tagged) {
  tests::Bytes frame = tests::PacketBuilder(tests::kBroadcast, "52:54:00:00:00:01")
                           .EtherType(0x88b5)
                           .Payload(50)
                           .Build();
  const tests::Bytes tag = {0x81, 0, 0x0f, 0xfe};
  if (tagged) frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  return frame;
}

class FrameSenderTest : public ::testing::Test {
 protected:
  FrameSenderTest() { tests::CreateVeth({&near_, "near"}, {&far_, "far"}); }

  tests::NetworkNamespace near_;
  tests::NetworkNamespace far_;
};

TEST_F(FrameSenderTest, SendsFramesAsTheyAre) {
  tests::PacketSocket far(far_, "far");
  std::unique_ptr<FrameSender> sender;
  {
    const tests::NetnsScope scope(near_);
    sender = FrameSender::Create().value();
  }
  // In its own namespace, wherever it is called.
  for (const bool tagged : {false, true}) {
    ASSERT_EQ(sender->Send("near", Frame(tagged)), absl::OkStatus());
    EXPECT_EQ(far.Receive([](const auto& got) { return got[6] == 0x52; }), Frame(tagged));
  }
}

TEST_F(FrameSenderTest, SaysWhenThereIsNoWay) {
  const tests::NetnsScope scope(near_);
  const auto sender = FrameSender::Create().value();
  EXPECT_TRUE(absl::IsNotFound(sender->Send("nothing", Frame(false))));
  const auto netlink = NetlinkSocket::Create().value();
  const int ifindex = netlink->FindLink("near").value().ifindex;
  ASSERT_EQ(netlink->SetUp(ifindex, false), absl::OkStatus());
  EXPECT_TRUE(absl::IsUnavailable(sender->Send("near", Frame(false))));
}

TEST_F(FrameSenderTest, PromiscuityIsSeenAndSet) {
  const tests::NetnsScope scope(near_);
  const auto netlink = NetlinkSocket::Create().value();
  const Link link = netlink->FindLink("near").value();
  EXPECT_FALSE(link.promiscuous);
  for (const bool wanted : {true, false}) {
    ASSERT_EQ(netlink->SetPromiscuous(link.ifindex, wanted), absl::OkStatus());
    EXPECT_EQ(netlink->FindLink("near").value().promiscuous, wanted);
  }
  EXPECT_TRUE(absl::IsNotFound(netlink->SetPromiscuous(9999, true)));
}

}  // namespace
}  // namespace outrider::sys
