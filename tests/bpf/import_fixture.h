// or_import_connections at a port of the connection tests' switch.
#ifndef OUTRIDER_TESTS_BPF_IMPORT_FIXTURE_H_
#define OUTRIDER_TESTS_BPF_IMPORT_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/bpf/connection_fixture.h"
#include "vswitch/sys/bpf/program_run.h"

namespace outrider::tests {

inline constexpr uint64_t kNsPerS = 1'000'000'000;

class ImportTest : public ConnectionTest {
 protected:
  // Runs the program for port `index`; what it says.
  static uint32_t Import(const std::vector<abi::or_connection_row>& rows, uint32_t index = 1,
                         uint32_t flags = 0) {
    Bytes input(OR_IMPORT_OFFSET + rows.size() * sizeof(abi::or_connection_row));
    std::memcpy(input.data() + OR_IMPORT_OFFSET, rows.data(),
                rows.size() * sizeof(abi::or_connection_row));
    return sys::RunProgram(
               switch_->object().Program("or_import_connections").value(),
               {.mark = index, .cb0 = static_cast<uint32_t>(rows.size()) | flags, .frame = input})
        .value();
  }
  // Its former host says that these have ended; how many go.
  static uint32_t End(const std::vector<abi::or_connection_row>& rows, uint32_t index = 1) {
    return Import(rows, index, OR_IMPORT_ENDED);
  }
  // The only connection, as it stands now.
  abi::or_connection_row Take() {
    const auto entries = Entries();
    EXPECT_EQ(entries.size(), 1u);
    return {.key = entries[0].first, .entry = entries[0].second};
  }
  // Guest A has opened a connection to B, and both have spoken.
  void Establish(uint16_t a_port = 40'000) {
    ASSERT_TRUE(FromA(TcpFrame({true, kSyn, 1000, 0}, a_port)));
    ASSERT_TRUE(ToA(TcpFrame({false, kSyn | kAck, 5000, 1001}, a_port)));
    ASSERT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001}, a_port)));
  }
  // The port forgets everything, as one that has just been made.
  void Forget() { Sweep(abi::OR_SWEEP_PORT, 1); }
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_IMPORT_FIXTURE_H_
