// Packet rates through a port with many rules as a share of those through a port with one: real
// frames from a tap to a port of the same host, the ports in turn.
#include <algorithm>

#include "tests/bench/figures.h"
#include "tests/bench/lane.h"
#include "tests/support/state_generator.h"

namespace outrider::bench {
namespace {

constexpr int kOne = 2;   // guest with one rule
constexpr int kMany = 3;  // guest with kRules
constexpr uint16_t kRules = 10000;
constexpr size_t kFrames = 40000;

// Rule i is for 10.<1 + i / 2500>.x.y, 250 to a subnet, and port 1000 + i % 60.
std::string AddressOf(uint16_t rule) {
  const int host = rule % 250 + 1;
  const int subnet = rule / 250 % 10;
  return "10." + std::to_string(1 + rule / 2500) + "." + std::to_string(subnet) + "." +
         std::to_string(host);
}

uint16_t PortOf(uint16_t rule) { return static_cast<uint16_t>(1000 + rule % 60); }

state::RuleSet Many(state::AclAction action) {
  state::RuleSet set;
  for (uint16_t i = 0; i < kRules; ++i) {
    state::AclRule rule;
    rule.action = action;
    rule.ether = state::EtherMatch::kIpv4;
    rule.protocol = 17;
    rule.dst = *IpPrefix::Parse(AddressOf(i) + "/32");
    rule.dst_port = state::PortRange{PortOf(i), PortOf(i)};
    rule.number = i + 1u;
    set.rules.push_back(rule);
  }
  return set;
}

state::RuleSet One(state::AclAction action) {
  state::RuleSet set;
  set.rules.resize(1);
  set.rules[0].action = action;
  set.rules[0].ether = state::EtherMatch::kIpv4;
  set.rules[0].protocol = 17;
  set.rules[0].number = 1;
  return set;
}

class Rates {
 public:
  Rates(const Options& options, state::AclAction action) : options_(options), lane_(2) {
    lane_.state().rule_sets[tests::MakeDigest(1)] = One(action);
    lane_.state().rule_sets[tests::MakeDigest(2)] = Many(action);
    for (const int n : {kOne, kMany}) {
      lane_.PortOf(n).ingress_rule_set = tests::MakeDigest(static_cast<uint8_t>(n - kOne + 1));
      if (action == state::AclAction::kAllowRelated) lane_.PortOf(n).max_connections = 1u << 18;
    }
    lane_.Enforce();
  }

  // 64 flows that are in the table when the clock runs.
  void Established() {
    Compare("acl_rate_established", Frames(64, kOne), Frames(64, kMany), false);
  }

  // No packet is of the flow of another.
  void New(const std::string& name) {
    Compare(name, Frames(kFrames, kOne), Frames(kFrames, kMany), true);
  }

  // Rules alone: a frame for each of some rules, over and over.
  void WorstAgainstBest() {
    std::vector<uint16_t> rules = {0, kRules / 2, kRules - 1};
    for (uint16_t i = 1; i < 60; ++i) rules.push_back(static_cast<uint16_t>(i * 7919 % kRules));
    std::vector<std::vector<double>> times(rules.size());
    for (size_t round = 0; round < options_.Rounds(15); ++round) {
      for (size_t i = 0; i < rules.size(); ++i) {
        const auto frame =
            Lane::Ready({UdpFrom(kMany, 5000, PortOf(rules[i]), 60, AddressOf(rules[i]))});
        times[i].push_back(lane_.Send(kMany, frame, 4000));
      }
    }
    std::vector<double> medians;
    for (const auto& samples : times) medians.push_back(Median(samples));
    const double best = *std::min_element(medians.begin(), medians.end());
    for (double& median : medians) median /= best;
    Print("acl_worst_rule_against_best", "ratio", medians);
  }

 private:
  std::vector<Bytes> Frames(size_t count, int guest) const {
    std::vector<Bytes> frames;
    for (size_t i = 0; i < count; ++i) {
      const auto rule = static_cast<uint16_t>(i * 157 % kRules);
      const auto src_port = static_cast<uint16_t>(2000 + i / kRules * 64 + i % 64);
      frames.push_back(UdpFrom(guest, src_port, PortOf(rule), 60, AddressOf(rule)));
    }
    return Lane::Ready(frames);
  }

  void Forget() {
    lane_.host().In([&] { return lane_.host().datapath().FlushConnections({}).value(); });
  }

  void Compare(const std::string& name, const std::vector<Bytes>& one,
               const std::vector<Bytes>& many, bool forget) {
    std::vector<double> ratios;
    lane_.Send(kOne, one, 64);
    lane_.Send(kMany, many, 64);
    for (size_t round = 0; round < options_.Rounds(40); ++round) {
      if (forget) Forget();
      const uint64_t before = lane_.Delivered();
      // Whoever is first has the colder caches.
      double seconds[2] = {};
      for (const int turn : {0, 1}) {
        const bool first = turn == static_cast<int>(round % 2);
        seconds[first ? 0 : 1] = lane_.Send(first ? kOne : kMany, first ? one : many, kFrames);
      }
      if (lane_.Delivered() - before != 2 * kFrames) {
        throw std::runtime_error(name + ": not all frames were delivered");
      }
      ratios.push_back(seconds[0] / seconds[1]);
    }
    Print(name, "ratio", ratios);
  }

  const Options options_;
  Lane lane_;
};

}  // namespace

void MeasureAclRates(const Options& options) {
  Rates stateful(options, state::AclAction::kAllowRelated);
  stateful.Established();
  stateful.New("acl_rate_new_flows");
  Rates stateless(options, state::AclAction::kAllow);
  stateless.New("acl_rate_stateless");
  stateless.WorstAgainstBest();
}

}  // namespace outrider::bench
