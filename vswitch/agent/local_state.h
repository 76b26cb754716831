// What this host switches by itself, beside the controller's word: VLANs among its own ports, and
// rates for ports that the controller has. Said by whoever adds ports without a profile; kept by
// them, too. Knows nothing of where it comes from.
//
// Thread rule: values and pure functions; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_LOCAL_STATE_H_
#define OUTRIDER_VSWITCH_AGENT_LOCAL_STATE_H_

#include <map>
#include <optional>
#include <string>

#include "vswitch/state/host_state.h"

namespace outrider::agent {

// Rates for a port whose profile has none in that direction, neither policer nor shaper.
struct PortLimits {
  // Of what the guest sends; no rate: none.
  state::Policer ingress;
  // Of what it gets; max 0: none.
  state::Shaper egress;
  bool operator==(const PortLimits&) const = default;
};

struct LocalState {
  // Local ones.
  std::map<Vni, state::Segment> segments;
  // In these segments, each with its device. They forward at once: phase and epoch are not looked
  // at, nor is what belongs to a profile (name, revision, migration, report of a first frame).
  std::map<PortId, state::Port> ports;
  // For ports of the controller's.
  std::map<PortId, PortLimits> limits;
  bool operator==(const LocalState&) const = default;
};

// As a switch without policy has them: what is unknown is flooded, nothing is answered for others.
state::Segment MakeLocalSegment(uint32_t mtu, std::optional<state::Provider> provider = {});
// The same of a port: it may send whatever it likes, and who does so is learned. `mac`: that of its
// one guest, which no other port can take over; nullopt: not known. In no segment yet.
state::Port MakeLocalPort(const std::string& device, const std::optional<MacAddress>& mac);

// What a host state has of it: segments and ports, as they are.
LocalState LocalPartOf(const state::HostState& state);
state::HostState WithoutLocalPart(state::HostState state);

// What became of a local state beside the controller's.
struct LocalOutcome {
  // Why a port is not in force, or not as it was asked for.
  std::map<PortId, std::string> problems;
  // What ports of the controller's were given.
  std::map<PortId, PortLimits> limits;
};

// Adds it to `desired`, which is the controller's word with this host's attachments. That stays as
// it is but for the limits of ports: where both have a port, a device, or a VLAN of an uplink, the
// controller's wins. A port that is not valid is left out; the others come in. A port's MAC is
// found there in all its segments. Epochs are those in force.
LocalOutcome AddLocal(const LocalState& local, const state::HostState& applied,
                      state::HostState* desired);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_LOCAL_STATE_H_
