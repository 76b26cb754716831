// The VLANs of a port as the programs read them, and back: lossless. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_VLAN_CODEC_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_VLAN_CODEC_H_

#include <cstdint>
#include <map>
#include <optional>

#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// Rows of or_vlan_segments and or_vlan_tags under one map id. Empty: the port needs no map.
struct VlanMap {
  // VLAN -> VNI, 0: untagged frames. Of a dot1q-tunnel the customer's VLANs.
  std::map<uint32_t, uint32_t> segments;
  // VNI -> VLAN.
  std::map<uint32_t, uint32_t> tags;

  bool empty() const { return segments.empty() && tags.empty(); }
  auto operator<=>(const VlanMap&) const = default;
};

// By map id.
using VlanMaps = std::map<uint32_t, VlanMap>;

// enum or_vlan_mode.
uint8_t EncodeVlanMode(state::VlanMode mode);
VlanMap EncodeVlans(const state::Port& port);
// The VLANs of a port with this mode (enum or_vlan_mode) and segment of untagged frames. nullopt
// when the rows are not what EncodeVlans would have made of them: an interrupted write.
std::optional<state::PortVlans> DecodeVlans(uint8_t mode, const std::optional<Vni>& vni,
                                            const VlanMap& map);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_VLAN_CODEC_H_
