// Port A of the standing topology made stateful, and frames through the real programs in both
// directions: what guest A sends, and what port B (whose own profile allows all) sends to it.
#ifndef OUTRIDER_TESTS_BPF_CONNECTION_FIXTURE_H_
#define OUTRIDER_TESTS_BPF_CONNECTION_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {

inline constexpr uint8_t kFin = 0x01;
inline constexpr uint8_t kSyn = 0x02;
inline constexpr uint8_t kRst = 0x04;
inline constexpr uint8_t kPsh = 0x08;
inline constexpr uint8_t kAck = 0x10;

inline constexpr char kIp6A[] = "fd00::1";
inline constexpr char kIp6B[] = "fd00::2";

// Which lists port A has. Directions are the switch's: ingress is what guest A sends.
struct Profile {
  std::vector<state::AclRule> ingress;
  std::vector<state::AclRule> egress;
  uint32_t max_connections = 100;
  bool keep = false;
  state::AclAction default_action = state::AclAction::kDrop;
};

// Any frame of an IP protocol, 0: of all, to a port, 0: any.
state::AclRule RuleFor(state::AclAction action, uint8_t protocol = 0, uint16_t dst_port = 0);

class ConnectionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;

  // Port `index` gets new rule sets, whatever it had: each call is another revision.
  void SetProfile(const Profile& profile, uint32_t index = 1);
  // Both guests may open anything of theirs, nobody else.
  static Profile OutboundOnly();

  // Whether the frame passes port A.
  bool FromA(const Bytes& frame, uint32_t gso_size = 0);
  bool ToA(const Bytes& frame, uint32_t gso_size = 0);
  // The same of the program at the device of port `index`, with this mark when delivered.
  bool Passes(uint32_t index, const Bytes& frame, uint32_t delivered_to, uint32_t gso_size = 0);

  uint64_t Dropped(uint32_t reason, uint32_t port = 1);

  using Entry = std::pair<abi::or_connection_key, abi::or_connection>;
  std::vector<Entry> Entries();
  // State of the only entry; 0 when there is none.
  uint32_t State();
  // Seconds the only entry has left, rounded up.
  uint64_t SecondsLeft();
  uint32_t Count(uint32_t port = 1);
  // Every entry's time is over, or has only begun.
  void ExpireAll() { SetExpiry(1); }
  void HoldAll() { SetExpiry(INT64_MAX); }
  void ExpireIn(uint64_t seconds);
  void SetExpiry(uint64_t expires_ns);
  // Runs the sweep; returns what it says it removed.
  uint32_t Sweep(abi::or_sweep_what what = abi::OR_SWEEP_OVER, uint32_t port = 0);

  static std::unique_ptr<BpfSwitch> switch_;
  uint32_t last_rule_set_ = 0;
};

// Frames between guest A and B; ports as seen by A.
Bytes UdpFromA(uint16_t a_port, uint16_t b_port, size_t payload = 32);
Bytes UdpToA(uint16_t b_port, uint16_t a_port, size_t payload = 32);

// Between a port of A and port 80 of B.
struct Segment {
  bool from_a;
  uint8_t flags;
  uint32_t seq;
  uint32_t ack;
  size_t payload = 0;
  uint16_t window = 10'000;
  Bytes options = {};
};
Bytes TcpFrame(const Segment& segment, uint16_t a_port = 40'000, bool v6 = false);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_CONNECTION_FIXTURE_H_
