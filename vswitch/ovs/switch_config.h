// What the rows of an Open_vSwitch database ask of this host, as plain values: bridges, their
// ports, VLANs and rates. Also names what is asked and not served. Knows no devices and no
// controller.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_SWITCH_CONFIG_H_
#define OUTRIDER_VSWITCH_OVS_SWITCH_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vswitch/ovs/database.h"
#include "vswitch/state/host_state.h"

namespace outrider::ovs {

// Port.vlan_mode, tag, trunks and cvlans. VLAN 0 of `tag` is untagged.
struct VlanConfig {
  std::optional<state::VlanMode> mode;
  std::optional<uint16_t> tag;
  std::set<uint16_t> trunks;
  std::set<uint16_t> cvlans;
  bool operator==(const VlanConfig&) const = default;
};

struct InterfaceConfig {
  ovsdb::Uuid uuid;
  std::string name;
  // Interface.type: "" (a device that is there), "internal", "patch", ...
  std::string type;
  // external_ids of whoever plugs guests: iface-id, attached-mac, vm-id, port-profile. A value that
  // cannot be read is in `mistake`.
  std::optional<PortId> iface_id;
  std::optional<MacAddress> attached_mac;
  std::string vm_id;
  std::string profile;
  // Rate of what the port sends, kb/s, and its burst, kb; of packets: thousands. 0: none.
  state::Policer policer;
  // The port's QoS row (linux-htb): what is delivered to it.
  state::Shaper shaper;
  // Why the QoS row is without effect; empty when it is not.
  std::string qos_note;
  std::optional<uint32_t> mtu_request;
  std::optional<uint16_t> ofport_request;
  // Interface.mac, for internal ones.
  std::optional<MacAddress> mac;
  VlanConfig vlans;
  // Why it cannot be served as it is written; empty when it can.
  std::string mistake;
  bool operator==(const InterfaceConfig&) const = default;

  // Plugged by somebody who knows the guest: the controller says what it may do.
  bool IsGuest() const { return iface_id.has_value() || !profile.empty(); }
  // iface_id, or the row's own uuid.
  PortId Id() const { return iface_id.value_or(RowId()); }
  PortId RowId() const;
};

struct BridgeConfig {
  ovsdb::Uuid uuid;
  std::string name;
  // other_config:hwaddr.
  std::optional<MacAddress> hwaddr;
  // other_config:datapath-id.
  std::optional<uint64_t> datapath_id;
  // By name; the bridge's own, of type internal, is among them.
  std::map<std::string, InterfaceConfig> interfaces;
  bool operator==(const BridgeConfig&) const = default;
};

struct SwitchConfig {
  // By name.
  std::map<std::string, BridgeConfig> bridges;
  int64_t next_cfg = 0;
  // Which configuration of this process's it is: next_cfg may stay, or go down.
  uint64_t serial = 0;
  bool operator==(const SwitchConfig&) const = default;
};

SwitchConfig ReadConfig(const Tables& tables);

// Columns that are set and have no effect here, for people: "Bridge br0: stp_enable", and keys of
// other_config: "Open_vSwitch .: other_config:dpdk-init". A port's QoS stands with the port: "Port
// vnet0: qos queues:1". Columns that only say once more what is done anyway, and types of
// interfaces, whose refusal is in Interface.error, are not among them. Ordered.
std::vector<std::string> NotActedOn(const ovsdb::DatabaseSchema& schema, const Tables& tables);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_SWITCH_CONFIG_H_
