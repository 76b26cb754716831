#include "vswitch/agent/device_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = sys::LinkEvent::Kind;

sys::Link Link(int ifindex, const std::string& name) {
  sys::Link link;
  link.ifindex = ifindex;
  link.name = name;
  return link;
}

DeviceChange Appeared(const std::string& name) {
  return {.device = name, .kind = DeviceChange::Kind::kAppeared};
}
DeviceChange Gone(const std::string& name) {
  return {.device = name, .kind = DeviceChange::Kind::kGone};
}
DeviceChange Features(const std::string& name) {
  return {.device = name, .kind = DeviceChange::Kind::kFeatures};
}

TEST(DeviceNames, TellsComingAndGoingOnce) {
  DeviceNames names;
  EXPECT_THAT(names.Update({Kind::kLinkChanged, Link(3, "tap0")}), ElementsAre(Appeared("tap0")));
  EXPECT_THAT(names.Update({Kind::kLinkChanged, Link(3, "tap0")}), IsEmpty());
  EXPECT_THAT(names.Update({Kind::kLinkRemoved, Link(3, "tap0")}), ElementsAre(Gone("tap0")));
  EXPECT_THAT(names.Update({Kind::kLinkRemoved, Link(3, "tap0")}), IsEmpty());
}

TEST(DeviceNames, ARenamedDeviceIsGoneAndAppears) {
  DeviceNames names;
  names.Update({Kind::kLinkChanged, Link(3, "tap0")});
  EXPECT_THAT(names.Update({Kind::kLinkChanged, Link(3, "tap9")}),
              ElementsAre(Gone("tap0"), Appeared("tap9")));
}

TEST(DeviceNames, ADeviceThatWasSetDownIsToldOf) {
  DeviceNames names;
  sys::Link link = Link(3, "or-vxlan");
  link.admin_up = true;
  names.Update({Kind::kLinkChanged, link});
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link}), IsEmpty());
  link.admin_up = false;
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link}), ElementsAre(Appeared("or-vxlan")));
  EXPECT_THAT(names.Replace({link}), IsEmpty());
  link.admin_up = true;
  EXPECT_THAT(names.Replace({link}), ElementsAre(Appeared("or-vxlan")));
}

TEST(DeviceNames, ALinkThatLosesItsCarrierIsToldOf) {
  DeviceNames names;
  sys::Link link = Link(3, "eth1");
  link.admin_up = true;
  link.carrier = true;
  names.Update({Kind::kLinkChanged, link});
  link.carrier = false;
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link}), ElementsAre(Appeared("eth1")));
  link.carrier = true;
  EXPECT_THAT(names.Replace({link}), ElementsAre(Appeared("eth1")));
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link}), IsEmpty());
}

// Once for each time the kernel says so: what they are now is somebody else's to ask.
TEST(DeviceNames, FeaturesThatChangeAreToldOf) {
  DeviceNames names;
  sys::Link link = Link(3, "tap0");
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link, true}),
              ElementsAre(Appeared("tap0"), Features("tap0")));
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link, true}), ElementsAre(Features("tap0")));
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link, true}), ElementsAre(Features("tap0")));
  link.carrier = true;
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link, true}),
              ElementsAre(Appeared("tap0"), Features("tap0")));
  EXPECT_THAT(names.Update({Kind::kLinkChanged, link}), IsEmpty());
}

TEST(DeviceNames, AListingTellsWhatWasMissed) {
  DeviceNames names;
  EXPECT_THAT(names.Replace({Link(1, "lo"), Link(3, "tap0")}),
              ElementsAre(Appeared("lo"), Appeared("tap0")));
  // tap0 was replaced by another device of that name.
  EXPECT_THAT(names.Replace({Link(1, "lo"), Link(4, "tap0")}),
              ElementsAre(Gone("tap0"), Appeared("tap0")));
}

TEST(DeviceNames, AddressesAreNoConcern) {
  DeviceNames names;
  EXPECT_THAT(names.Update({Kind::kAddressesChanged, Link(3, "")}), IsEmpty());
}

}  // namespace
}  // namespace outrider::agent
