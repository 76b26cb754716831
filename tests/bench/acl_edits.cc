// What large rule sets cost to compile and to change.
#include <stdexcept>

#include "tests/bench/figures.h"
#include "tests/bpf/random_acl.h"
#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/acl/compiler.h"

namespace outrider::bench {
namespace {

using datapath::ebpf::EbpfHost;
using tests::RandomAcl;

constexpr size_t kRules = 10000;
constexpr size_t kMembers = 10000;

double MillisecondsOf(const std::function<void()>& work) { return SecondsOf(work) * 1000; }

void Compile(const Options& options, const std::string& name, RandomAcl::Style style) {
  RandomAcl random(1);
  const state::RuleSet set = random.RuleSet(style, kRules);
  std::vector<double> times;
  for (size_t i = 0; i < options.Rounds(20); ++i) {
    times.push_back(MillisecondsOf([&] {
      if (!datapath::ebpf::CompileRuleSet(tests::MakeDigest(1), set).ok()) {
        throw std::runtime_error("compile of " + name + " failed");
      }
    }));
  }
  Print("acl_compile_" + name, "ms", times);
}

state::HostState WithSet(const state::RuleSet& set, uint8_t digest) {
  state::HostState state;
  state.segments[tests::MakeVni(7)] = {.mtu = 1400, .vteps = {}};
  state.rule_sets[tests::MakeDigest(digest)] = set;
  state::Port& port = state.ports[tests::MakePortId(1)];
  port.mac = tests::MakeMac(1);
  port.vni = tests::MakeVni(7);
  port.phase = state::PortPhase::kArmed;
  port.ingress_rule_set = tests::MakeDigest(digest);
  return state;
}

// From the delta in hand to the end of Apply, which is when the rule is in force; what becomes of
// the old set afterwards apart.
void Edits(const Options& options) {
  EbpfHost host;
  host.Start();
  RandomAcl random(2);
  state::RuleSet set = random.RuleSet(RandomAcl::Style::kSpecific, kRules);
  state::HostState in_force = WithSet(set, 1);
  host.Become(in_force);
  std::vector<double> times;
  for (size_t i = 0; i < options.Rounds(200); ++i) {
    set.rules[random.Below(kRules)].dst_port = state::PortRange{80, 80};
    const state::HostState next = WithSet(set, static_cast<uint8_t>(2 + i % 250));
    state::StateDelta change = state::ComputeDelta(in_force, next);
    state::StateDelta end;
    std::swap(end.rule_sets.deletes, change.rule_sets.deletes);
    times.push_back(MillisecondsOf([&] { host.Apply(change); }));
    host.Apply(end);
    in_force = next;
  }
  Print("acl_edit_one_rule", "ms", times);
}

void Members(const Options& options) {
  EbpfHost host;
  host.Start();
  state::RuleSet set;
  set.rules.resize(1);
  set.rules[0].src_group = "address/large";
  state::HostState in_force = WithSet(set, 1);
  for (size_t i = 0; i < kMembers; ++i) {
    const auto high = static_cast<uint8_t>(i / 256);
    const auto low = static_cast<uint8_t>(i % 256);
    in_force.group_members.insert(
        {.group = "address/large",
         .prefix = IpPrefix::Create(IpAddress::FromV4({10, 1, high, low}), 32)});
  }
  host.Become(in_force);
  std::vector<double> times;
  for (size_t i = 0; i < options.Rounds(200); ++i) {
    state::HostState next = in_force;
    next.group_members.insert(
        {.group = "address/large",
         .prefix = IpPrefix::Create(IpAddress::FromV4({10, 2, 0, static_cast<uint8_t>(i)}), 32)});
    const state::StateDelta delta = state::ComputeDelta(in_force, next);
    times.push_back(MillisecondsOf([&] { host.Apply(delta); }));
    in_force = next;
  }
  Print("acl_add_one_member", "ms", times);
}

}  // namespace

void MeasureAclEdits(const Options& options) {
  Compile(options, "distinct", RandomAcl::Style::kSpecific);
  Compile(options, "mixed", RandomAcl::Style::kMixed);
  Compile(options, "every_field", RandomAcl::Style::kDense);
  Compile(options, "nested", RandomAcl::Style::kNested);
  Edits(options);
  Members(options);
}

}  // namespace outrider::bench
