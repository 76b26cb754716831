// Connections that come along with a port, or are found in mid-stream.
#include "vswitch/agent/arrival_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/sample_states.h"

namespace outrider::agent {
namespace {

using Counts = ArrivalCounts::Counts;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const PortId kPort = MakePortId(1);

class ArrivalCountsTest : public ::testing::Test {
 protected:
  static state::HostState Arriving(const std::string& migration_id) {
    state::HostState state = SampleState(state::PortPhase::kArmed, 2);
    state::Port& port = state.ports.at(kPort);
    port.migration_id = migration_id;
    port.arrival = {.vtep = *IpAddress::Parse("192.0.2.1"), .label = 5, .host = "h1"};
    return state;
  }
  void Follow(const state::HostState& wanted) { counts_.Follow(wanted, wanted); }
  void Took(const std::string& keys, uint64_t taken, const std::string& migration_id = "m-1") {
    std::vector<datapath::ConnectionRecord> records;
    for (const char key : keys) records.push_back({.key = std::string(1, key), .entry = ""});
    counts_.Took(kPort, migration_id, records, taken);
  }

  ArrivalCounts counts_;
};

TEST_F(ArrivalCountsTest, AConnectionThatIsSentAgainIsOne) {
  Follow(Arriving("m-1"));
  Took("abc", 3);
  Took("bcd", 3);
  EXPECT_EQ(counts_.Of(kPort, "m-1"), (Counts{"m-1", 4, 0}));
}

TEST_F(ArrivalCountsTest, ThoseThatWereRefusedAreNone) {
  Follow(Arriving("m-1"));
  Took("abcd", 1);
  EXPECT_EQ(counts_.Of(kPort, "m-1").connections, 1u);
}

TEST_F(ArrivalCountsTest, OfAnotherMigrationAndOfOtherPortsNothingCounts) {
  Took("a", 1);
  counts_.Adopted(kPort);
  EXPECT_THAT(counts_.All(), IsEmpty());
  Follow(Arriving("m-1"));
  Took("a", 1, "m-0");
  counts_.Adopted(MakePortId(9));
  EXPECT_THAT(counts_.All(), ElementsAre(Pair(kPort, Counts{"m-1", 0, 0})));
  EXPECT_EQ(counts_.Of(kPort, "m-0"), (Counts{"m-0", 0, 0}));
}

TEST_F(ArrivalCountsTest, AdoptionsCountAfterTheEnd) {
  Follow(Arriving("m-1"));
  Took("a", 1);
  counts_.Adopted(kPort);
  Follow(SampleState());
  counts_.Adopted(kPort);
  EXPECT_THAT(counts_.All(), ElementsAre(Pair(kPort, Counts{"m-1", 1, 2})));
}

TEST_F(ArrivalCountsTest, EachMigrationBeginsAnew) {
  Follow(Arriving("m-1"));
  Took("a", 1);
  Follow(SampleState());
  Follow(Arriving("m-2"));
  EXPECT_THAT(counts_.All(), ElementsAre(Pair(kPort, Counts{"m-2", 0, 0})));
  Took("a", 1, "m-2");
  EXPECT_EQ(counts_.Of(kPort, "m-2").connections, 1u);
  Follow({});
  EXPECT_THAT(counts_.All(), IsEmpty()) << "it has left";
}

}  // namespace
}  // namespace outrider::agent
