// Ports of the Open_vSwitch database that no profile governs, as local segments: plain VLAN
// switching among the ports of one bridge, the semantics of vlan_mode, tag and trunks being those
// of Open vSwitch. Knows no devices.
//
// Of a trunk without a list of VLANs the VLANs are those that some port of its bridge names: a
// frame of another VLAN would have nowhere to go but to another such trunk.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_LOCAL_SWITCHING_H_
#define OUTRIDER_VSWITCH_AGENT_LOCAL_SWITCHING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/agent/local_state.h"
#include "vswitch/ovs/switch_config.h"

namespace outrider::agent {

// A port of a bridge as the datapath is to have it.
struct LocalPort {
  PortId id;
  const ovs::InterfaceConfig* interface;
  // The interface's own, or the switch's end of an internal one.
  std::string device;
  // Absent: not known, learned.
  std::optional<MacAddress> mac;
};

// A bridge's VLANs are the local segments 4096 * number + VLAN, of which VLAN 0 is that of untagged
// frames.
inline constexpr uint32_t kMaxBridgeNumber = 4095;

// The segment of a VLAN (0..4095) of a bridge.
Vni LocalSegmentOf(uint32_t bridge_number, uint16_t vlan);

// The VLAN of a local segment; 0 of others.
uint16_t LocalVlanOf(const Vni& vni);

// Adds the ports of one bridge, and their segments, to `state`.
void AddLocalBridge(uint32_t bridge_number, const ovs::BridgeConfig& bridge,
                    const std::vector<LocalPort>& ports, LocalState* state);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_LOCAL_SWITCHING_H_
