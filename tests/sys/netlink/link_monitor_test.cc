#include "vswitch/sys/netlink/link_monitor.h"

#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "tests/support/netns_fixture.h"
#include "vswitch/sys/netlink/device_offloads.h"

namespace outrider::sys {
namespace {

using Kind = LinkEvent::Kind;

class LinkMonitorTest : public ::testing::Test {
 protected:
  LinkMonitorTest() {
    const tests::NetnsScope scope(netns_);
    socket_ = NetlinkSocket::Create().value();
  }

  std::unique_ptr<LinkMonitor> Monitor() {
    const tests::NetnsScope scope(netns_);
    return LinkMonitor::Create([this](const LinkEvent& event) {
             std::unique_lock lock(mutex_);
             changed_.wait(lock, [this] { return !held_; });
             events_.push_back(event);
             changed_.notify_all();
           })
        .value();
  }

  // Whether such an event has come, waiting for it for at most 5 s.
  bool Seen(const std::function<bool(const LinkEvent&)>& wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5),
                             [&] { return std::any_of(events_.begin(), events_.end(), wanted); });
  }

  void Hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }

  void AddVeth(const std::string& name) {
    tests::CreateVeth({.netns = &netns_, .name = name}, {.netns = &other_, .name = name});
  }

  tests::NetworkNamespace netns_;
  tests::NetworkNamespace other_;
  std::unique_ptr<NetlinkSocket> socket_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<LinkEvent> events_;
  bool held_ = false;
};

TEST_F(LinkMonitorTest, TellsOfDevicesThatComeChangeAndGo) {
  const auto monitor = Monitor();
  AddVeth("veth0");
  EXPECT_TRUE(Seen([](const LinkEvent& event) {
    return event.kind == Kind::kLinkChanged && event.link.name == "veth0" &&
           event.link.kind == "veth" && event.link.admin_up;
  }));
  const int ifindex = socket_->FindLink("veth0")->ifindex;
  ASSERT_TRUE(socket_->SetMtu(ifindex, 1234).ok());
  EXPECT_TRUE(Seen([](const LinkEvent& event) {
    return event.kind == Kind::kLinkChanged && event.link.mtu == 1234;
  }));
  ASSERT_TRUE(socket_->DeleteLink(ifindex).ok());
  EXPECT_TRUE(Seen([ifindex](const LinkEvent& event) {
    return event.kind == Kind::kLinkRemoved && event.link.ifindex == ifindex &&
           event.link.name == "veth0";
  }));
}

// As QEMU does, when it has loaded what the guest's driver takes.
TEST_F(LinkMonitorTest, TellsOfATapWhoseReaderTakesOtherFrames) {
  const int tap = tests::CreateTap(netns_, "tap0");
  const auto monitor = Monitor();
  const auto takes = [this] {
    const tests::NetnsScope scope(netns_);
    return TakesChecksums("tap0");
  };
  const auto features = [this] {
    const std::lock_guard lock(mutex_);
    return std::count_if(events_.begin(), events_.end(), [](const LinkEvent& event) {
      return event.link.name == "tap0" && event.features;
    });
  };
  EXPECT_FALSE(takes().value());
  ASSERT_EQ(ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4), 0);
  EXPECT_TRUE(Seen([](const LinkEvent& event) { return event.features; }));
  EXPECT_TRUE(takes().value());
  EXPECT_EQ(features(), 1);
  // Nothing else is such a change; events come in order.
  ASSERT_TRUE(socket_->SetMtu(socket_->FindLink("tap0")->ifindex, 1234).ok());
  EXPECT_TRUE(Seen([](const LinkEvent& event) { return event.link.mtu == 1234; }));
  EXPECT_EQ(features(), 1);
  ASSERT_EQ(ioctl(tap, TUNSETOFFLOAD, 0), 0);
  ASSERT_TRUE(socket_->SetMtu(socket_->FindLink("tap0")->ifindex, 1300).ok());
  EXPECT_TRUE(Seen([](const LinkEvent& event) { return event.link.mtu == 1300; }));
  EXPECT_EQ(features(), 2);
  EXPECT_FALSE(takes().value());
  close(tap);
  EXPECT_EQ(takes().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LinkMonitorTest, TellsOfAddresses) {
  AddVeth("veth0");
  const int ifindex = socket_->FindLink("veth0")->ifindex;
  const auto monitor = Monitor();
  tests::AddAddress(netns_, "veth0", "10.99.0.1/24");
  EXPECT_TRUE(Seen([ifindex](const LinkEvent& event) {
    return event.kind == Kind::kAddressesChanged && event.link.ifindex == ifindex;
  }));
}

TEST_F(LinkMonitorTest, AsksToLookAgainWhenEventsWereLost) {
  AddVeth("veth0");
  const int ifindex = socket_->FindLink("veth0")->ifindex;
  const auto monitor = Monitor();
  Hold(true);
  // More than the socket's buffer holds, while the listener stands still.
  for (uint32_t i = 0; i < 8000; ++i) ASSERT_TRUE(socket_->SetMtu(ifindex, 1000 + i % 2).ok());
  Hold(false);
  EXPECT_TRUE(Seen([](const LinkEvent& event) { return event.kind == Kind::kResync; }));

  // And goes on afterwards.
  ASSERT_TRUE(socket_->SetMtu(ifindex, 1300).ok());
  EXPECT_TRUE(Seen([](const LinkEvent& event) {
    return event.kind == Kind::kLinkChanged && event.link.mtu == 1300;
  }));
}

TEST_F(LinkMonitorTest, EndsWithoutAnEvent) {
  auto monitor = Monitor();
  monitor.reset();
  AddVeth("veth0");
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace outrider::sys
