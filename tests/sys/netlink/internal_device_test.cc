#include "vswitch/sys/netlink/internal_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/netns_fixture.h"
#include "vswitch/sys/netlink/device_counters.h"

namespace outrider::sys {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const MacAddress kMac = *MacAddress::Parse("02:00:00:00:00:07");
const MacAddress kOtherMac = *MacAddress::Parse("02:00:00:00:00:08");
constexpr char kPort[] = "orp-00000001";

InternalDevice Device(const std::string& name = "br0") {
  return {.name = name, .port_device = PortDeviceName(1), .mac = kMac, .mtu = 1450};
}

// What the device `name` of a namespace is.
absl::StatusOr<Link> LinkIn(const tests::NetworkNamespace& netns, const std::string& name) {
  const tests::NetnsScope scope(netns);
  return NetlinkSocket::Create().value()->FindLink(name);
}

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
  ASSERT_TRUE(devices_->Ensure(Device()).ok());
  const auto host = netlink_->FindLink("br0");
  const auto port = netlink_->FindLink(kPort);
  ASSERT_TRUE(host.ok() && port.ok());
  EXPECT_EQ(host->mtu, 1450u);
  EXPECT_EQ(host->mac, kMac);
  EXPECT_FALSE(host->admin_up);
  EXPECT_TRUE(port->admin_up);
  EXPECT_THAT(*devices_->List(), UnorderedElementsAre(Pair(kPort, "br0")));
  // The same again keeps the devices.
  ASSERT_TRUE(devices_->Ensure(Device()).ok());
  EXPECT_EQ(netlink_->FindLink("br0")->ifindex, host->ifindex);
}

TEST_F(InternalDeviceTest, MtuAndMacThatWereAskedForFollow) {
  InternalDevice device = Device();
  ASSERT_TRUE(devices_->Ensure(device).ok());
  device.mtu = 9000;
  device.mac = kOtherMac;
  device.keep_mtu = device.keep_mac = true;
  ASSERT_TRUE(devices_->Ensure(device).ok());
  EXPECT_EQ(netlink_->FindLink("br0")->mtu, 9000u);
  EXPECT_EQ(netlink_->FindLink("br0")->mac, kOtherMac);
}

TEST_F(InternalDeviceTest, MtuAndMacSetByHandStay) {
  ASSERT_TRUE(devices_->Ensure(Device()).ok());
  tests::SetMac(netns_, "br0", kOtherMac.ToString());
  ASSERT_TRUE(netlink_->SetMtu(netlink_->FindLink("br0")->ifindex, 9000).ok());
  ASSERT_TRUE(devices_->Ensure(Device()).ok());
  EXPECT_EQ(netlink_->FindLink("br0")->mac, kOtherMac);
  EXPECT_EQ(netlink_->FindLink("br0")->mtu, 9000u);
  // And the switch's end takes what such a device sends.
  ASSERT_TRUE(netlink_->SetUp(netlink_->FindLink("br0")->ifindex, true).ok());
  tests::PacketSocket host(netns_, "br0");
  tests::PacketSocket port(netns_, kPort);
  host.Send(std::vector<uint8_t>(8000, 0xff));
  EXPECT_TRUE(port.Receive([](const auto& frame) { return frame.size() == 8000; }).has_value());
}

TEST_F(InternalDeviceTest, OneInAnotherNamespaceIsKeptAsItIs) {
  const tests::NetworkNamespace elsewhere;
  ASSERT_TRUE(devices_->Ensure(Device()).ok());
  tests::MoveDevice(netns_, "br0", elsewhere);
  tests::SetMac(elsewhere, "br0", kOtherMac.ToString());
  ASSERT_TRUE(netlink_->SetUp(netlink_->FindLink(kPort)->ifindex, false).ok());
  InternalDevice device = Device();
  device.keep_mac = device.keep_mtu = true;
  const absl::Status status = devices_->Ensure(device);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(netlink_->FindLink(kPort)->admin_up);
  EXPECT_FALSE(netlink_->FindLink("br0").ok());
  EXPECT_EQ(LinkIn(elsewhere, "br0")->mac, kOtherMac);
  EXPECT_THAT(*devices_->List(), UnorderedElementsAre(Pair(kPort, "br0")));
}

// The number of a device elsewhere may be that of one here.
TEST_F(InternalDeviceTest, ADeviceHereIsNotTakenForTheEndElsewhere) {
  const tests::NetworkNamespace elsewhere;
  ASSERT_TRUE(devices_->Ensure(Device()).ok());
  const int ifindex = netlink_->FindLink("br0")->ifindex;
  tests::MoveDevice(netns_, "br0", elsewhere);
  tests::CreateVeth({.netns = &netns_, .name = "br0", .ifindex = ifindex},
                    {.netns = &netns_, .name = "other"});
  InternalDevice device = Device();
  device.keep_mac = device.keep_mtu = true;
  ASSERT_TRUE(devices_->Ensure(device).ok());
  EXPECT_NE(netlink_->FindLink("br0")->mac, kMac);
  EXPECT_EQ(netlink_->FindLink("br0")->mtu, 1500u);
}

TEST_F(InternalDeviceTest, RemovalTakesTheEndInAnotherNamespace) {
  const tests::NetworkNamespace elsewhere;
  ASSERT_TRUE(devices_->Ensure(Device()).ok());
  tests::MoveDevice(netns_, "br0", elsewhere);
  ASSERT_TRUE(devices_->Remove(kPort).ok());
  EXPECT_FALSE(netlink_->FindLink(kPort).ok());
  EXPECT_TRUE(absl::IsNotFound(LinkIn(elsewhere, "br0").status()));
  EXPECT_THAT(*devices_->List(), IsEmpty());
}

// What an agent leaves that is killed between creating a pair and naming it.
TEST_F(InternalDeviceTest, AHalfMadePairIsAdopted) {
  tests::CreateVeth({.netns = &netns_, .name = "br0"}, {.netns = &netns_, .name = kPort});
  const int ifindex = netlink_->FindLink("br0")->ifindex;
  EXPECT_THAT(*devices_->List(), UnorderedElementsAre(Pair(kPort, "")));
  const absl::Status status = devices_->Ensure(Device());
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(netlink_->FindLink("br0")->ifindex, ifindex);
  EXPECT_THAT(*devices_->List(), UnorderedElementsAre(Pair(kPort, "br0")));
}

TEST_F(InternalDeviceTest, AHalfMadePairThatNobodyWantsAnyMoreIsRemoved) {
  tests::CreateVeth({.netns = &netns_, .name = "br0"}, {.netns = &netns_, .name = kPort});
  ASSERT_TRUE(devices_->Remove(kPort).ok());
  EXPECT_FALSE(netlink_->FindLink("br0").ok());
  EXPECT_FALSE(netlink_->FindLink(kPort).ok());
}

TEST_F(InternalDeviceTest, SomebodyElsesDeviceIsLeftAlone) {
  tests::CreateVeth({.netns = &netns_, .name = "br0"}, {.netns = &netns_, .name = "orp-other"});
  const absl::Status status = devices_->Ensure(Device());
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("device br0: exists and is not the switch's own"));
  EXPECT_THAT(*devices_->List(), IsEmpty());
  for (const char* name : {"br0", "orp-other"}) {
    ASSERT_TRUE(devices_->Remove(name).ok());
    EXPECT_TRUE(netlink_->FindLink(name).ok());
  }
}

TEST_F(InternalDeviceTest, APairIsNotGivenToAnotherName) {
  ASSERT_TRUE(devices_->Ensure(Device("p0")).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(devices_->Ensure(Device("p1"))));
  EXPECT_THAT(*devices_->List(), UnorderedElementsAre(Pair(kPort, "p0")));
}

TEST_F(InternalDeviceTest, RemovalTakesBothEnds) {
  ASSERT_TRUE(devices_->Ensure(Device()).ok());
  ASSERT_TRUE(devices_->Remove(kPort).ok());
  EXPECT_FALSE(netlink_->FindLink("br0").ok());
  EXPECT_FALSE(netlink_->FindLink(kPort).ok());
  EXPECT_TRUE(devices_->Remove(kPort).ok());
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
