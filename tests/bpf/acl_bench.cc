// Prints what large rule sets cost: compiling, editing, a member more in a large group, and a
// frame's classification. Needs root; says how it measures.
#include <acl_batch.skel.h>
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "tests/bpf/random_acl.h"
#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/acl/compiler.h"
#include "vswitch/datapath/ebpf/rule_set_table.h"
#include "vswitch/sys/bpf/bpf_object.h"

namespace outrider::tests {
namespace {

using datapath::ebpf::EbpfHost;

constexpr size_t kRules = 10000;

double MillisecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

void Print(const std::string& what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  fmt::print("{:<58} median {:8.2f} ms  p99 {:8.2f} ms  max {:8.2f} ms  ({} runs)\n", what,
             times[times.size() / 2], times[times.size() * 99 / 100], times.back(), times.size());
}

void Compile(const std::string& name, RandomAcl::Style style) {
  RandomAcl random(1);
  const state::RuleSet set = random.RuleSet(style, kRules);
  std::vector<double> times;
  size_t lines = 0;
  for (int i = 0; i < 20; ++i) {
    times.push_back(MillisecondsOf(
        [&] { lines = datapath::ebpf::CompileRuleSet(MakeDigest(1), set)->size(); }));
  }
  Print(fmt::format("compile {} rules, {} ({} KiB)", kRules, name, lines / 16), times);
}

state::HostState WithSet(const state::RuleSet& set, uint8_t digest, uint8_t ports) {
  state::HostState state;
  state.segments[MakeVni(7)] = {.mtu = 1400, .vteps = {}};
  state.rule_sets[MakeDigest(digest)] = set;
  for (uint8_t n = 1; n <= ports; ++n) {
    state::Port& port = state.ports[MakePortId(n)];
    port.mac = MakeMac(n);
    port.vni = MakeVni(7);
    port.phase = state::PortPhase::kArmed;
    port.ingress_rule_set = MakeDigest(digest);
  }
  return state;
}

// From the delta in hand to the end of Apply, which is when the rule is in force; what becomes of
// the old set afterwards apart.
void Edits() {
  EbpfHost host;
  host.Start();
  RandomAcl random(2);
  state::RuleSet set = random.RuleSet(RandomAcl::Style::kSpecific, kRules);
  state::HostState in_force = WithSet(set, 1, 1);
  host.Become(in_force);
  std::vector<double> times;
  std::vector<double> ends;
  for (uint8_t i = 0; i < 50; ++i) {
    set.rules[random.Below(kRules)].dst_port = state::PortRange{80, 80};
    const state::HostState next = WithSet(set, static_cast<uint8_t>(2 + i), 1);
    state::StateDelta change = state::ComputeDelta(in_force, next);
    state::StateDelta end;
    std::swap(end.rule_sets.deletes, change.rule_sets.deletes);
    times.push_back(MillisecondsOf([&] { host.Apply(change); }));
    ends.push_back(MillisecondsOf([&] { host.Apply(end); }));
    in_force = next;
  }
  Print(fmt::format("one rule changed in {}: in force", kRules), times);
  Print(fmt::format("one rule changed in {}: the old set gone", kRules), ends);
}

void Members() {
  EbpfHost host;
  host.Start();
  state::RuleSet set;
  set.rules.resize(1);
  set.rules[0].src_group = "address/large";
  state::HostState in_force = WithSet(set, 1, 1);
  for (uint32_t i = 0; i < 10000; ++i) {
    const auto high = static_cast<uint8_t>(i / 256);
    const auto low = static_cast<uint8_t>(i % 256);
    in_force.group_members.insert(
        {.group = "address/large",
         .prefix = IpPrefix::Create(IpAddress::FromV4({10, 1, high, low}), 32)});
  }
  fmt::print("Apply of 10000 members: {:.1f} ms\n", MillisecondsOf([&] { host.Become(in_force); }));
  std::vector<double> times;
  for (uint8_t i = 0; i < 50; ++i) {
    state::HostState next = in_force;
    next.group_members.insert({.group = "address/large",
                               .prefix = IpPrefix::Create(IpAddress::FromV4({10, 2, 0, i}), 32)});
    const state::StateDelta delta = state::ComputeDelta(in_force, next);
    times.push_back(MillisecondsOf([&] { host.Apply(delta); }));
    in_force = next;
  }
  Print("Apply of one member more in a group of 10000", times);
}

class Classifier {
 public:
  Classifier() {
    sys::BpfObjectOptions options;
    size_t size = 0;
    const void* elf = acl_batch__elf_bytes(&size);
    options.elf = {static_cast<const uint8_t*>(elf), size};
    options.name = "acl_batch";
    object_ = sys::BpfObject::Load(options).value();
    raw_ = object_->Maps().value();
  }

  void Time(const std::string& what, const state::RuleSet& set, const PacketDescription& packet) {
    datapath::ebpf::DatapathMaps maps(raw_.get());
    datapath::ebpf::GroupTable groups(&maps);
    datapath::ebpf::RuleSetTable sets(&maps, &groups);
    (void)sets.Upsert(MakeDigest(1), set);
    acl_case record = ToCase(packet);
    record.set = sets.IdOf(MakeDigest(1)).value();
    const uint32_t zero = 0;
    (void)raw_->Update("acl_cases", sys::AsBytes(zero), sys::AsBytes(record));
    std::vector<uint32_t> times;
    for (int i = 0; i < 11; ++i) times.push_back(Run());
    std::sort(times.begin(), times.end());
    const uint32_t verdict =
        sys::TypedMap<uint32_t, uint32_t>(raw_.get(), "acl_verdicts").Lookup(0).value();
    fmt::print("{:<58} median {:5} ns  min {} max {}  (11 x 100000; rule {})\n", what,
               times[times.size() / 2], times.front(), times.back(), verdict >> 9);
    (void)sets.Delete(MakeDigest(1));
  }

 private:
  uint32_t Run() {
    uint8_t packet[64] = {};
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    options.data_in = packet;
    options.data_size_in = sizeof(packet);
    options.repeat = 100000;
    bpf_prog_test_run_opts(object_->Program("acl_one").value(), &options);
    return options.duration;
  }

  std::unique_ptr<sys::BpfObject> object_;
  std::unique_ptr<sys::KernelBpfMaps> raw_;
};

void Classify() {
  Classifier classifier;
  RandomAcl random(3);
  const state::RuleSet large = random.RuleSet(RandomAcl::Style::kSpecific, kRules);
  PacketDescription none;
  none.src = Ip("192.0.2.1");
  none.dst = Ip("192.0.2.2");
  none.dst_port = 9;
  classifier.Time("classify: no rule at all", {}, none);
  state::RuleSet one;
  one.rules.push_back(large.rules.front());
  classifier.Time("classify: 1 rule", one, random.PacketNear(large.rules.front(), {}));
  classifier.Time("classify: 10000 rules, the first", large,
                  random.PacketNear(large.rules.front(), {}));
  classifier.Time("classify: 10000 rules, one of the last", large,
                  random.PacketNear(large.rules.back(), {}));
  classifier.Time("classify: 10000 rules, none", large, none);
  // Every block has rules that agree in either field, and none that agrees in both.
  state::RuleSet worst;
  for (size_t i = 0; i < state::kMaxRules; ++i) {
    state::AclRule rule;
    rule.protocol = 6;
    rule.src = *IpPrefix::Parse(i % 2 == 0 ? "10.0.0.1/32" : "10.0.0.2/32");
    rule.dst_port = i % 2 == 0 ? state::PortRange{81, 81} : state::PortRange{80, 80};
    worst.rules.push_back(rule);
  }
  PacketDescription hit;
  hit.src = Ip("10.0.0.1");
  hit.dst = Ip("10.0.0.2");
  hit.dst_port = 80;
  classifier.Time("classify: 10240 rules, all 160 blocks tried in vain", worst, hit);
}

}  // namespace
}  // namespace outrider::tests

int main() {
  using outrider::tests::RandomAcl;
  outrider::tests::Compile("distinct", RandomAcl::Style::kSpecific);
  outrider::tests::Compile("mixed", RandomAcl::Style::kMixed);
  outrider::tests::Compile("every field", RandomAcl::Style::kDense);
  outrider::tests::Compile("nested prefixes, overlapping ranges", RandomAcl::Style::kNested);
  outrider::tests::Classify();
  outrider::tests::Edits();
  outrider::tests::Members();
  return 0;
}
