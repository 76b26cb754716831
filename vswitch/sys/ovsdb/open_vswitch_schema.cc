#include <utility>

#include "vswitch/sys/ovsdb/open_vswitch_columns.h"
#include "vswitch/sys/ovsdb/schema.h"

namespace outrider::ovsdb {
namespace {

using columns::AtLeast;
using columns::Base;
using columns::Between;
using columns::Boolean;
using columns::Column;
using columns::Counters;
using columns::Ephemeral;
using columns::Immutable;
using columns::Integer;
using columns::kMax32;
using columns::Map;
using columns::One;
using columns::OneOf;
using columns::Optional;
using columns::Pairs;
using columns::RowOf;
using columns::Set;
using columns::Some;
using columns::String;
using columns::WeakRowOf;

// Words -----------------------------------------------------------------------------------------

constexpr const char* kUpDown[] = {"down", "up", nullptr};
constexpr const char* kDuplex[] = {"full", "half", nullptr};
constexpr const char* kFailModes[] = {"secure", "standalone", nullptr};
constexpr const char* kBands[] = {"in-band", "out-of-band", nullptr};
constexpr const char* kRoles[] = {"master", "other", "slave", nullptr};
constexpr const char* kControllerTypes[] = {"primary", "service", nullptr};
constexpr const char* kOverflowPolicies[] = {"evict", "refuse", nullptr};
constexpr const char* kBondModes[] = {"active-backup", "balance-slb", "balance-tcp", nullptr};
constexpr const char* kLacpModes[] = {"active", "off", "passive", nullptr};
constexpr const char* kVlanModes[] = {"access",          "dot1q-tunnel", "native-tagged",
                                      "native-untagged", "trunk",        nullptr};
constexpr const char* kProtocols[] = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13",
                                      "OpenFlow14", "OpenFlow15", nullptr};
constexpr const char* kTimeouts[] = {
    "icmp_first",    "icmp_reply",    "tcp_close",      "tcp_close_wait", "tcp_established",
    "tcp_fin_wait",  "tcp_last_ack",  "tcp_retransmit", "tcp_syn_recv",   "tcp_syn_sent",
    "tcp_syn_sent2", "tcp_time_wait", "tcp_unack",      "udp_first",      "udp_multiple",
    "udp_single",    nullptr};

constexpr Base kVlan = Between(0, 4095);
constexpr Base kUnsigned32 = Between(0, kMax32);

// The switch and its bridges
// -------------------------------------------------------------------------

constexpr Column kOpenVSwitch[] = {
    Set("bridges", RowOf("Bridge")),
    Set("manager_options", RowOf("Manager")),
    Optional("ssl", RowOf("SSL")),
    Map("datapaths", String(), RowOf("Datapath")),
    // A client adds one to next_cfg; cur_cfg follows when that configuration is in force.
    One("next_cfg", Integer()),
    One("cur_cfg", Integer()),
    Pairs("other_config"),
    Pairs("external_ids"),
    // What is running.
    Optional("ovs_version", String()),
    Optional("db_version", String()),
    Optional("system_type", String()),
    Optional("system_version", String()),
    Optional("dpdk_version", String()),
    One("dpdk_initialized", Boolean()),
    Set("datapath_types", String()),
    Set("iface_types", String()),
    Ephemeral(Pairs("statistics")),
};

constexpr Column kBridge[] = {
    Immutable(One("name", String())),
    Set("ports", RowOf("Port")),
    Set("mirrors", RowOf("Mirror")),
    Set("controller", RowOf("Controller")),
    Optional("netflow", RowOf("NetFlow")),
    Optional("sflow", RowOf("sFlow")),
    Optional("ipfix", RowOf("IPFIX")),
    Optional("auto_attach", RowOf("AutoAttach")),
    Map("flow_tables", Between(0, 254), RowOf("Flow_Table")),
    One("datapath_type", String()),
    Optional("fail_mode", OneOf(kFailModes)),
    Set("protocols", OneOf(kProtocols)),
    Set("flood_vlans", kVlan, 4096),
    One("stp_enable", Boolean()),
    One("rstp_enable", Boolean()),
    One("mcast_snooping_enable", Boolean()),
    Pairs("other_config"),
    Pairs("external_ids"),
    Ephemeral(Optional("datapath_id", String())),
    One("datapath_version", String()),
    Ephemeral(Pairs("status")),
    Ephemeral(Pairs("rstp_status")),
};

constexpr Column kPort[] = {
    Immutable(One("name", String())),
    Some("interfaces", RowOf("Interface")),
    Optional("tag", kVlan),
    Set("trunks", kVlan, 4096),
    Set("cvlans", kVlan, 4096),
    Optional("vlan_mode", OneOf(kVlanModes)),
    Optional("qos", RowOf("QoS")),
    Optional("mac", String()),
    One("protected", Boolean()),
    One("fake_bridge", Boolean()),
    // Bonds.
    Optional("bond_mode", OneOf(kBondModes)),
    Optional("bond_active_slave", String()),
    One("bond_updelay", Integer()),
    One("bond_downdelay", Integer()),
    One("bond_fake_iface", Boolean()),
    Optional("lacp", OneOf(kLacpModes)),
    Pairs("other_config"),
    Pairs("external_ids"),
    Ephemeral(Pairs("status")),
    Ephemeral(Counters("statistics")),
    Ephemeral(Pairs("rstp_status")),
    Ephemeral(Counters("rstp_statistics")),
};

constexpr Column kInterface[] = {
    Immutable(One("name", String())),
    One("type", String()),
    Pairs("options"),
    Optional("mac", String()),
    Optional("mtu_request", AtLeast(1)),
    Optional("ofport_request", Between(1, 65279)),
    One("ingress_policing_rate", AtLeast(0)),
    One("ingress_policing_burst", AtLeast(0)),
    One("ingress_policing_kpkts_rate", AtLeast(0)),
    One("ingress_policing_kpkts_burst", AtLeast(0)),
    Pairs("bfd"),
    Optional("cfm_mpid", Integer()),
    Pairs("lldp"),
    Pairs("other_config"),
    Pairs("external_ids"),
    // Kept over a restart, although the switch fills them.
    Optional("ofport", Integer()),
    Optional("error", String()),
    Optional("cfm_flap_count", Integer()),
    // What the device does.
    Ephemeral(Optional("mac_in_use", String())),
    Ephemeral(Optional("ifindex", kUnsigned32)),
    Ephemeral(Optional("mtu", Integer())),
    Ephemeral(Optional("admin_state", OneOf(kUpDown))),
    Ephemeral(Optional("link_state", OneOf(kUpDown))),
    Ephemeral(Optional("link_speed", Integer())),
    Ephemeral(Optional("link_resets", Integer())),
    Ephemeral(Optional("duplex", OneOf(kDuplex))),
    Ephemeral(Optional("lacp_current", Boolean())),
    Ephemeral(Pairs("status")),
    Ephemeral(Counters("statistics")),
    // Fault detection.
    Ephemeral(Pairs("bfd_status")),
    Ephemeral(Optional("cfm_fault", Boolean())),
    Ephemeral(Set("cfm_fault_status", String())),
    Ephemeral(Optional("cfm_health", Between(0, 100))),
    Ephemeral(Set("cfm_remote_mpids", Integer())),
    Ephemeral(Optional("cfm_remote_opstate", OneOf(kUpDown))),
};

constexpr Column kMirror[] = {
    One("name", String()),
    One("select_all", Boolean()),
    Set("select_src_port", WeakRowOf("Port")),
    Set("select_dst_port", WeakRowOf("Port")),
    Set("select_vlan", kVlan, 4096),
    Optional("output_port", WeakRowOf("Port")),
    Optional("output_vlan", Between(1, 4095)),
    Optional("snaplen", Between(14, 65535)),
    Pairs("external_ids"),
    Ephemeral(Counters("statistics")),
};

constexpr Column kAutoAttach[] = {
    One("system_name", String()),
    One("system_description", String()),
    // I-SID to VLAN (IEEE 802.1aq).
    Map("mappings", Between(0, 0xffffff), kVlan),
};

constexpr Column kFlowTable[] = {
    Optional("name", String()),
    Optional("flow_limit", AtLeast(0)),
    Optional("overflow_policy", OneOf(kOverflowPolicies)),
    Set("groups", String()),
    Set("prefixes", String(), 3),
    Pairs("external_ids"),
};

// Quality of service
// -----------------------------------------------------------------------------------

constexpr Column kQos[] = {
    One("type", String()),
    Map("queues", kUnsigned32, RowOf("Queue")),
    Pairs("other_config"),
    Pairs("external_ids"),
};

constexpr Column kQueue[] = {
    Optional("dscp", Between(0, 63)),
    Pairs("other_config"),
    Pairs("external_ids"),
};

// Who is connected
// --------------------------------------------------------------------------------------

constexpr Column kController[] = {
    One("target", String()),
    Optional("type", OneOf(kControllerTypes)),
    Optional("connection_mode", OneOf(kBands)),
    Optional("max_backoff", AtLeast(1000)),
    Optional("inactivity_probe", Integer()),
    Optional("enable_async_messages", Boolean()),
    Optional("controller_queue_size", Between(1, 512)),
    Optional("controller_rate_limit", AtLeast(100)),
    Optional("controller_burst_limit", AtLeast(25)),
    Optional("local_ip", String()),
    Optional("local_netmask", String()),
    Optional("local_gateway", String()),
    Pairs("other_config"),
    Pairs("external_ids"),
    Ephemeral(One("is_connected", Boolean())),
    Ephemeral(Optional("role", OneOf(kRoles))),
    Ephemeral(Pairs("status")),
};

constexpr Column kManager[] = {
    One("target", String()),
    Optional("connection_mode", OneOf(kBands)),
    Optional("max_backoff", AtLeast(1000)),
    Optional("inactivity_probe", Integer()),
    Pairs("other_config"),
    Pairs("external_ids"),
    Ephemeral(One("is_connected", Boolean())),
    Ephemeral(Pairs("status")),
};

constexpr Column kSsl[] = {
    One("private_key", String()),        One("certificate", String()), One("ca_cert", String()),
    One("bootstrap_ca_cert", Boolean()), Pairs("external_ids"),
};

// Datapaths and connection tracking
// --------------------------------------------------------------------

constexpr Column kDatapath[] = {
    One("datapath_version", String()),
    Map("ct_zones", Between(0, 65535), RowOf("CT_Zone")),
    Pairs("capabilities"),
    Pairs("external_ids"),
};

constexpr Column kCtZone[] = {
    Optional("timeout_policy", RowOf("CT_Timeout_Policy")),
    Pairs("external_ids"),
};

constexpr Column kCtTimeoutPolicy[] = {
    Map("timeouts", OneOf(kTimeouts), kUnsigned32),
    Pairs("external_ids"),
};

// Export of flows
// -------------------------------------------------------------------------------------

constexpr Column kNetFlow[] = {
    Some("targets", String()),
    Optional("engine_type", Between(0, 255)),
    Optional("engine_id", Between(0, 255)),
    One("add_id_to_interface", Boolean()),
    One("active_timeout", AtLeast(-1)),
    Pairs("external_ids"),
};

constexpr Column kSflow[] = {
    Some("targets", String()),       Optional("agent", String()),    Optional("header", Integer()),
    Optional("sampling", Integer()), Optional("polling", Integer()), Pairs("external_ids"),
};

constexpr Column kIpfix[] = {
    Set("targets", String()),
    Optional("sampling", Between(1, kMax32)),
    Optional("obs_domain_id", kUnsigned32),
    Optional("obs_point_id", kUnsigned32),
    Optional("cache_active_timeout", Between(0, 4200)),
    Optional("cache_max_flows", kUnsigned32),
    Pairs("other_config"),
    Pairs("external_ids"),
};

constexpr Column kFlowSampleCollectorSet[] = {
    One("id", kUnsigned32),
    One("bridge", RowOf("Bridge")),
    Optional("ipfix", RowOf("IPFIX")),
    Pairs("external_ids"),
};

// From literals to the schema
// ---------------------------------------------------------------------------

BaseType TypeOf(const Base& base) {
  BaseType type;
  type.type = base.type;
  if (base.type == AtomType::kInteger) {
    type.min_integer = base.min;
    type.max_integer = base.max;
  }
  for (const char* const* word = base.words; word != nullptr && *word != nullptr; ++word) {
    type.allowed.emplace_back(std::string(*word));
  }
  type.ref = base.ref;
  if (base.table != nullptr) type.ref_table = base.table;
  return type;
}

template <size_t N>
TableSchema TableOf(const Column (&columns)[N]) {
  TableSchema table;
  for (const Column& column : columns) {
    ColumnSchema& schema = table.columns[column.name];
    schema.type.key = TypeOf(column.key);
    if (column.is_map) schema.type.value = TypeOf(column.value);
    schema.type.min = column.min;
    schema.type.max = column.max;
    schema.is_mutable = column.is_mutable;
    schema.ephemeral = column.ephemeral;
  }
  return table;
}

DatabaseSchema Build() {
  DatabaseSchema schema{"Open_vSwitch", "8.3.1", {}};
  auto& tables = schema.tables;
  tables["Open_vSwitch"] = TableOf(kOpenVSwitch);
  tables["Bridge"] = TableOf(kBridge);
  tables["Port"] = TableOf(kPort);
  tables["Interface"] = TableOf(kInterface);
  tables["Mirror"] = TableOf(kMirror);
  tables["AutoAttach"] = TableOf(kAutoAttach);
  tables["Flow_Table"] = TableOf(kFlowTable);
  tables["QoS"] = TableOf(kQos);
  tables["Queue"] = TableOf(kQueue);
  tables["Controller"] = TableOf(kController);
  tables["Manager"] = TableOf(kManager);
  tables["SSL"] = TableOf(kSsl);
  tables["Datapath"] = TableOf(kDatapath);
  tables["CT_Zone"] = TableOf(kCtZone);
  tables["CT_Timeout_Policy"] = TableOf(kCtTimeoutPolicy);
  tables["NetFlow"] = TableOf(kNetFlow);
  tables["sFlow"] = TableOf(kSflow);
  tables["IPFIX"] = TableOf(kIpfix);
  tables["Flow_Sample_Collector_Set"] = TableOf(kFlowSampleCollectorSet);

  for (const char* root : {"Open_vSwitch", "QoS", "Queue", "Flow_Sample_Collector_Set"}) {
    tables[root].is_root = true;
  }
  tables["Open_vSwitch"].max_rows = 1;
  tables["SSL"].max_rows = 1;
  for (const char* named : {"Bridge", "Port", "Interface"}) tables[named].indexes = {{"name"}};
  tables["Manager"].indexes = {{"target"}};
  tables["Flow_Sample_Collector_Set"].indexes = {{"id", "bridge"}};
  return schema;
}

}  // namespace

const DatabaseSchema& OpenVSwitchSchema() {
  static const DatabaseSchema schema = Build();
  return schema;
}

}  // namespace outrider::ovsdb
