#include "controller/cli/trace_defaults.h"

#include <gtest/gtest.h>

#include "tests/controller/model/build.h"

namespace outrider::controller::cli {
namespace {

// "trunk" and "other" are trunks here that have VNI 200 as VLAN 20 and as VLAN 30; "guest" is an
// access port in 200, one more station of it is elsewhere. VNI 300 is a provider segment.
const char kState[] = R"(
  segments { vni: 100 } segments { vni: 200 }
  segments { vni: 300 provider_uplink: "net" provider_vlan: 3 }
  ports { id: "trunk" vni: 100 native_vlan: 1 vlans { vlan: 20 vni: 200 }
          vlans { vlan: 3 vni: 300 } }
  ports { id: "other" vlans { vlan: 30 vni: 200 } }
  ports { id: "guest" vni: 200 }
  fdb { vni: 200 mac: "52:54:00:00:00:0b" vtep: "192.0.2.2" }
  fdb { vni: 200 mac: "52:54:00:00:00:0c" port_id: "guest" }
  fdb { vni: 200 mac: "52:54:00:00:00:0d" port_id: "other" }
  neighbors { vni: 200 ip: "fd00::2" mac: "52:54:00:00:00:0b" }
  neighbors { vni: 300 ip: "10.3.0.9" mac: "52:54:00:00:00:0e" }
)";

class TraceDefaultsTest : public ::testing::Test {
 protected:
  absl::Status Fill() { return FillTrace(port_, state_, &question_, &request_); }
  FrameSpec& spec() { return question_.spec; }

  const v1::HostState state_ = Parse<v1::HostState>(kState);
  const v1::LocalPort port_ = Parse<v1::LocalPort>(
      R"(attachment { port_id: "trunk" device: "tap0" mac: "52:54:00:00:00:0a" } vni: 100)");
  TraceQuestion question_;
  v1::TraceRequest request_;
};

TEST_F(TraceDefaultsTest, ATrunksGuestSendsWithItsTag) {
  spec().vlan = 20;
  spec().dst_mac = "52:54:00:00:00:0b";
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(spec().vlan, 20);
  EXPECT_EQ(request_.vni(), 0u);
}

TEST_F(TraceDefaultsTest, BetweenPortsThereIsNoTag) {
  spec().vlan = 20;
  spec().src_mac = "52:54:00:00:00:0b";
  question_.from_vtep = "192.0.2.2";
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(request_.vni(), 200u);
  EXPECT_EQ(spec().vlan, std::nullopt) << "the frame is without it in the tunnel";
}

TEST_F(TraceDefaultsTest, TheNativeVlanIsThePortsSegment) {
  spec().vlan = 1;
  spec().src_mac = "52:54:00:00:00:0b";
  question_.from_vtep = "192.0.2.2";
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(request_.vni(), 100u);
  EXPECT_EQ(spec().vlan, std::nullopt);
}

TEST_F(TraceDefaultsTest, ATagThatIsNotThePortsIsTheCustomers) {
  spec().vlan = 77;
  spec().src_mac = "52:54:00:00:00:0b";
  question_.from_vtep = "192.0.2.2";
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(request_.vni(), 100u);
  EXPECT_EQ(spec().vlan, 77);
}

TEST_F(TraceDefaultsTest, AnAccessPortHereSendsWithoutATag) {
  question_.to = true;
  spec().vlan = 20;
  spec().src_mac = "52-54-00-00-00-0C";
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(request_.port_id(), "guest");
  EXPECT_EQ(spec().vlan, std::nullopt);
}

TEST_F(TraceDefaultsTest, ATrunkHereSendsWithItsOwnTag) {
  question_.to = true;
  spec().vlan = 20;
  spec().src_mac = "52:54:00:00:00:0d";
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(request_.port_id(), "other");
  EXPECT_EQ(spec().vlan, 30);
}

TEST_F(TraceDefaultsTest, AddressesMayBeWrittenInAnyForm) {
  spec().vlan = 20;
  spec().src_ip = "FD00:0::1";
  spec().dst_ip = "FD00::0002";
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(spec().dst_mac, "52:54:00:00:00:0b");
}

TEST_F(TraceDefaultsTest, ProviderSegmentsHaveNoTunnelEndPoint) {
  question_.to = true;
  spec().vlan = 3;
  spec().src_ip = "10.3.0.9";
  EXPECT_EQ(Fill(), absl::InvalidArgumentError(
                        "52:54:00:00:00:0e is behind the uplink of VNI 300's segment: frames that "
                        "come in by an uplink cannot be traced; trace those of this host's ports"));
}

}  // namespace
}  // namespace outrider::controller::cli
