// Every case of drop_cases.h loses its frame for its reason, and for no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/bpf/drop_cases.h"
#include "tests/bpf/overlay_cases.h"
#include "tests/bpf/traced_switch.h"

namespace outrider::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<DropCase> AllCases() {
  return Joined({FromPortDropCases(), PolicyDropCases(), GuardDropCases(), UplinkDropCases()});
}

// All cases share one loaded switch: loading is most of the time.
TEST(DropTest, EachCaseDropsForItsReason) {
  auto made = BpfSwitch::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  BpfSwitch& s = **made;
  for (const DropCase& test : AllCases()) {
    SCOPED_TRACE(test.name);
    ASSERT_EQ(s.Reset(), absl::OkStatus());
    ASSERT_EQ(test.rows(s), absl::OkStatus());
    auto result = s.Run(test.program, test.packet, test.context);
    ASSERT_TRUE(result.ok()) << result.status();
    const bool copied = test.reason == OR_DROP_REDIRECT_FAILED;
    EXPECT_EQ(result->verdict, copied ? kStolen : kDropped);
    EXPECT_THAT(s.Drops(), ElementsAre(Pair(Pair(test.port, test.reason), test.packets)))
        << "wanted " << ReasonName(test.reason);
    const bool passed_source = test.program == "or_from_port" && (test.port != 1 && test.port != 0);
    EXPECT_EQ(s.Stats(1).rx_packets, passed_source ? 1u : 0u);
    EXPECT_EQ(s.Stats(2).tx_packets, 0u);
  }
}

TEST(DropTest, ATraceNamesTheSameReasonAndChangesNothing) {
  auto made = BpfSwitch::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  BpfSwitch& s = **made;
  auto traced = TracedSwitch::Create(&s);
  ASSERT_TRUE(traced.ok()) << traced.status();
  for (const DropCase& test : AllCases()) {
    // Guards see what a trace ends with, uplinks have no port to trace from, and what a tap would
    // segment comes in from a tap only.
    if (test.program.ends_with("_guard") || test.program == "or_from_uplink" ||
        test.context.gso_size != 0) {
      continue;
    }
    SCOPED_TRACE(test.name);
    ASSERT_EQ(s.Reset(), absl::OkStatus());
    ASSERT_EQ(test.rows(s), absl::OkStatus());
    const MapsContent before = (*traced)->Content();
    const auto trace = test.program == "or_from_port"
                           ? (*traced)->FromPort(test.packet)
                           : (*traced)->FromOverlay(test.packet, 0, kRemoteVtep);
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_THAT(DropsOf(*trace), ElementsAre(Pair(test.port, test.reason)))
        << "wanted " << ReasonName(test.reason);
    EXPECT_TRUE((*traced)->Content() == before);
  }
}

TEST(DropTest, EveryReasonHasACase) {
  std::set<uint32_t> covered;
  for (const DropCase& test : AllCases()) covered.insert(test.reason);
  for (const OverlayCase& test : OverlayCases()) covered.insert(test.reason);
  // In full_table_test.cc, which fills the table.
  covered.insert(OR_DROP_CONNECTION_TABLE_FULL);
#define OR_DROP_COVERED(code, number, name, text) EXPECT_TRUE(covered.contains(number)) << name;
  OR_DROP_REASONS(OR_DROP_COVERED)
#undef OR_DROP_COVERED
}

}  // namespace
}  // namespace outrider::tests
