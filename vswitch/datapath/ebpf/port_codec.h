// A port as its two rows, and back: lossless, but for its arrival. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_CODEC_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_CODEC_H_

#include <map>
#include <optional>
#include <string>

#include "vswitch/abi/or_abi.h"
#include "vswitch/datapath/ebpf/policy_codec.h"
#include "vswitch/datapath/ebpf/vlan_codec.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// What a port refers to, resolved to what the programs understand.
struct PortReferences {
  uint32_t ifindex = 0;
  // OR_DEVICE_*.
  uint32_t device = 0;
  uint32_t mtu = 0;
  // Ids in or_rule_sets; 0: none.
  uint32_t ingress_rule_set = 0;
  uint32_t egress_rule_set = 0;
  bool names_groups = false;  // either rule set
  bool rejects = false;       // the egress one
  bool moving = false;        // its departure is watched
  // Id in or_vlan_segments and or_vlan_tags; 0: none.
  uint32_t vlan_map = 0;
  PolicyIds policy = {};
};

abi::or_port EncodePort(const state::Port& port, const PortReferences& references);
abi::or_port_info EncodePortInfo(const PortId& id, const state::Port& port);

PortId DecodePortId(const abi::or_port_info& info);
// Device name of the row; empty: none.
std::string DecodeDevice(const abi::or_port_info& info);
// `rule_sets`: digest by id; VLAN maps, limits and allowed addresses are the inventory's. nullopt
// when what the row refers to is missing there, or the VNI is no VNI: an interrupted write.
std::optional<state::Port> DecodePort(const abi::or_port& row, const abi::or_port_info& info,
                                      const std::map<uint32_t, Digest>& rule_sets,
                                      const Inventory& inventory);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_CODEC_H_
