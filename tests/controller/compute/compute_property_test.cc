// Standing equalities over generated models and changes, with fixed seeds.
#include <map>

#include "controller/compute/compute.h"
#include "controller/compute/delta.h"
#include "proto/digest.h"
#include "tests/controller/compute/apply_delta.h"
#include "tests/controller/model/random_model.h"

namespace outrider::controller {
namespace {

using States = std::map<std::string, v1::HostState>;

States AllStates(const Model& model) {
  States states;
  for (int k = 0; k < RandomModel::kHosts; ++k) {
    states[RandomModel::Host(k)] = ComputeHostState(model, RandomModel::Host(k));
  }
  return states;
}

void ExpectWholeAndOrdered(const v1::HostState& state) {
  std::set<std::string> rule_sets;
  std::set<uint32_t> segments;
  for (const auto& set : state.rule_sets()) rule_sets.insert(set.digest());
  for (const auto& segment : state.segments()) segments.insert(segment.vni());
  EXPECT_EQ(segments.size(), static_cast<size_t>(state.segments_size()));
  std::string last;
  for (const auto& port : state.ports()) {
    EXPECT_LT(last, port.id());
    last = port.id();
    EXPECT_EQ(port.phase() != v1::PORT_PHASE_BLOCKED, port.vni() != 0 || port.vlans_size() > 0);
    EXPECT_TRUE(port.vni() == 0 || segments.contains(port.vni()));
    for (const auto& vlan : port.vlans()) EXPECT_TRUE(segments.contains(vlan.vni()));
    EXPECT_TRUE(port.ingress_rule_set().empty() || rule_sets.contains(port.ingress_rule_set()));
  }
  // Members of the groups the rules name, and of no others.
  std::set<std::string> groups;
  for (const auto& set : state.rule_sets()) {
    for (const auto& rule : set.rules()) groups.insert(rule.src_group());
  }
  for (const auto& member : state.group_members()) EXPECT_TRUE(groups.contains(member.group()));
  for (const auto& entry : state.fdb()) EXPECT_TRUE(segments.contains(entry.vni()));
}

class ComputePropertyTest : public testing::TestWithParam<uint32_t> {};

// A host that is not named by AffectedHosts has the state it had.
TEST_P(ComputePropertyTest, AffectedHostsNamesEveryHostThatChanged) {
  RandomModel random(GetParam());
  States before = AllStates(random.model());
  size_t changed = 0;
  for (int step = 0; step < 500; ++step) {
    const ChangeSet set = random.Step();
    const auto affected = AffectedHosts(random.model(), set);
    States after = AllStates(random.model());
    for (const auto& [host, state] : after) {
      if (Equal(state, before[host])) continue;
      ++changed;
      ASSERT_TRUE(affected.contains(host))
          << "step " << step << " changed " << KindName(set.changes[0].kind) << " "
          << set.changes[0].name << ", and with it " << host;
    }
    before = std::move(after);
  }
  EXPECT_GT(changed, 100u) << "the generator must change something";
}

// The same when several commits are looked at together, against the last model.
TEST_P(ComputePropertyTest, AffectedHostsHoldsAgainstALaterModel) {
  RandomModel random(GetParam() + 100);
  States before = AllStates(random.model());
  for (int round = 0; round < 120; ++round) {
    std::vector<ChangeSet> sets;
    for (int i = 0; i < 4; ++i) sets.push_back(random.Step());
    std::set<std::string> affected;
    for (const ChangeSet& set : sets) affected.merge(AffectedHosts(random.model(), set));
    States after = AllStates(random.model());
    for (const auto& [host, state] : after) {
      ASSERT_TRUE(Equal(state, before[host]) || affected.contains(host))
          << "round " << round << " " << host;
    }
    before = std::move(after);
  }
}

TEST_P(ComputePropertyTest, DeltaAppliedIsTheRecomputedState) {
  RandomModel random(GetParam() + 200);
  States before = AllStates(random.model());
  for (int step = 0; step < 250; ++step) {
    random.Step();
    States after = AllStates(random.model());
    for (const auto& [host, to] : after) {
      const v1::HostStateDelta delta = ComputeDelta(before[host], to);
      const v1::HostState applied = ApplyDelta(before[host], delta);
      ASSERT_TRUE(Equal(applied, to)) << "step " << step << " " << host;
      ASSERT_EQ(v1::HostStateDigest(applied), v1::HostStateDigest(to));
      ASSERT_EQ(IsEmpty(delta), Equal(before[host], to));
      ExpectWholeAndOrdered(to);
    }
    before = std::move(after);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ComputePropertyTest, testing::Range(1u, 5u));

}  // namespace
}  // namespace outrider::controller
