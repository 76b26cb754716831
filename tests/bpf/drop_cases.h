// One case per way to lose a frame that BPF_PROG_TEST_RUN can reach: rows, packet, and the one
// counter that must move. A file per program, or per part of or_from_port. What needs real tunnel
// metadata is in overlay_cases.h.
#ifndef OUTRIDER_TESTS_BPF_DROP_CASES_H_
#define OUTRIDER_TESTS_BPF_DROP_CASES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {

struct DropCase {
  std::string name;
  // Where the drop is counted.
  uint32_t port;
  uint32_t reason;
  Bytes packet;
  std::function<absl::Status(BpfSwitch&)> rows = [](BpfSwitch&) { return absl::OkStatus(); };
  std::string program = "or_from_port";
  RunContext context = {};
  // Wire frames.
  uint64_t packets = 1;
};

// Of or_from_port: the port's state and rules, tags, headers, and where frames go.
std::vector<DropCase> FromPortDropCases();
// Of or_from_port: limits, guards and other policy of a port.
std::vector<DropCase> PolicyDropCases();
// Of the programs that see what did not come by ours.
std::vector<DropCase> GuardDropCases();
// Of segments that an uplink carries, from ports and from the uplink.
std::vector<DropCase> UplinkDropCases();

// From the guest of port 1.
PacketBuilder FromA(const std::string& dst);
Bytes UdpTo(const std::string& dst_mac, size_t payload = 100);
// Port `index` with one change.
std::function<absl::Status(BpfSwitch&)> WithPort(uint32_t index,
                                                 std::function<void(abi::or_port*)> change);
// All of `tables`, one after the other.
std::vector<DropCase> Joined(const std::vector<std::vector<DropCase>>& tables);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_DROP_CASES_H_
