// The books of the datapath: what the counters of ports A, B, C and of the host say became of one
// frame, held against what may become of a frame (vswitch/bpf/stats.h). Every frame has one fate,
// and it is counted once.
//
// Thread rule: one thread.
#ifndef OUTRIDER_TESTS_BPF_FRAME_ACCOUNT_H_
#define OUTRIDER_TESTS_BPF_FRAME_ACCOUNT_H_

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {

// In wire frames, by port index; 0: the host, which has drops alone.
struct Account {
  std::array<uint64_t, 4> rx = {};
  std::array<uint64_t, 4> tx = {};
  std::array<uint64_t, 4> dropped = {};

  // Sent or dropped at the ports `first` and those behind it.
  uint64_t ForGuests(size_t first) const;
  uint64_t Drops() const;
  uint64_t Sent() const;
};

Account ReadAccount(BpfSwitch& s);
// What was counted while `act` ran.
Account AccountOf(BpfSwitch& s, const std::function<void()>& act);

// What of a frame's fate a test knows beforehand.
struct Expected {
  // Wire frames of a super-packet: together they have one fate.
  uint64_t packets = 1;
  // Unicast in it is for nobody on this host.
  bool leaves = false;
  // Ports that get a copy of broadcast and multicast, unless it is dropped or answered. Empty: any.
  std::vector<size_t> copies = {};
};

// Each fails unless the counters show one fate of one frame. `frame`: of it the destination MAC is
// looked at.

// Sent by guest A: received or dropped at A, then, once for each whom it is for, sent or dropped.
::testing::AssertionResult HasOneFateFromPort(const Account& account, const Bytes& frame,
                                              const Expected& expected = {});
// The same of `frames` frames together, each to the destination of `frame`.
::testing::AssertionResult HaveOneFateEachFromPort(const Account& account, const Bytes& frame,
                                                   uint64_t frames, const Expected& expected);
// Of frames from a tunnel or an uplink to the destination of `frame`, `least` to `most` of which
// came so far: each dropped there and then, or sent or dropped at the port it is for; of copied
// ones at every port that is expected to get them.
::testing::AssertionResult HaveOneFateEachFromOutside(const Account& account, const Bytes& frame,
                                                      uint64_t least, uint64_t most,
                                                      const Expected& expected);

// Fails unless a program's verdict says what the counters do: dropped, sent to one, or copied.
::testing::AssertionResult Agrees(uint32_t verdict, const Account& account);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_FRAME_ACCOUNT_H_
