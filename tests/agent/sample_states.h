// Small states and attachments by hand, for tests that say exactly what they expect.
#ifndef OUTRIDER_TESTS_AGENT_SAMPLE_STATES_H_
#define OUTRIDER_TESTS_AGENT_SAMPLE_STATES_H_

#include <string>

#include "tests/support/state_generator.h"
#include "vswitch/state/attachment.h"
#include "vswitch/state/host_state.h"

namespace outrider::agent {

using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;

// Port <n> has MAC <n>, in segment 7.
inline state::Port SamplePort(uint8_t n, state::PortPhase phase, uint64_t epoch) {
  state::Port port;
  port.mac = MakeMac(n);
  port.vni = MakeVni(7);
  port.profile = "web";
  port.profile_revision = 3;
  port.phase = phase;
  port.epoch = Epoch{epoch};
  return port;
}

// Segment 7 with port 1 as given, and its FDB row.
inline state::HostState SampleState(state::PortPhase phase = state::PortPhase::kActive,
                                    uint64_t epoch = 1) {
  state::HostState state;
  state.segments[MakeVni(7)].mtu = 1450;
  state.ports[MakePortId(1)] = SamplePort(1, phase, epoch);
  state.fdb[{MakeVni(7), MakeMac(1)}] = {MakePortId(1), Epoch{epoch}};
  return state;
}

// Device "tap<n>" for port <n>.
inline state::Attachment SampleAttachment(uint8_t n) {
  return {.device = "tap" + std::to_string(n),
          .mac = MakeMac(n),
          .ips = {},
          .profile = "web",
          .vm_id = "vm"};
}

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_SAMPLE_STATES_H_
