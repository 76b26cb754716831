// IPv6 extension headers one by one, at several lengths: rules that name a header match it and no
// other one, and what is behind it is found. Combinations and fragments: acl_test.cc.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

constexpr uint8_t kFragmentHeader = 44;
constexpr uint8_t kAuthentication = 51;

class ExtensionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
  }
  static void TearDownTestSuite() { switch_.reset(); }
  void SetUp() override { ASSERT_EQ(switch_->Reset(), absl::OkStatus()); }

  // Whether a list of this rule alone drops the packet.
  bool Denied(state::AclRule rule, const Bytes& packet) {
    rule.action = state::AclAction::kDrop;
    EXPECT_EQ(switch_->SetRuleSet(1, {rule}, abi::OR_ACL_ALLOW), absl::OkStatus());
    abi::or_port port = switch_->StandardPort(1);
    port.ingress_rule_set = 1;
    EXPECT_EQ(switch_->SetPort(1, port), absl::OkStatus());
    const auto result = switch_->Run("or_from_port", packet);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() && result->verdict == kDropped;
  }
  static state::AclRule ToPort(uint16_t port) {
    state::AclRule rule;
    rule.protocol = 6;
    rule.dst_port = {port, port};
    return rule;
  }
  static state::AclRule OfFragments(state::FragmentMatch fragment) {
    state::AclRule rule;
    rule.fragment = fragment;
    return rule;
  }

  // TCP to port 80 behind one header; a fragment header is that of a whole packet (RFC 6946).
  static Bytes Behind(uint8_t type, int units) {
    PacketBuilder packet(kMacB, kMacA);
    packet.Ipv6({.src = "fd00::1", .dst = "fd00::2"});
    if (type == kFragmentHeader) {
      packet.Fragment6({});
    } else {
      packet.Extension(type, units);
    }
    return packet.Tcp(1000, 80).Payload(40).Build();
  }

  static std::unique_ptr<BpfSwitch> switch_;
};

std::unique_ptr<BpfSwitch> ExtensionTest::switch_;

// Bit i of a rule is AclMatch.Ipv6Extension i + 1.
constexpr uint8_t kTypes[] = {0, 43, kFragmentHeader, kAuthentication, 60, 135};

TEST_F(ExtensionTest, EachIsSeenAsItself) {
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    for (size_t bit = 0; bit < std::size(kTypes); ++bit) {
      SCOPED_TRACE(fmt::format("header {}, bit {}", kTypes[i], bit));
      state::AclRule rule;
      rule.ipv6_extensions = static_cast<uint8_t>(1 << bit);
      EXPECT_EQ(Denied(rule, Behind(kTypes[i], 2)), i == bit);
    }
  }
}

TEST_F(ExtensionTest, PortsAreFoundBehindEachAtEveryLength) {
  for (const uint8_t type : kTypes) {
    for (int units = 1; units <= 9; ++units) {
      SCOPED_TRACE(fmt::format("header {}, {} units", type, units));
      EXPECT_TRUE(Denied(ToPort(80), Behind(type, units)));
      EXPECT_FALSE(Denied(ToPort(81), Behind(type, units)));
    }
  }
}

TEST_F(ExtensionTest, AnAtomicFragmentIsAWholePacket) {
  const Bytes packet = Behind(kFragmentHeader, 1);
  EXPECT_TRUE(Denied(OfFragments(state::FragmentMatch::kNone), packet));
  EXPECT_FALSE(Denied(OfFragments(state::FragmentMatch::kSome), packet));
  EXPECT_FALSE(Denied(OfFragments(state::FragmentMatch::kFirst), packet));
  EXPECT_FALSE(Denied(OfFragments(state::FragmentMatch::kLater), packet));
}

}  // namespace
}  // namespace outrider::tests
