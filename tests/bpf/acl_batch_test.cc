// The datapath's classifier against the naive reference over more than a million frames, by a
// program that runs or_acl_classify() over arrays of them: rule sets of every size and kind,
// written by the agent's own tables, with groups that change in between. Fixed seeds.
#include <acl_batch.skel.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <memory>

#include "tests/bpf/random_acl.h"
#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/acl/rule_codec.h"
#include "vswitch/datapath/ebpf/rule_set_table.h"
#include "vswitch/sys/bpf/bpf_object.h"

namespace outrider::tests {
namespace {

using datapath::ebpf::DatapathMaps;
using datapath::ebpf::GroupTable;
using datapath::ebpf::RuleSetTable;
using Style = RandomAcl::Style;

constexpr Style kStyles[] = {Style::kMixed, Style::kDense, Style::kNested, Style::kSpecific};

class AclBatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    size_t size = 0;
    const void* elf = acl_batch__elf_bytes(&size);
    sys::BpfObjectOptions options;
    options.elf = {static_cast<const uint8_t*>(elf), size};
    options.name = "acl_batch";
    auto object = sys::BpfObject::Load(options);
    ASSERT_TRUE(object.ok()) << object.status();
    object_ = *std::move(object);
    raw_ = object_->Maps().value();
    maps_ = std::make_unique<DatapathMaps>(raw_.get());
    groups_ = std::make_unique<GroupTable>(maps_.get());
    rule_sets_ = std::make_unique<RuleSetTable>(maps_.get(), groups_.get());
  }

  // The set takes the place of the one before; its id.
  uint32_t Use(const state::RuleSet& set) {
    EXPECT_EQ(rule_sets_->Delete(MakeDigest(1)), absl::OkStatus());
    EXPECT_EQ(rule_sets_->Upsert(MakeDigest(1), set), absl::OkStatus());
    return rule_sets_->IdOf(MakeDigest(1)).value();
  }

  void ChangeGroups(RandomAcl* random, int changes) {
    for (int i = 0; i < changes; ++i) {
      const state::GroupMember member = random->Member();
      if (members_.size() > 60 || (random->Chance(40) && !members_.empty())) {
        const state::GroupMember gone =
            *std::next(members_.begin(), static_cast<ptrdiff_t>(random->Below(members_.size())));
        ASSERT_EQ(groups_->Erase(gone), absl::OkStatus());
        members_.erase(gone);
      }
      ASSERT_EQ(groups_->Insert(member), absl::OkStatus());
      members_.insert(member);
    }
    ASSERT_EQ(groups_->EndApply(), absl::OkStatus());
  }

  // Another process takes over what is in the maps.
  void Restart() {
    groups_ = std::make_unique<GroupTable>(maps_.get());
    rule_sets_ = std::make_unique<RuleSetTable>(maps_.get(), groups_.get());
    const auto inventory = datapath::ebpf::ReadInventory(*maps_);
    ASSERT_TRUE(inventory.ok()) << inventory.status();
    ASSERT_EQ(rule_sets_->Load(*inventory), absl::OkStatus());
    ASSERT_EQ(groups_->Load(*inventory), absl::OkStatus());
  }

  std::vector<uint32_t> Run(const std::vector<acl_case>& cases) {
    sys::TypedMap<uint32_t, uint32_t> verdicts(raw_.get(), "acl_verdicts");
    std::vector<sys::MapEntry> rows;
    for (uint32_t i = 0; i < cases.size(); ++i) {
      const auto* bytes = reinterpret_cast<const uint8_t*>(&cases[i]);
      const auto key = sys::AsBytes(i);
      rows.push_back(
          {sys::Bytes(key.begin(), key.end()), sys::Bytes(bytes, bytes + sizeof(acl_case))});
    }
    EXPECT_EQ(raw_->UpdateBatch("acl_cases", rows), absl::OkStatus());
    uint8_t packet[64] = {};
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    options.data_in = packet;
    options.data_size_in = sizeof(packet);
    EXPECT_EQ(bpf_prog_test_run_opts(object_->Program("acl_batch").value(), &options), 0);
    std::vector<uint32_t> result(ACL_BATCH);
    const auto written = verdicts.Dump();
    EXPECT_TRUE(written.ok()) << written.status();
    for (const auto& [place, verdict] : written.value()) result[place] = verdict;
    return result;
  }

  static uint32_t Expected(const ReferenceVerdict& verdict, const state::RuleSet& set) {
    const bool logged = verdict.rule != 0 && set.rules[verdict.rule - 1].log_rate != 0;
    return static_cast<uint32_t>(datapath::ebpf::EncodeAction(verdict.action)) |
           (logged ? 1u << 8 : 0u) | verdict.rule << 9;
  }

  // One batch of packets for a set. Counts the verdicts that no rule made.
  void Compare(const state::RuleSet& set, RandomAcl* random) {
    const uint32_t id = Use(set);
    std::vector<PacketDescription> packets;
    std::vector<acl_case> cases;
    for (uint32_t i = 0; i < ACL_BATCH; ++i) {
      const bool near = !set.rules.empty() && random->Chance(60);
      packets.push_back(
          near ? random->PacketNear(set.rules[random->Below(set.rules.size())], members_)
               : random->Packet());
      cases.push_back(ToCase(packets.back()));
      cases.back().set = id;
    }
    const std::vector<uint32_t> verdicts = Run(cases);
    for (uint32_t i = 0; i < ACL_BATCH; ++i) {
      const ReferenceVerdict judged = Judge(set, members_, packets[i]);
      ASSERT_EQ(verdicts[i], Expected(judged, set))
          << ToString(packets[i]) << "; the reference: "
          << (judged.rule == 0 ? "no rule" : ToString(set.rules[judged.rule - 1]))
          << "; the datapath: " << Decider(verdicts[i] >> 9, set);
      ++verdicts_;
      by_rules_ += judged.rule != 0;
      allowed_ += judged.allows();
    }
  }

  static std::string Decider(uint32_t rule, const state::RuleSet& set) {
    if (rule == 0) return "no rule";
    return rule <= set.rules.size() ? ToString(set.rules[rule - 1]) : "a rule there is not";
  }

  std::unique_ptr<sys::BpfObject> object_;
  std::unique_ptr<sys::KernelBpfMaps> raw_;
  std::unique_ptr<DatapathMaps> maps_;
  std::unique_ptr<GroupTable> groups_;
  std::unique_ptr<RuleSetTable> rule_sets_;
  GroupMembers members_;
  uint64_t verdicts_ = 0;
  uint64_t by_rules_ = 0;
  uint64_t allowed_ = 0;
};

TEST_F(AclBatchTest, AMillionVerdictsEqualTheReference) {
  RandomAcl random(20261122);
  for (int round = 0; round < 240; ++round) {
    if (round % 10 == 9) Restart();
    ChangeGroups(&random, 5);
    const size_t sizes[] = {0, 1, 2, 7, 20, 63, 64, 65, 128, 200};
    const state::RuleSet set =
        random.RuleSet(kStyles[round % 4], sizes[random.Below(std::size(sizes))]);
    Compare(set, &random);
    if (HasFatalFailure()) return;
  }
  // And large ones.
  for (const size_t size : {1000u, 4097u, 10240u}) {
    for (const Style style : kStyles) {
      ChangeGroups(&random, 5);
      Compare(random.RuleSet(style, size), &random);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GE(verdicts_, 1'000'000u);
  // Neither the rules nor the default decided everything, nor one action.
  EXPECT_GT(by_rules_, verdicts_ / 3);
  EXPECT_LT(by_rules_, verdicts_);
  EXPECT_GT(allowed_, verdicts_ / 5);
  EXPECT_LT(allowed_, verdicts_ * 4 / 5);
}

// The first and the last rule of the largest set, each of its own address.
TEST_F(AclBatchTest, EveryRuleOfTheLargestSetIsFound) {
  state::RuleSet set;
  for (uint32_t i = 0; i < state::kMaxRules; ++i) {
    state::AclRule rule;
    rule.src = IpPrefix::Create(
        IpAddress::FromV4({10, 1, static_cast<uint8_t>(i / 256), static_cast<uint8_t>(i % 256)}),
        32);
    rule.action = state::AclAction::kAllow;
    set.rules.push_back(rule);
  }
  const uint32_t id = Use(set);
  for (uint32_t begin = 0; begin < state::kMaxRules; begin += ACL_BATCH) {
    std::vector<acl_case> cases;
    for (uint32_t i = begin; i < std::min<uint32_t>(begin + ACL_BATCH, state::kMaxRules); ++i) {
      PacketDescription p;
      p.src = set.rules[i].src->address();
      p.dst = Ip("10.0.0.1");
      cases.push_back(ToCase(p));
      cases.back().set = id;
    }
    const std::vector<uint32_t> verdicts = Run(cases);
    for (uint32_t i = 0; i < cases.size(); ++i) {
      ASSERT_EQ(verdicts[i], abi::OR_ACL_ALLOW | (begin + i + 1) << 9);
    }
  }
}

// What another process had left of the groups is used as it is, and a member more goes on top.
TEST_F(AclBatchTest, GroupsOutliveAProcess) {
  state::RuleSet set{.rules = std::vector<state::AclRule>(2)};
  set.rules[0].dst_group = "address/db";
  set.rules[1].src_group = "address/web";
  const uint32_t id = Use(set);
  const auto insert = [this](const char* group, const char* prefix) {
    ASSERT_EQ(groups_->Insert({.group = group, .prefix = *IpPrefix::Parse(prefix)}),
              absl::OkStatus());
  };
  insert("address/web", "10.0.0.0/8");
  insert("address/db", "10.1.0.0/16");
  const auto rows = maps_->group_rows.Dump().value().size();
  Restart();
  EXPECT_EQ(maps_->group_rows.Dump().value().size(), rows);
  insert("address/web", "192.0.2.1/32");
  PacketDescription packet;
  packet.dst = Ip("198.51.100.1");
  const auto decider = [&](const char* src, const char* dst) {
    packet.src = Ip(src);
    packet.dst = Ip(dst);
    acl_case record = ToCase(packet);
    record.set = id;
    return Run({record})[0] >> 9;
  };
  EXPECT_EQ(decider("10.0.0.1", "198.51.100.1"), 2u);
  EXPECT_EQ(decider("10.1.0.1", "198.51.100.1"), 2u) << "the groups of the prefix around it, too";
  EXPECT_EQ(decider("192.0.2.1", "10.1.0.1"), 1u);
  EXPECT_EQ(decider("192.0.2.1", "10.2.0.1"), 2u);
  EXPECT_EQ(decider("192.0.2.2", "10.2.0.1"), 0u);
}

TEST_F(AclBatchTest, ASetThatIsNotThereIsMissing) {
  PacketDescription described;
  described.src = Ip("10.0.0.1");
  described.dst = Ip("10.0.0.2");
  acl_case packet = ToCase(described);
  packet.set = 77;
  EXPECT_EQ(Run({packet})[0], uint32_t{abi::OR_ACL_MISSING});
  packet.set = 0;
  EXPECT_EQ(Run({packet})[0], uint32_t{abi::OR_ACL_ALLOW});
}

}  // namespace
}  // namespace outrider::tests
