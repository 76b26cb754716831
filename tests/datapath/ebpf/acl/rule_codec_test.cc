#include "vswitch/datapath/ebpf/acl/rule_codec.h"

#include <gtest/gtest.h>

#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/acl/compiler.h"

namespace outrider::datapath::ebpf {
namespace {

using tests::MakeDigest;

absl::StatusOr<LoadedRuleSet> RoundTrip(const Digest& digest, const state::RuleSet& set) {
  ASSIGN_OR_RETURN(const auto image, CompileRuleSet(digest, set));
  const auto* bytes = reinterpret_cast<const uint8_t*>(image.data());
  return DecodeImage({bytes, image.size() * sizeof(abi::or_acl_line)});
}

TEST(RuleCodecTest, IsLosslessForAnyRules) {
  tests::StateGenerator generator(5, {});
  int checked = 0;
  for (int i = 0; i < 20; ++i) {
    for (const auto& [digest, set] : generator.Next().rule_sets) {
      const auto loaded = RoundTrip(digest, set);
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      EXPECT_EQ(loaded->digest, digest);
      EXPECT_EQ(loaded->set, set);
      ++checked;
    }
  }
  EXPECT_GT(checked, 20);
}

TEST(RuleCodecTest, TellsAnEmptyMatchFromAFullOne) {
  state::AclRule any;
  state::AclRule full;
  full.src = *IpPrefix::Parse("0.0.0.0/0");
  full.dst = *IpPrefix::Parse("::/0");
  full.src_port = state::PortRange{};
  full.icmp_type = 0;
  full.vlan = 0;
  full.src_mac = MacAddress();
  const state::RuleSet set{.rules = {any, full}};
  EXPECT_EQ(RoundTrip(MakeDigest(1), set)->set, set);
}

TEST(RuleCodecTest, RefusesWhatIsNoImage) {
  EXPECT_EQ(DecodeImage({}).status().code(), absl::StatusCode::kDataLoss);
  auto image = *CompileRuleSet(MakeDigest(1), {.rules = std::vector<state::AclRule>(3)});
  image.resize(image.size() - 1);
  const auto* bytes = reinterpret_cast<const uint8_t*>(image.data());
  EXPECT_EQ(DecodeImage({bytes, image.size() * sizeof(abi::or_acl_line)}).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
