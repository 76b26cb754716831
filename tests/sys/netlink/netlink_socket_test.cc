#include "vswitch/sys/netlink/netlink_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vxlan.h>

#include "tests/support/netns_fixture.h"
#include "tests/support/packet_builder.h"

namespace outrider::sys {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using tests::Ip;

class NetlinkSocketTest : public ::testing::Test {
 protected:
  NetlinkSocketTest() {
    const tests::NetnsScope scope(netns_);
    socket_ = NetlinkSocket::Create().value();
  }

  void AddVeth(const std::string& name, int ifindex = 0) {
    tests::CreateVeth({.netns = &netns_, .name = name, .ifindex = ifindex},
                      {.netns = &other_, .name = name});
  }

  tests::NetworkNamespace netns_;
  tests::NetworkNamespace other_;
  std::unique_ptr<NetlinkSocket> socket_;
};

TEST_F(NetlinkSocketTest, FindsALinkByNameAndByIndex) {
  AddVeth("veth0", 77);
  const auto link = socket_->FindLink("veth0");
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->name, "veth0");
  EXPECT_EQ(link->ifindex, 77);
  EXPECT_EQ(link->kind, "veth");
  EXPECT_EQ(link->mtu, 1500u);
  EXPECT_TRUE(link->admin_up);
  EXPECT_TRUE(link->carrier);
  EXPECT_FALSE(link->loopback);
  EXPECT_FALSE(link->mac.IsZero());
  EXPECT_EQ(*socket_->FindLink(77), *link);
  EXPECT_TRUE(socket_->FindLink("lo")->loopback);
}

TEST_F(NetlinkSocketTest, StaysInItsNamespace) {
  AddVeth("veth0");
  const tests::NetworkNamespace elsewhere;
  const tests::NetnsScope scope(elsewhere);
  EXPECT_TRUE(socket_->FindLink("veth0").ok());
}

TEST_F(NetlinkSocketTest, AMissingLinkIsNotFoundByName) {
  const auto by_name = socket_->FindLink("nothing");
  EXPECT_TRUE(absl::IsNotFound(by_name.status())) << by_name.status();
  EXPECT_THAT(Message(by_name.status()), HasSubstr("device nothing"));
  EXPECT_TRUE(absl::IsNotFound(socket_->FindLink(4711).status()));
  EXPECT_TRUE(absl::IsNotFound(socket_->SetMtu(4711, 1400)));
  EXPECT_TRUE(absl::IsNotFound(socket_->DeleteLink(4711)));
}

TEST_F(NetlinkSocketTest, ListsLinksAndAddresses) {
  AddVeth("veth0");
  tests::AddAddress(netns_, "veth0", "10.99.0.1/24");
  EXPECT_THAT(*socket_->ListLinks(), SizeIs(2));
  const int ifindex = socket_->FindLink("veth0")->ifindex;
  EXPECT_THAT(*socket_->ListAddresses(),
              Contains(LinkAddress{.ifindex = ifindex, .address = Ip("10.99.0.1")}));
}

TEST_F(NetlinkSocketTest, ChangesMtuAndState) {
  AddVeth("veth0");
  const int ifindex = socket_->FindLink("veth0")->ifindex;
  ASSERT_TRUE(socket_->SetMtu(ifindex, 1234).ok());
  EXPECT_EQ(socket_->FindLink(ifindex)->mtu, 1234u);
  EXPECT_FALSE(socket_->SetMtu(ifindex, 10).ok());
  ASSERT_TRUE(socket_->SetUp(ifindex, false).ok());
  EXPECT_FALSE(socket_->FindLink(ifindex)->admin_up);
  ASSERT_TRUE(socket_->SetUp(ifindex, true).ok());
  EXPECT_TRUE(socket_->FindLink(ifindex)->admin_up);
  ASSERT_TRUE(socket_->DeleteLink(ifindex).ok());
  EXPECT_TRUE(absl::IsNotFound(socket_->FindLink("veth0").status()));
}

TEST_F(NetlinkSocketTest, MakesAnExternalVxlanDeviceAndKnowsItAgain) {
  VxlanDevice device{.name = "or-vxlan", .port = 4789, .mtu = 65535};
  const auto made = socket_->EnsureVxlan(device);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->kind, "vxlan");
  EXPECT_EQ(made->mtu, 65535u);
  EXPECT_FALSE(made->admin_up);
  const auto again = socket_->EnsureVxlan(device);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ifindex, made->ifindex);

  device.mtu = 9000;
  EXPECT_EQ(socket_->EnsureVxlan(device)->mtu, 9000u);

  device.port = 4790;
  const auto other_port = socket_->EnsureVxlan(device);
  EXPECT_EQ(other_port.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Message(other_port.status()), HasSubstr("external nolearning dstport 4790"));
}

// As former releases made it.
void MakeVxlanWithoutGroupPolicy(const std::string& name, uint32_t port) {
  nl_sock* socket = nl_socket_alloc();
  ASSERT_EQ(nl_connect(socket, NETLINK_ROUTE), 0);
  rtnl_link* link = rtnl_link_vxlan_alloc();
  rtnl_link_set_name(link, name.c_str());
  rtnl_link_vxlan_set_port(link, port);
  rtnl_link_vxlan_set_collect_metadata(link, 1);
  rtnl_link_vxlan_set_learning(link, 0);
  EXPECT_EQ(rtnl_link_add(socket, link, NLM_F_CREATE | NLM_F_EXCL), 0);
  rtnl_link_put(link);
  nl_socket_free(socket);
}

TEST_F(NetlinkSocketTest, AVxlanDeviceWithoutGroupPoliciesIsMadeAnew) {
  {
    const tests::NetnsScope scope(netns_);
    MakeVxlanWithoutGroupPolicy("or-vxlan", 4789);
  }
  const int before = socket_->FindLink("or-vxlan")->ifindex;
  const VxlanDevice device{.name = "or-vxlan", .port = 4789, .mtu = 65535};
  const auto made = socket_->EnsureVxlan(device);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_NE(made->ifindex, before);
  EXPECT_EQ(socket_->EnsureVxlan(device)->ifindex, made->ifindex) << "once";
}

TEST_F(NetlinkSocketTest, LeavesADeviceOfAnotherKindAlone) {
  AddVeth("or-vxlan");
  const auto made = socket_->EnsureVxlan({.name = "or-vxlan", .port = 4789, .mtu = 1500});
  EXPECT_EQ(made.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(socket_->FindLink("or-vxlan")->kind, "veth");
}

TEST_F(NetlinkSocketTest, FindsTheVtepsDeviceAndTheUnderlaysMtu) {
  AddVeth("veth0");
  tests::AddAddress(netns_, "veth0", "10.99.0.1/24");
  ASSERT_TRUE(socket_->SetMtu(socket_->FindLink("veth0")->ifindex, 1480).ok());
  EXPECT_EQ(FindVtepDevice(socket_.get(), Ip("10.99.0.1"))->name, "veth0");
  EXPECT_EQ(*UnderlayMtu(socket_.get(), VtepPair(Ip("10.99.0.1")), 0), 1480u);
  EXPECT_EQ(*UnderlayMtu(socket_.get(), VtepPair(Ip("10.99.0.1")), 9000), 9000u);

  const auto missing = UnderlayMtu(socket_.get(), VtepPair(Ip("10.99.0.2")), 9000);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(missing.status()), HasSubstr("vtep 10.99.0.2: no device of this host"));
}

TEST_F(NetlinkSocketTest, LoopbacksMtuIsNoUnderlays) {
  tests::AddAddress(netns_, "lo", "10.99.1.1/32");
  EXPECT_EQ(UnderlayMtu(socket_.get(), VtepPair(Ip("10.99.1.1")), 0).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(*UnderlayMtu(socket_.get(), VtepPair(Ip("10.99.1.1")), 1500), 1500u);
}

}  // namespace
}  // namespace outrider::sys
