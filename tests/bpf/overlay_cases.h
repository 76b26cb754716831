// What other hosts may send and what becomes of it: rows of overlay_test.cc, also counted by
// drop_test.cc when it asks whether every drop reason has a case.
// Thread rule: values.
#ifndef OUTRIDER_TESTS_BPF_OVERLAY_CASES_H_
#define OUTRIDER_TESTS_BPF_OVERLAY_CASES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {

struct OverlayCase {
  std::string name;
  std::string outer_source;
  uint32_t vni;
  Bytes inner;
  // Ports (1..3) that get the inner frame.
  std::vector<uint32_t> delivered;
  // The drop counted once, and on which port; 0: none.
  uint32_t reason = 0;
  uint32_t drop_port = 0;
  std::function<absl::Status(BpfSwitch&)> rows = [](BpfSwitch&) { return absl::OkStatus(); };
  // Group policy of the VXLAN header with the A bit; 0: none.
  uint16_t label = 0;
};

std::vector<OverlayCase> OverlayCases();

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_OVERLAY_CASES_H_
