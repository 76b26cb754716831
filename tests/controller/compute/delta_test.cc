#include "controller/compute/delta.h"

#include "tests/controller/compute/apply_delta.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

TEST(DeltaTest, EqualStatesMakeAnEmptyDelta) {
  const auto state = Parse<v1::HostState>("segments { vni: 1 } ports { id: 'a' }");
  EXPECT_TRUE(IsEmpty(ComputeDelta(state, state)));
  EXPECT_FALSE(IsEmpty(ComputeDelta(v1::HostState(), state)));
}

TEST(DeltaTest, ChangedObjectsAreWholeAndGoneOnesAreKeys) {
  const auto from = Parse<v1::HostState>(R"(
    segments { vni: 1 mtu: 1450 } segments { vni: 2 mtu: 1450 }
    fdb { vni: 1 mac: "m1" vtep: "10.0.0.1" epoch: 1 } fdb { vni: 2 mac: "m1" vtep: "10.0.0.1" }
    neighbors { vni: 1 ip: "i1" mac: "m1" }
    rule_sets { digest: "d1" }
    ports { id: "a" phase: PORT_PHASE_ARMED } ports { id: "b" }
    group_members { group: "address/g" prefix: "10.0.0.1/32" }
    group_members { group: "address/g" prefix: "10.0.0.2/32" }
    multicast_groups { vni: 1 vteps: "10.0.0.1" } multicast_groups { vni: 1 group: "ff05::1" }
    departures { port_id: "a" epoch: 2 } departures { port_id: "b" epoch: 2 }
    probes { port_id: "c" rate_pps: 200 } probes { port_id: "d" rate_pps: 200 })");
  const auto to = Parse<v1::HostState>(R"(
    segments { vni: 1 mtu: 1400 }
    fdb { vni: 1 mac: "m1" vtep: "10.0.0.2" epoch: 2 }
    rule_sets { digest: "d2" }
    ports { id: "a" phase: PORT_PHASE_ACTIVE } ports { id: "b" }
    group_members { group: "address/g" prefix: "10.0.0.2/32" }
    group_members { group: "port/g" prefix: "10.0.0.1/32" }
    multicast_groups { vni: 1 vteps: "10.0.0.2" }
    departures { port_id: "b" epoch: 3 }
    probes { port_id: "d" rate_pps: 100 })");
  const auto expected = Parse<v1::HostStateDelta>(R"(
    upserts {
      segments { vni: 1 mtu: 1400 }
      fdb { vni: 1 mac: "m1" vtep: "10.0.0.2" epoch: 2 }
      rule_sets { digest: "d2" }
      ports { id: "a" phase: PORT_PHASE_ACTIVE }
      group_members { group: "port/g" prefix: "10.0.0.1/32" }
      multicast_groups { vni: 1 vteps: "10.0.0.2" }
      departures { port_id: "b" epoch: 3 }
      probes { port_id: "d" rate_pps: 100 }
    }
    deletes {
      segments: 2 fdb { vni: 2 mac: "m1" } neighbors { vni: 1 ip: "i1" } rule_sets: "d1"
      group_members { group: "address/g" prefix: "10.0.0.1/32" }
      multicast_groups { vni: 1 group: "ff05::1" }
      departures: "a" probes: "c"
    })");
  const v1::HostStateDelta delta = ComputeDelta(from, to);
  EXPECT_TRUE(Equal(delta, expected)) << delta.DebugString();
  EXPECT_TRUE(Equal(ApplyDelta(from, delta), to));
}

}  // namespace
}  // namespace outrider::controller
