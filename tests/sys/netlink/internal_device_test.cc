#include "vswitch/sys/netlink/internal_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/netns_fixture.h"
#include "vswitch/sys/netlink/device_counters.h"

namespace outrider::sys {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const MacAddress kMac = *MacAddress::Parse("02:00:00:00:00:07");

class InternalDeviceTest : public ::testing::Test {
 protected:
  InternalDeviceTest() {
    const tests::NetnsScope scope(netns_);
    devices_ = InternalDevices::Create().value();
    netlink_ = NetlinkSocket::Create().value();
    counters_ = DeviceCounterReader::Create().value();
  }

  tests::NetworkNamespace netns_;
  std::unique_ptr<InternalDevices> devices_;
  std::unique_ptr<NetlinkSocket> netlink_;
  std::unique_ptr<DeviceCounterReader> counters_;
};

TEST_F(InternalDeviceTest, APairIsMadeAndKnownAgain) {
  const InternalDevice device{.name = "br0", .port_device = "orp-1", .mac = kMac, .mtu = 1450};
  ASSERT_TRUE(devices_->Ensure(device).ok());
  const auto host = netlink_->FindLink("br0");
  const auto port = netlink_->FindLink("orp-1");
  ASSERT_TRUE(host.ok() && port.ok());
  EXPECT_EQ(host->mtu, 1450u);
  EXPECT_EQ(host->mac, kMac);
  EXPECT_FALSE(host->admin_up);
  EXPECT_TRUE(port->admin_up);
  EXPECT_THAT(*devices_->List(), UnorderedElementsAre(Pair("br0", "orp-1")));
  // The same again keeps the devices.
  ASSERT_TRUE(devices_->Ensure(device).ok());
  EXPECT_EQ(netlink_->FindLink("br0")->ifindex, host->ifindex);
}

TEST_F(InternalDeviceTest, MtuAndMacFollow) {
  InternalDevice device{.name = "br0", .port_device = "orp-1", .mac = kMac, .mtu = 1450};
  ASSERT_TRUE(devices_->Ensure(device).ok());
  device.mtu = 9000;
  device.mac = *MacAddress::Parse("02:00:00:00:00:08");
  ASSERT_TRUE(devices_->Ensure(device).ok());
  EXPECT_EQ(netlink_->FindLink("br0")->mtu, 9000u);
  EXPECT_EQ(netlink_->FindLink("br0")->mac, device.mac);
}

TEST_F(InternalDeviceTest, SomebodyElsesDeviceIsLeftAlone) {
  tests::CreateVeth({.netns = &netns_, .name = "br0"}, {.netns = &netns_, .name = "other"});
  const absl::Status status =
      devices_->Ensure({.name = "br0", .port_device = "orp-1", .mac = kMac, .mtu = 1450});
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("not the switch's own"));
  ASSERT_TRUE(devices_->Remove("br0").ok());
  EXPECT_TRUE(netlink_->FindLink("br0").ok());
}

TEST_F(InternalDeviceTest, RemovalTakesBothEnds) {
  ASSERT_TRUE(
      devices_->Ensure({.name = "br0", .port_device = "orp-1", .mac = kMac, .mtu = 1450}).ok());
  ASSERT_TRUE(devices_->Remove("br0").ok());
  EXPECT_FALSE(netlink_->FindLink("br0").ok());
  EXPECT_FALSE(netlink_->FindLink("orp-1").ok());
  EXPECT_TRUE(devices_->Remove("br0").ok());
}

TEST_F(InternalDeviceTest, DevicesAreCounted) {
  tests::CreateVeth({.netns = &netns_, .name = "a0"}, {.netns = &netns_, .name = "a1"});
  tests::PacketSocket socket(netns_, "a0");
  socket.Send(std::vector<uint8_t>(60, 0xff));
  const auto devices = counters_->Read();
  ASSERT_TRUE(devices.ok()) << devices.status();
  std::map<std::string, DeviceCounters> by_name;
  for (const CountedDevice& device : *devices) by_name[device.link.name] = device.counters;
  EXPECT_EQ(by_name["a0"].tx_packets, 1u);
  EXPECT_EQ(by_name["a0"].tx_bytes, 60u);
  EXPECT_EQ(by_name["a1"].rx_packets, 1u);
  EXPECT_EQ(by_name["a1"].rx_bytes, 60u);
}

}  // namespace
}  // namespace outrider::sys
