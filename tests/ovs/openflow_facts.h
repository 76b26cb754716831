// A small switch for tests of the OpenFlow surface: two guests and a tunnel on bridge br0.
#ifndef OUTRIDER_TESTS_OVS_OPENFLOW_FACTS_H_
#define OUTRIDER_TESTS_OVS_OPENFLOW_FACTS_H_

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "vswitch/ovs/switch_facts.h"

namespace outrider::ovs {

inline constexpr char kWebId[] = "00000000-0000-0000-0000-000000000001";
inline constexpr char kTrunkId[] = "00000000-0000-0000-0000-000000000002";

// Segment 100 on hosts 192.0.2.9 and this one. Port 1 (vnet0): an access port of segment 100 with
// anti-spoofing, rules and a policer; port 2 (vnet1): a trunk with segment 200 as VLAN 20.
state::HostState WebState();
SwitchFacts WebFacts(const state::HostState& state);

// Says what it was given.
class GivenFacts : public SwitchFactsSource {
 public:
  explicit GivenFacts(SwitchFacts facts) : facts_(std::move(facts)) {}
  SwitchFacts Look() override {
    ++looks;
    std::this_thread::sleep_for(delay);
    return facts_;
  }
  absl::Status FlushFdb(const std::string&) override { return absl::OkStatus(); }
  absl::StatusOr<datapath::Trace> Trace(const std::string&, uint16_t,
                                        const std::vector<uint8_t>&) override {
    return absl::NotFoundError("no such port");
  }
  int looks = 0;
  // What a look takes.
  std::chrono::milliseconds delay{0};

 private:
  const SwitchFacts facts_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_TESTS_OVS_OPENFLOW_FACTS_H_
