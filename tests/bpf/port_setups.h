// The ways a port may be set up, each with something of its own that looks into frames: rows for
// tests that send the same frames through all of them. Thread rule: values.
#ifndef OUTRIDER_TESTS_BPF_PORT_SETUPS_H_
#define OUTRIDER_TESTS_BPF_PORT_SETUPS_H_

#include <functional>
#include <string>
#include <vector>

#include "tests/bpf/bpf_switch.h"
#include "tests/bpf/seed_packets.h"

namespace outrider::tests {

// The guests of the standing topology, and one behind its VTEP.
inline const Station kStationA = {kMacA, kIpA, "fd00::1"};
inline const Station kStationB = {kMacB, kIpB, "fd00::2"};
inline const Station kStationRemote = {kMacRemote, "10.0.0.9", "fd00::9"};

struct PortSetup {
  std::string name;
  std::function<absl::Status(BpfSwitch&)> rows;
  // Multicast goes to those that joined.
  bool snoops = false;
};

// Of port `index`, on top of the standing topology.
std::vector<PortSetup> PortSetups(uint32_t index);

// A port that remembers connections: its guest may open TCP to port 80, UDP to 53 and echo, and the
// same may be opened to it. `default_action` for all else.
absl::Status SetStatefulPort(BpfSwitch& s, uint32_t index, state::AclAction default_action);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_PORT_SETUPS_H_
