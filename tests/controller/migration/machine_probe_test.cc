// What a third host sees of a move: when it is to say so, and what is taken from whom.
#include "tests/controller/migration/machine_fixture.h"

namespace outrider::controller {
namespace {

class MachineProbeTest : public MachineTest {
 protected:
  MachineProbeTest() {
    migration_.set_probe_from(PortId(9));
    migration_.set_probe_host("h3");
  }
  static ProbeEvent Saw(int port, uint64_t sent, const std::string& host = "h3",
                        const std::string& failure = "") {
    ProbeEvent event{host, {}};
    event.result.set_port_id(PortId(port));
    event.result.set_from_port_id(PortId(9));
    event.result.set_sent(sent);
    event.result.set_failure(failure);
    return event;
  }
  const v1::ProbeResult& Result(int port) { return migration_.probes().at(PortId(port)); }
};

TEST_F(MachineProbeTest, ATimeAfterTheEndTheHostIsToSayWhatItSaw) {
  Do(AbortEvent{"test"});
  now_us_ += kProbeAfterUs - 1;
  ExpectIgnored(Present());
  EXPECT_TRUE(IsProbing(migration_));
  now_us_ += 1;
  EXPECT_TRUE(Do(Present()).changed);
  EXPECT_FALSE(IsProbing(migration_));
  for (const int port : {1, 2}) {
    EXPECT_EQ(Result(port).port_id(), PortId(port));
    EXPECT_EQ(Result(port).from_port_id(), PortId(9));
    EXPECT_EQ(Result(port).host(), "h3");
    EXPECT_EQ(Result(port).failure(), "host \"h3\" has not said what it saw");
  }
  ExpectIgnored(Present());
}

TEST_F(MachineProbeTest, ACommitEndsItAsWell) {
  Switch();
  AckAll();
  Do(Frame(1));
  Do(Frame(2));
  Drain();
  ASSERT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  ExpectIgnored(Present());
  now_us_ += kProbeAfterUs;
  Do(Present());
  EXPECT_EQ(migration_.probes_size(), 2);
}

TEST_F(MachineProbeTest, WhatTheHostSawReplacesThat) {
  Do(AbortEvent{"test"});
  now_us_ += kProbeAfterUs;
  Do(Present());
  EXPECT_TRUE(Do(Saw(1, 1234)).changed);
  EXPECT_EQ(Result(1).sent(), 1234u);
  EXPECT_EQ(Result(1).failure(), "");
  EXPECT_EQ(Result(1).host(), "h3");
  ExpectIgnored(Saw(1, 1234));
  EXPECT_NE(Result(2).failure(), "") << "of that it has said nothing";
}

TEST_F(MachineProbeTest, AFailureEndsTheProbeOfThatPortAtOnce) {
  Do(Saw(1, 0, "h3", "the agent was\nrestarted"));
  EXPECT_EQ(Result(1).failure(), "the agent was?restarted");
  EXPECT_FALSE(IsProbed(migration_, PortId(1)));
  EXPECT_TRUE(IsProbed(migration_, PortId(2)));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_PREPARING) << "the move goes on";
}

TEST_F(MachineProbeTest, NobodyElseHasASay) {
  ExpectIgnored(Saw(1, 5, "h2"));
  ExpectIgnored(Saw(7, 5));
  ProbeEvent other = Saw(1, 5);
  other.result.set_from_port_id(PortId(8));
  ExpectIgnored(other);
  migration_.clear_probe_from();
  migration_.clear_probe_host();
  ProbeEvent none = Saw(1, 5, "");
  none.result.clear_from_port_id();
  ExpectIgnored(none);
}

TEST_F(MachineProbeTest, WithoutAProbeNothingIsAwaited) {
  migration_.clear_probe_from();
  Do(AbortEvent{"test"});
  now_us_ += 10 * kProbeAfterUs;
  ExpectIgnored(Present());
}

}  // namespace
}  // namespace outrider::controller
