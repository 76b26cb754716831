// A hostile or broken controller may send any bytes: whatever parses is either refused or a valid
// state, and nothing crashes. Fixed seeds; the sanitizer presets make this sharp.
#include <gtest/gtest.h>

#include <random>

#include "tests/convert/wire_states.h"
#include "tests/support/state_generator.h"
#include "vswitch/convert/from_proto.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::convert {
namespace {

std::string Mutate(std::string bytes, std::mt19937_64* random) {
  for (uint64_t flips = 1 + (*random)() % 4; flips > 0 && !bytes.empty(); --flips) {
    bytes[(*random)() % bytes.size()] ^= static_cast<char>(1 << ((*random)() % 8));
  }
  if ((*random)() % 10 == 0) bytes.resize((*random)() % (bytes.size() + 1));
  return bytes;
}

TEST(Mutation, AStateIsValidOrRefused) {
  tests::StateGenerator generator(11, {});
  std::mt19937_64 random(11);
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string bytes = Serialize(tests::AsSent(generator.Next()));
    for (int j = 0; j < 100; ++j) {
      const auto state = ParseHostState(Mutate(bytes, &random));
      if (state.ok()) {
        ++taken;
        ASSERT_TRUE(state::Validate(*state).ok());
      } else {
        ++refused;
        ASSERT_EQ(state.status().code(), absl::StatusCode::kInvalidArgument);
        ASSERT_FALSE(Message(state.status()).empty());
      }
    }
  }
  // Both paths were taken: the mutations neither always miss nor always hit.
  EXPECT_GT(taken, 0);
  EXPECT_GT(refused, 1000);
}

TEST(Mutation, ADeltaIsTakenOrRefused) {
  tests::StateGenerator generator(12, {});
  std::mt19937_64 random(12);
  state::HostState from;
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    const state::HostState to = tests::AsSent(generator.Next());
    const std::string bytes = Serialize(state::ComputeDelta(from, to));
    for (int j = 0; j < 100; ++j) {
      const auto delta = ParseStateDelta(Mutate(bytes, &random));
      if (!delta.ok()) {
        ++refused;
        ASSERT_EQ(delta.status().code(), absl::StatusCode::kInvalidArgument);
        continue;
      }
      // Applying and judging it must be safe, whatever it is.
      (void)state::Validate(state::ApplyDelta(from, *delta));
    }
    from = to;
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace outrider::convert
