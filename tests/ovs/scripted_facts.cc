#include "tests/ovs/scripted_facts.h"

#include <fmt/format.h>

namespace outrider::ovs {
namespace {

MacAddress Mac(uint8_t last) { return MacAddress({0x52, 0x54, 0, 0xaa, 0xbb, last}); }

PortFacts Port(const std::string& name, uint16_t ofport, uint32_t ifindex,
               const std::string& type) {
  PortFacts port;
  port.name = name;
  port.ofport = ofport;
  port.ifindex = ifindex;
  port.type = type;
  return port;
}

}  // namespace

ScriptedFacts::ScriptedFacts() {
  auto in_force = std::make_shared<state::HostState>();
  const Vni vni = Vni::Create(100).value();
  const PortId id = PortId::Parse("11111111-2222-3333-4444-555555555555").value();
  state::RuleSet rules;
  rules.rules.resize(1);
  rules.rules[0].number = 1;
  rules.rules[0].ether = state::EtherMatch::kIpv4;
  rules.rules[0].protocol = 6;
  rules.rules[0].dst = IpPrefix::Parse("10.0.0.0/8").value();
  rules.rules[0].dst_port = state::PortRange{80, 80};
  rules.rules[0].action = state::AclAction::kAllow;
  const Digest digest({1});
  in_force->rule_sets[digest] = rules;
  state::Port port;
  port.mac = Mac(1);
  port.vni = vni;
  port.phase = state::PortPhase::kActive;
  port.ingress_rule_set = digest;
  in_force->ports[id] = port;
  in_force->fdb[{vni, Mac(1)}] = {id};
  in_force->fdb[{vni, Mac(9)}] = {IpAddress::Parse("192.0.2.2").value()};

  BridgeFacts& bridge = facts.bridges["br0"];
  bridge.name = "br0";
  bridge.ports[kLocalOfport] = Port("br0", kLocalOfport, 100, "internal");
  bridge.ports[1] = Port("vnet0", 1, 7, "");
  bridge.ports[1].id = id;
  bridge.ports[2] = Port("vnet1", 2, 0, "");
  bridge.fdb = {{1, 0, Mac(1), 12},
                {2, 10, Mac(2), std::nullopt},
                {kTunnelOfport, 0, Mac(9), std::nullopt},
                {kLocalOfport, 0, Mac(3), 0}};
  facts.in_force = in_force;
  facts.counters[id].rx_packets = 5;
  facts.counters[id].rx_bytes = 500;
  facts.counters[id].tx_packets = 2;
  facts.counters[id].drops["acl_ingress"] = 4;
  facts.counters[id].rules[{datapath::Direction::kIngress, 1}] = {3, 300};
  facts.host_drops["acl_ingress"] = 1;
  facts.host_drops["unknown_vni"] = 2;
  facts.version = "0.1.0";
}

absl::StatusOr<datapath::Trace> ScriptedFacts::Trace(const std::string& bridge, uint16_t ofport,
                                                     const std::vector<uint8_t>& frame) {
  if (!facts.bridges.at(bridge).ports.contains(ofport)) {
    return absl::NotFoundError("no such port");
  }
  traced_frame = frame;
  datapath::Trace trace;
  trace.steps = {{"parse", fmt::format("{} bytes", frame.size()), {}}, {"fdb", "no station", {}}};
  trace.verdict = "dropped";
  trace.drop_reason = "unknown_unicast";
  return trace;
}

}  // namespace outrider::ovs
