// Every row of the datapath's maps, as read in one pass: the input of state_reader, sweeper and of
// the tables' indices. A value; knows no kernel beyond ReadInventory. Thread rule: as sys::BpfMaps.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_INVENTORY_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_INVENTORY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/acl/rule_codec.h"
#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/ebpf/vlan_codec.h"
#include "vswitch/state/host_state.h"
#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::datapath::ebpf {

struct Inventory {
  std::map<uint32_t, uint32_t> devices;  // ifindex -> port index
  std::map<uint32_t, abi::or_port> ports;
  std::map<uint32_t, abi::or_port_info> port_info;
  std::map<uint32_t, abi::or_segment> segments;
  // list -> slot -> value
  std::map<uint32_t, std::map<uint32_t, uint32_t>> replication;
  std::map<uint32_t, IpAddress> vteps;
  // vni -> outer source -> VTEP index
  std::map<uint32_t, std::map<IpAddress, uint32_t>> members;
  std::vector<std::pair<abi::or_fdb_key, abi::or_fdb>> fdb;
  std::vector<std::pair<abi::or_neighbor_key, abi::or_neighbor>> neighbors;
  std::map<uint32_t, abi::or_departure> departures;  // those that have a row of or_departure_info
  std::map<uint32_t, abi::or_departure_info> departure_info;
  std::vector<std::pair<abi::or_arrival_key, uint32_t>> arrivals;
  std::map<uint32_t, abi::or_first_frame> first_frames;
  std::vector<std::pair<abi::or_multicast_group, uint32_t>> multicast_groups;
  std::vector<std::pair<abi::or_multicast_member, uint64_t>> multicast_members;
  std::map<uint32_t, abi::or_provider> providers;  // by VNI
  std::vector<std::pair<abi::or_uplink_vlan, uint32_t>> uplink_vlans;
  std::map<uint32_t, LoadedRuleSet> rule_sets;
  // Names of groups by id, and the rows of their members.
  std::map<uint32_t, std::string> groups;
  std::vector<abi::or_group_member> group_members;
  std::vector<std::pair<abi::or_group_key, uint32_t>> group_combos;
  std::vector<std::pair<abi::or_group_row_key, abi::or_group_row>> group_rows;
  VlanMaps vlan_maps;
  std::map<uint32_t, abi::or_limits> limits;
  // list -> slot -> row
  std::map<uint32_t, std::map<uint32_t, abi::or_allowed_row>> allowed;
};

absl::StatusOr<Inventory> ReadInventory(const DatapathMaps& maps);

// Values of the local and remote slots of a segment's list, as far as the slots exist.
struct Copies {
  std::set<uint32_t> ports;  // port indices
  std::set<uint32_t> vteps;  // VTEP indices
};
Copies CopiesOf(const Inventory& inventory, const abi::or_segment& segment);

state::Provider DecodeProvider(const abi::or_provider& row);
// What carries a segment; nullopt: VXLAN, or its row is missing.
std::optional<state::Provider> ProviderOf(const Inventory& inventory, uint32_t vni,
                                          const abi::or_segment& segment);

// The arrival of a port; nullopt also when an interrupted change has left two.
std::optional<state::Arrival> ArrivalOf(const Inventory& inventory, uint32_t index);
// Index of the VTEP that a port's departure leads to; 0: none.
uint32_t VtepOf(const Inventory& inventory, uint32_t index);

// Whether a port gets copies of the BUM frames of its segments: bound, not blocked.
bool TakesCopies(const abi::or_port& port);
// VNIs of a port's segments; `map` is the one it names.
std::set<uint32_t> SegmentsOf(const abi::or_port& port, const VlanMap& map);
// By VNI: indices of the ports that should get copies of the segment's BUM frames.
std::map<uint32_t, std::set<uint32_t>> CopiedPorts(const Inventory& inventory);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_INVENTORY_H_
