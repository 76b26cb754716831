#include "tests/ovs/openflow_facts.h"

namespace outrider::ovs {
namespace {

PortFacts Device(const std::string& name, uint16_t ofport, const std::string& mac) {
  PortFacts port;
  port.name = name;
  port.ofport = ofport;
  port.mac = *MacAddress::Parse(mac);
  port.admin_up = true;
  port.link_up = true;
  port.speed_mbps = 10000;
  port.duration_ns = 5250000000;
  return port;
}

}  // namespace

state::HostState WebState() {
  const Vni web = *Vni::Create(100);
  const Vni other = *Vni::Create(200);
  state::HostState state;
  state.segments[web].mtu = 1450;
  state.segments[web].vteps = {*IpAddress::Parse("192.0.2.9")};
  state.segments[other].mtu = 1450;
  state.segments[other].flood_unknown_unicast = true;

  state::RuleSet rules;
  state::AclRule ssh;
  ssh.ether = state::EtherMatch::kIpv4;
  ssh.protocol = 6;
  ssh.src = *IpPrefix::Parse("10.0.0.0/8");
  ssh.dst_port = state::PortRange{22, 23};
  ssh.action = state::AclAction::kAllow;
  ssh.number = 1;
  state::AclRule blocked;
  blocked.src_group = "address/bad";
  blocked.action = state::AclAction::kDrop;
  blocked.number = 2;
  rules.rules = {ssh, blocked};
  rules.default_action = state::AclAction::kDrop;
  state.rule_sets[Digest{}] = rules;
  state.group_members = {{"address/bad", *IpPrefix::Parse("10.9.0.0/16")},
                         {"address/bad", *IpPrefix::Parse("2001:db8::/32")}};

  state::Port port;
  port.mac = *MacAddress::Parse("52:54:00:aa:bb:01");
  port.vni = web;
  port.ingress_rule_set = Digest{};
  port.ingress_policer = {.rate_kbps = 10000, .burst_kb = 2500};
  port.ip_anti_spoof = true;
  port.allowed = {{port.mac, {*IpPrefix::Parse("10.0.0.1")}}};
  port.phase = state::PortPhase::kActive;
  port.device = "vnet0";
  state.ports[*PortId::Parse(kWebId)] = port;

  state::Port trunk;
  trunk.mac = *MacAddress::Parse("52:54:00:aa:bb:02");
  trunk.vlans.mode = state::VlanMode::kTrunk;
  trunk.vlans.trunk.insert({20, other});
  trunk.mac_anti_spoof = false;
  trunk.dhcp_server_guard = false;
  trunk.ra_guard = false;
  trunk.phase = state::PortPhase::kActive;
  trunk.device = "vnet1";
  state.ports[*PortId::Parse(kTrunkId)] = trunk;

  state.fdb.insert({{web, port.mac}, {.where = *PortId::Parse(kWebId)}});
  state.fdb.insert(
      {{web, *MacAddress::Parse("52:54:00:aa:bb:09")}, {.where = *IpAddress::Parse("192.0.2.9")}});
  state.fdb.insert({{other, trunk.mac}, {.where = *PortId::Parse(kTrunkId)}});
  return state;
}

SwitchFacts WebFacts(const state::HostState& state) {
  SwitchFacts facts;
  facts.version = "0.1.0";
  BridgeFacts& bridge = facts.bridges["br0"];
  bridge.name = "br0";
  bridge.datapath_id = 0x525400000001;
  bridge.ports[1] = Device("vnet0", 1, "fe:54:00:aa:bb:01");
  bridge.ports[1].id = *PortId::Parse(kWebId);
  bridge.ports[2] = Device("vnet1", 2, "fe:54:00:aa:bb:02");
  bridge.ports[2].id = *PortId::Parse(kTrunkId);
  bridge.ports[kLocalOfport] = Device("br0", kLocalOfport, "52:54:00:00:00:01");
  bridge.ports[kLocalOfport].rx_packets = 7;
  facts.in_force = std::make_shared<const state::HostState>(state);
  datapath::PortCounters& counters = facts.counters[*PortId::Parse(kWebId)];
  counters.rx_packets = 100;
  counters.rx_bytes = 10000;
  counters.tx_packets = 50;
  counters.tx_bytes = 5000;
  counters.drops = {{"spoofed_ip", 3}, {"policer", 4}, {"acl_egress", 5}};
  counters.rules[{datapath::Direction::kIngress, 1}] = {.packets = 60, .bytes = 6000};
  counters.rules[{datapath::Direction::kIngress, 0}] = {.packets = 9, .bytes = 900};
  return facts;
}

}  // namespace outrider::ovs
