// Fragments as an attacker would send them: many datagrams at once, their fragments in any order,
// overlapping, tiny, twice, or missing. None passes that is of a datagram whose first was denied.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/bpf/frame_account.h"
#include "tests/bpf/port_setups.h"

namespace outrider::tests {
namespace {

constexpr int kRounds = 4;
constexpr int kDatagrams = 40;  // more than there are slots
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
// In units of 8 bytes: behind them there is nothing of TCP's header.
constexpr uint16_t kTcpHeader = 3;

// Of a datagram that is never twice: by its id.
struct Fragment {
  uint32_t id;
  uint16_t offset;  // in units of 8 bytes; 0: the first
  bool more;
  bool v6;
  uint8_t protocol;
  bool allowed;  // its ports are
  size_t payload;
};

Bytes FrameOf(const Fragment& f) {
  PacketBuilder frame(kMacB, kMacA);
  if (f.v6) {
    frame.Ipv6({.src = kStationA.ip6, .dst = kStationB.ip6})
        .Fragment6({.offset = f.offset, .more = f.more, .next_header = f.protocol, .id = f.id});
  } else {
    frame.Ipv4({.src = kIpA,
                .dst = kIpB,
                .more_fragments = f.more,
                .fragment_offset = f.offset,
                .options = {},
                .protocol = f.protocol,
                .id = static_cast<uint16_t>(f.id)});
  }
  if (f.offset == 0 && f.protocol == kUdp) frame.Udp(1000, f.allowed ? 53 : 54);
  if (f.offset == 0 && f.protocol == kTcp) frame.Tcp(1000, f.allowed ? 80 : 81, 2);
  return frame.Payload(f.payload).Build();
}

class RandomFragmentTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  static void SetUpTestSuite() {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
  }
  static void TearDownTestSuite() { switch_.reset(); }

  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }

  // Offsets with holes and overlaps, the first one missing or twice; all in one pile.
  std::vector<Fragment> Pile(uint32_t round) {
    std::vector<Fragment> pile;
    for (uint32_t i = 0; i < kDatagrams; ++i) {
      Fragment f = {.id = 1 + round * kDatagrams + i,
                    .offset = 0,
                    .more = true,
                    .v6 = Below(2) == 0,
                    .protocol = Below(2) == 0 ? kTcp : kUdp,
                    .allowed = Below(2) == 0,
                    .payload = 32};
      if (f.v6 && Below(2) == 0) f.id |= static_cast<uint32_t>(Below(0x10000)) << 16;
      for (size_t firsts = Below(3); firsts > 0; --firsts) pile.push_back(f);
      for (size_t later = Below(6); later > 0; --later) {
        f.offset = static_cast<uint16_t>(Below(8) == 0 ? 1 + Below(0x1fff) : 1 + Below(12));
        f.more = Below(4) != 0;
        f.payload = 8 * (1 + Below(4)) - (f.more ? 0 : Below(8));
        pile.push_back(f);
      }
    }
    std::shuffle(pile.begin(), pile.end(), random_);
    return pile;
  }

  // Whether B got it; what is counted is right.
  static bool Passes(const Bytes& frame) {
    absl::StatusOr<RunResult> result;
    const Account account =
        AccountOf(*switch_, [&] { result = switch_->Run("or_from_port", frame); });
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(HasOneFateFromPort(account, frame));
    if (!result.ok()) return false;
    EXPECT_TRUE(Agrees(result->verdict, account));
    return result->verdict == kRedirected;
  }

  static bool IsWithinHeader(const Fragment& f) {
    return f.protocol == kTcp && f.offset != 0 && f.offset < kTcpHeader;
  }

  std::mt19937 random_{GetParam()};
  static std::unique_ptr<BpfSwitch> switch_;
};

std::unique_ptr<BpfSwitch> RandomFragmentTest::switch_;

INSTANTIATE_TEST_SUITE_P(Seeds, RandomFragmentTest, ::testing::Range(1u, 5u));

// By the rules of the sender's port, then by those of the receiver's.
TEST_P(RandomFragmentTest, AStatefulPortLetsThemFollowTheirFirst) {
  for (const uint32_t index : {1u, 2u}) {
    SCOPED_TRACE(index);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(SetStatefulPort(*switch_, index, state::AclAction::kDrop), absl::OkStatus());
    size_t followed = 0;
    for (uint32_t round = 0; round < kRounds; ++round) {
      std::set<uint32_t> begun;
      uint32_t last = 0;  // whose first was the last to pass
      for (const Fragment& f : Pile(round)) {
        const bool passed = Passes(FrameOf(f));
        if (f.offset == 0) {
          ASSERT_EQ(passed, f.allowed);
          if (passed) begun.insert(last = f.id);
        } else {
          ASSERT_TRUE(!passed || begun.contains(f.id)) << "its first did not pass";
          ASSERT_FALSE(passed && IsWithinHeader(f)) << "over the header that was judged";
          ASSERT_TRUE(passed || f.id != last || IsWithinHeader(f)) << "nothing was in between";
          if (passed) ++followed;
        }
      }
    }
    EXPECT_GT(followed, 15u);
    EXPECT_EQ((switch_->Map<uint32_t, abi::or_fragments>("or_fragments").Keys()->size()), 1u);
    // UDP and TCP, of both families, all from one port.
    EXPECT_LE((switch_->Map<uint32_t, uint32_t>("or_connection_counts").Lookup(index).value()), 4u);
  }
}

// Without connections nothing tells whose a later fragment is: rules that name ports never let it
// through, and those that deny some ports take it with them.
TEST_P(RandomFragmentTest, AStatelessPortLetsNoneThroughByItsPorts) {
  for (const bool denies : {false, true}) {
    SCOPED_TRACE(denies);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    std::vector<state::AclRule> rules;
    for (const auto& [protocol, port] : {std::pair{kTcp, 80}, std::pair{kUdp, 53}}) {
      state::AclRule rule;
      rule.protocol = protocol;
      const auto named = static_cast<uint16_t>(denies ? port + 1 : port);
      rule.dst_port = {named, named};
      rule.action = denies ? state::AclAction::kDrop : state::AclAction::kAllow;
      rules.push_back(rule);
    }
    ASSERT_EQ(switch_->SetRuleSet(1, rules, denies ? abi::OR_ACL_ALLOW : abi::OR_ACL_DROP),
              absl::OkStatus());
    abi::or_port port = switch_->StandardPort(1);
    port.ingress_rule_set = 1;
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
    for (uint32_t round = 0; round < kRounds; ++round) {
      for (const Fragment& f : Pile(round)) {
        ASSERT_EQ(Passes(FrameOf(f)), f.offset == 0 && f.allowed);
      }
    }
  }
}

// RFC 3128: what the first fragment has shown cannot be said anew by a later one, rules or none.
TEST_P(RandomFragmentTest, NothingOverwritesAHeaderOfTcp) {
  ASSERT_EQ(switch_->Reset(), absl::OkStatus());
  for (const bool v6 : {false, true}) {
    for (uint16_t offset = 1; offset < 6; ++offset) {
      const Fragment f = {.id = 9,
                          .offset = offset,
                          .more = true,
                          .v6 = v6,
                          .protocol = kTcp,
                          .allowed = true,
                          .payload = 8 * (1 + Below(4))};
      EXPECT_EQ(Passes(FrameOf(f)), offset >= kTcpHeader) << offset;
    }
  }
}

}  // namespace
}  // namespace outrider::tests
