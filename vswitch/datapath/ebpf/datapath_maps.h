// The maps of vswitch/abi/or_abi.h with their types, in one place: which exist, what they are
// called. Thread rule: as sys::BpfMaps.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_DATAPATH_MAPS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_DATAPATH_MAPS_H_

#include <string>
#include <vector>

#include "vswitch/abi/or_abi.h"
#include "vswitch/abi/or_capture.h"
#include "vswitch/datapath/ebpf/fdb_rows.h"
#include "vswitch/datapath/ebpf/port_rows.h"
#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::datapath::ebpf {

struct DatapathMaps {
  // `maps` must outlive this.
  explicit DatapathMaps(sys::BpfMaps* maps) : raw(maps) {}

  // What is opened from pins; the programs may have further maps of their own.
  static std::vector<std::string> Names() {
    return {"or_devices",
            "or_ports",
            "or_port_info",
            "or_policers",
            "or_segments",
            "or_replication",
            "or_vteps",
            "or_underlay",
            "or_detours",
            "or_changes",
            "or_flow_counts",
            "or_members",
            "or_fdb",
            "or_fdb_epochs",
            "or_fdb_more",
            "or_fdb_head",
            "or_fdb_batch",
            "or_neighbors",
            "or_rule_sets",
            "or_port_stats",
            "or_drops",
            "or_first_frames",
            "or_events",
            "or_vlan_segments",
            "or_vlan_tags",
            "or_limits",
            "or_allowed",
            "or_allowed_rows",
            "or_allowed_macs",
            "or_mac_windows",
            "or_source_macs",
            "or_multicast_groups",
            "or_multicast_members",
            "or_groups",
            "or_group_combos",
            "or_group_rows",
            "or_group_members",
            "or_group_revision",
            "or_rule_counts",
            "or_quotas",
            "or_connections",
            "or_connection_counts",
            "or_fragments",
            "or_adoptions",
            "or_counter_bases",
            "or_rule_bases",
            "or_capture",
            "or_capture_ports",
            "or_capture_missed",
            "or_capture_ring",
            "or_providers",
            "or_uplink_vlans",
            "or_stations",
            "or_departures",
            "or_departure_info",
            "or_arrivals",
            "or_moves",
            "or_move_counts",
            "or_records"};
  }

  sys::BpfMaps* raw;
  sys::TypedMap<uint32_t, uint32_t> devices{raw, "or_devices"};
  PortRows ports{raw};
  sys::TypedMap<uint32_t, abi::or_port_info> port_info{raw, "or_port_info"};
  sys::TypedMap<uint32_t, abi::or_limits> limits{raw, "or_limits"};
  sys::TypedMap<uint32_t, abi::or_policer> policers{raw, "or_policers"};
  sys::TypedMap<uint32_t, abi::or_mac_window> mac_windows{raw, "or_mac_windows"};
  sys::TypedMap<abi::or_source_mac, uint64_t> source_macs{raw, "or_source_macs"};
  sys::TypedMap<abi::or_allowed_slot, abi::or_allowed_row> allowed_rows{raw, "or_allowed_rows"};
  sys::TypedMap<abi::or_allowed_mac, uint32_t> allowed_macs{raw, "or_allowed_macs"};
  sys::TypedMap<abi::or_allowed_key, uint32_t> allowed{raw, "or_allowed"};
  sys::TypedMap<uint32_t, abi::or_segment> segments{raw, "or_segments"};
  sys::TypedMap<abi::or_vlan_key, uint32_t> vlan_segments{raw, "or_vlan_segments"};
  sys::TypedMap<abi::or_vlan_tag_key, uint32_t> vlan_tags{raw, "or_vlan_tags"};
  sys::TypedMap<abi::or_replication_key, uint32_t> replication{raw, "or_replication"};
  sys::TypedMap<uint32_t, abi::or_vtep> vteps{raw, "or_vteps"};
  sys::TypedMap<uint32_t, abi::or_underlay> underlay{raw, "or_underlay"};
  sys::TypedMap<uint32_t, uint64_t> detours{raw, "or_detours"};
  sys::TypedMap<uint32_t, uint64_t> flow_counts{raw, "or_flow_counts"};
  sys::TypedMap<abi::or_member_key, uint32_t> members{raw, "or_members"};
  FdbRows fdb{raw};
  sys::TypedMap<uint32_t, abi::or_provider> providers{raw, "or_providers"};
  sys::TypedMap<abi::or_uplink_vlan, uint32_t> uplink_vlans{raw, "or_uplink_vlans"};
  sys::TypedMap<abi::or_fdb_key, abi::or_station> stations{raw, "or_stations"};
  sys::TypedMap<abi::or_neighbor_key, abi::or_neighbor> neighbors{raw, "or_neighbors"};
  sys::TypedMap<abi::or_multicast_group, uint32_t> multicast_groups{raw, "or_multicast_groups"};
  sys::TypedMap<abi::or_multicast_member, uint64_t> multicast_members{raw, "or_multicast_members"};
  sys::TypedMapOfArrays<uint32_t, abi::or_acl_line> rule_sets{raw, "or_rule_sets"};
  sys::TypedMap<uint32_t, abi::or_group> groups{raw, "or_groups"};
  sys::TypedMap<abi::or_group_key, uint32_t> group_combos{raw, "or_group_combos"};
  sys::TypedMap<abi::or_group_row_key, abi::or_group_row> group_rows{raw, "or_group_rows"};
  sys::TypedMap<abi::or_group_member, uint32_t> group_members{raw, "or_group_members"};
  sys::TypedMap<uint32_t, uint64_t> group_revision{raw, "or_group_revision"};
  sys::TypedMap<abi::or_rule_count_key, abi::or_rule_count> rule_counts{raw, "or_rule_counts"};
  sys::TypedMap<abi::or_rule_count_key, abi::or_quota> quotas{raw, "or_quotas"};
  sys::TypedMap<abi::or_connection_key, abi::or_connection> connections{raw, "or_connections"};
  sys::TypedMap<uint32_t, uint32_t> connection_counts{raw, "or_connection_counts"};
  sys::TypedMap<uint32_t, abi::or_fragments> fragments{raw, "or_fragments"};
  sys::TypedMap<uint32_t, abi::or_adoption> adoptions{raw, "or_adoptions"};
  sys::TypedMap<uint32_t, abi::or_counter_base> counter_bases{raw, "or_counter_bases"};
  sys::TypedMap<abi::or_rule_count_key, abi::or_rule_count> rule_bases{raw, "or_rule_bases"};
  sys::TypedMap<uint32_t, abi::or_port_stats> port_stats{raw, "or_port_stats"};
  sys::TypedMap<abi::or_drop_key, abi::or_drop_count> drops{raw, "or_drops"};
  sys::TypedMap<uint32_t, abi::or_first_frame> first_frames{raw, "or_first_frames"};
  sys::TypedMap<uint32_t, abi::or_capture> capture{raw, "or_capture"};
  sys::TypedMap<uint32_t, uint32_t> capture_ports{raw, "or_capture_ports"};
  sys::TypedMap<uint32_t, uint64_t> capture_missed{raw, "or_capture_missed"};
  sys::TypedMap<uint32_t, abi::or_departure> departures{raw, "or_departures"};
  sys::TypedMap<uint32_t, abi::or_departure_info> departure_info{raw, "or_departure_info"};
  sys::TypedMap<abi::or_arrival_key, uint32_t> arrivals{raw, "or_arrivals"};
  sys::TypedMap<uint32_t, abi::or_move> moves{raw, "or_moves"};
  sys::TypedMap<uint32_t, abi::or_move_counts> move_counts{raw, "or_move_counts"};
  sys::TypedMapOfArrays<uint32_t, abi::or_record_slot> records{raw, "or_records"};
  // Descriptors of ring buffers.
  sys::TypedMap<uint32_t, uint32_t> capture_ring{raw, "or_capture_ring"};
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_DATAPATH_MAPS_H_
