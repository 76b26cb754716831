#include "vswitch/sys/netlink/sysctl.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/netns_fixture.h"

namespace outrider::sys {
namespace {

std::string Setting(const std::string& device) {
  std::string value;
  std::ifstream("/proc/sys/net/ipv6/conf/" + device + "/disable_ipv6") >> value;
  return value;
}

TEST(SysctlTest, SilencesOneDevice) {
  const tests::NetworkNamespace netns;
  const tests::NetnsScope scope(netns);
  for (const char* name : {"lo", "default"}) {
    std::ofstream(std::string("/proc/sys/net/ipv6/conf/") + name + "/disable_ipv6") << 0;
    ASSERT_EQ(Setting(name), "0");
  }
  EXPECT_TRUE(DisableIpv6("lo").ok());
  EXPECT_EQ(Setting("lo"), "1");
  EXPECT_EQ(Setting("default"), "0");
}

TEST(SysctlTest, ADeviceWithoutIpv6NeedsNothing) {
  const tests::NetworkNamespace netns;
  const tests::NetnsScope scope(netns);
  EXPECT_TRUE(DisableIpv6("nothing").ok());
}

}  // namespace
}  // namespace outrider::sys
