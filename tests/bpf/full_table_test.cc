// The table of connections, full to its last entry: what is new is refused and counted at its own
// port, what is there goes on, nobody is evicted, and with room new ones are accepted again.
#include <gtest/gtest.h>

#include "tests/bpf/connection_fixture.h"

namespace outrider::tests {
namespace {

// Whose connections fill it; it has no device.
constexpr uint32_t kCrowd = 3;
constexpr uint32_t kBatch = 1 << 15;

class FullTableTest : public ConnectionTest {
 protected:
  using Table = sys::TypedMap<abi::or_connection_key, abi::or_connection>;

  // `count` connections of the crowd, the half of them over.
  void Fill(uint32_t count) {
    Table table = switch_->Map<abi::or_connection_key, abi::or_connection>("or_connections");
    std::vector<std::pair<abi::or_connection_key, abi::or_connection>> batch;
    batch.reserve(kBatch);
    for (uint32_t i = 0; i < count; ++i) {
      abi::or_connection_key key = {};
      key.port = kCrowd;
      key.vni = i;
      abi::or_connection entry = {};
      entry.port = kCrowd;
      entry.state = abi::OR_CONNECTION_REPLIED;
      entry.expires_ns = i % 2 == 0 ? 1 : INT64_MAX;
      batch.emplace_back(key, entry);
      if (batch.size() < kBatch && i + 1 < count) continue;
      ASSERT_EQ(table.UpdateBatch(batch), absl::OkStatus());
      batch.clear();
    }
    ASSERT_EQ((switch_->Map<uint32_t, uint32_t>("or_connection_counts").Update(kCrowd, count)),
              absl::OkStatus());
  }

  static Bytes FromBToC(uint16_t port) {
    return PacketBuilder(kMacC, kMacB).Ipv4({.src = kIpB, .dst = "10.0.0.3"}).Udp(port, 99).Build();
  }

  void ExpectTheOldOnesGoOn() {
    EXPECT_TRUE(FromA(UdpFromA(2000, 53)));
    EXPECT_TRUE(ToA(UdpToA(53, 2000)));
    EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001, 10})));
    EXPECT_TRUE(Passes(2, FromBToC(1), 3));
  }
};

TEST_F(FullTableTest, RefusesWhatIsNewAndEvictsNobody) {
  Profile profile = OutboundOnly();
  profile.max_connections = OR_MAX_CONNECTIONS;
  SetProfile(profile);
  abi::or_port crowd = switch_->StandardPort(kCrowd);
  crowd.flags |= OR_PORT_STATEFUL;
  crowd.max_connections = OR_MAX_CONNECTIONS;
  ASSERT_EQ(switch_->SetPort(kCrowd, crowd), absl::OkStatus());
  // B sends to A what A's guest has asked for, and connections of its own to C.
  profile.egress = {RuleFor(state::AclAction::kAllow)};
  state::AclRule to_a = RuleFor(state::AclAction::kAllow);
  to_a.dst = IpPrefix::Parse("10.0.0.1/32").value();
  profile.ingress.insert(profile.ingress.begin(), to_a);
  SetProfile(profile, 2);
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_TRUE(FromA(TcpFrame({true, kSyn, 1000, 0})));
  ASSERT_TRUE(ToA(TcpFrame({false, kSyn | kAck, 5000, 1001})));
  ASSERT_TRUE(Passes(2, FromBToC(1), 3));
  HoldAll();
  constexpr uint32_t kHeld = 3;
  constexpr uint32_t kCrowdSize = OR_MAX_CONNECTIONS - kHeld;
  Fill(kCrowdSize);

  EXPECT_FALSE(FromA(UdpFromA(2001, 53)));
  EXPECT_FALSE(FromA(TcpFrame({true, kSyn, 1000, 0}, 40'001)));
  EXPECT_FALSE(Passes(2, FromBToC(2), 3));
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_TABLE_FULL, 1), 2u);
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_TABLE_FULL, 2), 1u);
  EXPECT_EQ(Count(1), 2u) << "what was refused is not held";
  EXPECT_EQ(Count(2), 1u);
  ExpectTheOldOnesGoOn();

  EXPECT_EQ(Sweep(), (kCrowdSize + 1) / 2) << "half of the crowd's are over";
  EXPECT_TRUE(FromA(UdpFromA(2001, 53)));
  EXPECT_TRUE(Passes(2, FromBToC(2), 3));
  EXPECT_EQ(Sweep(abi::OR_SWEEP_PORT, kCrowd), kCrowdSize / 2) << "none of them was evicted";
  EXPECT_EQ(Count(kCrowd), 0u);
  ExpectTheOldOnesGoOn();
  EXPECT_EQ(Count(1), 3u);
}

}  // namespace
}  // namespace outrider::tests
