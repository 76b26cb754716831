// A switch with one bridge and two ports, for tests of what shows it.
#ifndef OUTRIDER_TESTS_OVS_SCRIPTED_FACTS_H_
#define OUTRIDER_TESTS_OVS_SCRIPTED_FACTS_H_

#include <memory>
#include <string>
#include <vector>

#include "vswitch/ovs/switch_facts.h"

namespace outrider::ovs {

// br0 with vnet0 (1) and vnet1 (2, VLAN 10), one station behind a tunnel. Remembers what it was
// asked.
class ScriptedFacts final : public SwitchFactsSource {
 public:
  ScriptedFacts();
  SwitchFacts Look() override { return facts; }
  absl::Status FlushFdb(const std::string& bridge) override {
    flushed.push_back(bridge);
    return absl::OkStatus();
  }
  absl::StatusOr<datapath::Trace> Trace(const std::string& bridge, uint16_t ofport,
                                        const std::vector<uint8_t>& frame) override;

  SwitchFacts facts;
  std::vector<std::string> flushed;
  std::vector<uint8_t> traced_frame;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_TESTS_OVS_SCRIPTED_FACTS_H_
