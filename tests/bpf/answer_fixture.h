// What tests of the switch's own answers to a guest share: a switch, the answer to a frame of guest
// A, and how to read it.
//
// Thread rule: one thread.
#ifndef OUTRIDER_TESTS_BPF_ANSWER_FIXTURE_H_
#define OUTRIDER_TESTS_BPF_ANSWER_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {

inline constexpr char kV6A[] = "fd00::1";
inline constexpr char kV6B[] = "fd00::2";

// Network byte order, from byte `at` on.
uint16_t At16(const Bytes& packet, size_t at);
uint32_t At32(const Bytes& packet, size_t at);
Bytes Slice(const Bytes& packet, size_t from, size_t to);

// The layer-4 part of a frame, whose IP header has no options or extensions, with its pseudo
// header; a right checksum makes the sum all ones.
Bytes WithPseudoHeader(const Bytes& packet, bool v4, uint8_t protocol);

PacketBuilder FromGuestA(const std::string& dst = kMacB);

class AnswerTest : public ::testing::Test {
 protected:
  void SetUp() override;

  // The answer to a packet of A's, which is sent back to A; empty when there is none and it is
  // dropped.
  Bytes AnswerTo(const Bytes& packet, const RunContext& context = {});

  std::unique_ptr<BpfSwitch> switch_;
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_ANSWER_FIXTURE_H_
