// States and deltas that a controller must not send: each is refused, naming object and field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "proto/digest.h"
#include "vswitch/convert/from_proto.h"

namespace outrider::convert {
namespace {

using ::testing::HasSubstr;

constexpr char kPort[] = "00000000-0000-0000-0000-000000000001";

// A whole, small state for the tests below to break in one place.
v1::HostState Whole() {
  v1::HostState state;
  v1::SegmentState* segment = state.add_segments();
  segment->set_vni(7);
  segment->set_mtu(1450);
  segment->add_vteps("10.0.2.1");
  v1::RuleSet* set = state.add_rule_sets();
  v1::CompiledRule* rule = set->add_rules();
  rule->set_protocol(6);
  rule->mutable_dst_port()->set_first(80);
  rule->mutable_dst_port()->set_last(80);
  rule->set_action(v1::ACL_ACTION_ALLOW);
  set->set_default_action(v1::ACL_ACTION_DROP);
  set->set_digest(v1::RuleSetDigest(*set));
  v1::PortState* port = state.add_ports();
  port->set_id(kPort);
  port->set_mac("52:54:00:00:00:01");
  port->set_vni(7);
  port->set_phase(v1::PORT_PHASE_ACTIVE);
  port->set_ingress_rule_set(set->digest());
  v1::FdbEntry* fdb = state.add_fdb();
  fdb->set_vni(7);
  fdb->set_mac("52:54:00:00:00:01");
  fdb->set_port_id(kPort);
  v1::NeighborEntry* neighbor = state.add_neighbors();
  neighbor->set_vni(7);
  neighbor->set_ip("10.1.0.1");
  neighbor->set_mac("52:54:00:00:00:01");
  return state;
}

void Rename(v1::HostState* state) {
  v1::RuleSet* set = state->mutable_rule_sets(0);
  set->set_digest(v1::RuleSetDigest(*set));
  state->mutable_ports(0)->set_ingress_rule_set(set->digest());
}

void Leave(v1::HostState* state, const char* migration, const char* vtep) {
  v1::Departure* departure = state->add_departures();
  departure->set_port_id(kPort);
  departure->set_migration_id(migration);
  departure->set_vtep(vtep);
}

void Probe(v1::HostState* state, const char* ip, uint32_t rate) {
  v1::MoveProbe* probe = state->add_probes();
  probe->set_port_id(kPort);
  probe->set_migration_id("m-1");
  probe->set_from_port_id(kPort);
  probe->set_from_ip("10.1.0.1");
  probe->set_mac("52:54:00:00:00:01");
  probe->set_ip(ip);
  probe->set_rate_pps(rate);
}

void AddUnknownField(google::protobuf::Message* message) {
  message->GetReflection()->MutableUnknownFields(message)->AddVarint(99, 1);
}

struct BadState {
  const char* name;
  std::function<void(v1::HostState*)> damage;
  // Object and field of the message.
  const char* object;
  const char* field;
};

class Refused : public ::testing::TestWithParam<BadState> {};

TEST_P(Refused, NamesObjectAndField) {
  v1::HostState state = Whole();
  ASSERT_TRUE(FromProto(state).ok()) << FromProto(state).status();
  GetParam().damage(&state);
  const auto result = FromProto(state);
  ASSERT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument) << result.status();
  EXPECT_THAT(Message(result.status()), HasSubstr(GetParam().object));
  EXPECT_THAT(Message(result.status()), HasSubstr(GetParam().field));
}

INSTANTIATE_TEST_SUITE_P(
    All, Refused,
    ::testing::Values(
        BadState{"DepartureOfNoPort", [](auto* s) { s->add_departures()->set_port_id("web"); },
                 "departure of port \"web\"", "id"},
        BadState{"DepartureOfNoMigration", [](auto* s) { Leave(s, "", ""); },
                 "departure of port 00000000", "migration id"},
        BadState{"DepartureOfALongMigration",
                 [](auto* s) { Leave(s, std::string(64, 'm').c_str(), ""); },
                 "departure of port 00000000", "migration id"},
        BadState{"DepartureToNoAddress", [](auto* s) { Leave(s, "m-1", "there"); },
                 "departure of port", "vtep"},
        BadState{"DepartureTwice",
                 [](auto* s) {
                   Leave(s, "m-1", "");
                   Leave(s, "m-1", "");
                 },
                 "departure of port", "twice"},
        BadState{"ProbeOfNoPort", [](auto* s) { s->add_probes()->set_port_id("web"); },
                 "probe of port \"web\"", "id"},
        BadState{"ProbeFromNoPort",
                 [](auto* s) {
                   Probe(s, "10.1.0.2", 200);
                   s->mutable_probes(0)->set_from_port_id("web");
                 },
                 "probe of port", "from_port_id"},
        BadState{"ProbeOfNoMigration",
                 [](auto* s) {
                   Probe(s, "10.1.0.2", 200);
                   s->mutable_probes(0)->clear_migration_id();
                 },
                 "probe of port", "migration id"},
        BadState{"ProbeOfAnotherFamily", [](auto* s) { Probe(s, "2001:db8::2", 200); },
                 "probe of port", "families"},
        BadState{"ProbeWithoutARate", [](auto* s) { Probe(s, "10.1.0.2", 0); }, "probe of port",
                 "rate_pps 0"},
        BadState{"ProbeTooFast", [](auto* s) { Probe(s, "10.1.0.2", 1001); }, "probe of port",
                 "rate_pps 1001"},
        BadState{"ProbeTwice",
                 [](auto* s) {
                   Probe(s, "10.1.0.2", 200);
                   Probe(s, "10.1.0.2", 200);
                 },
                 "probe of port", "twice"},
        BadState{"VniZero", [](auto* s) { s->mutable_segments(0)->set_vni(0); }, "segment 0",
                 "vni"},
        BadState{"VniTooLarge", [](auto* s) { s->mutable_segments(0)->set_vni(1 << 24); },
                 "segment 16777216", "vni"},
        BadState{"MtuTooSmall", [](auto* s) { s->mutable_segments(0)->set_mtu(575); }, "segment 7",
                 "mtu"},
        BadState{"VtepNoAddress", [](auto* s) { s->mutable_segments(0)->set_vteps(0, "10.0.2"); },
                 "segment 7", "vteps"},
        BadState{"VtepTwice", [](auto* s) { s->mutable_segments(0)->add_vteps("10.0.2.1"); },
                 "segment 7", "twice"},
        BadState{"ProviderVlanTooLarge",
                 [](auto* s) {
                   s->mutable_segments(0)->clear_vteps();
                   s->mutable_segments(0)->set_provider_uplink("net");
                   s->mutable_segments(0)->set_provider_vlan(70000);
                 },
                 "segment 7", "provider_vlan"},
        BadState{"ProviderVlanOfNoUplink",
                 [](auto* s) { s->mutable_segments(0)->set_provider_vlan(7); }, "segment 7",
                 "provider_vlan"},
        BadState{"ProviderWithVteps",
                 [](auto* s) { s->mutable_segments(0)->set_provider_uplink("net"); }, "segment 7",
                 "VTEPs"},
        BadState{"SegmentTwice", [](auto* s) { *s->add_segments() = s->segments(0); }, "segment 7",
                 "twice"},
        BadState{"FdbMac", [](auto* s) { s->mutable_fdb(0)->set_mac("52:54"); }, "fdb 7/52:54",
                 "mac"},
        BadState{"FdbNowhere", [](auto* s) { s->mutable_fdb(0)->clear_where(); }, "fdb 7/",
                 "where"},
        BadState{"FdbVtep", [](auto* s) { s->mutable_fdb(0)->set_vtep("host2"); }, "fdb 7/",
                 "vtep"},
        BadState{
            "FdbUnknownPort",
            [](auto* s) { s->mutable_fdb(0)->set_port_id("00000000-0000-0000-0000-000000000002"); },
            "fdb 7/", "port"},
        BadState{"FdbUnknownSegment", [](auto* s) { s->mutable_fdb(0)->set_vni(8); }, "fdb 8/",
                 "segment"},
        BadState{"NeighborIp", [](auto* s) { s->mutable_neighbors(0)->set_ip(""); }, "neighbor 7/",
                 "ip"},
        BadState{"NeighborMac", [](auto* s) { s->mutable_neighbors(0)->set_mac("x"); },
                 "neighbor 7/10.1.0.1", "mac"},
        BadState{"RuleSetDigestText", [](auto* s) { s->mutable_rule_sets(0)->set_digest("abc"); },
                 "rule set \"abc\"", "digest"},
        BadState{"RuleSetOtherContent",
                 [](auto* s) { s->mutable_rule_sets(0)->set_default_action(v1::ACL_ACTION_ALLOW); },
                 "rule set", "digest"},
        BadState{"RuleWithoutAction",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->clear_action();
                   Rename(s);
                 },
                 "rule 0", "action"},
        BadState{"RuleEtherType",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->set_ether_type(
                       static_cast<v1::AclMatch::EtherType>(9));
                   Rename(s);
                 },
                 "rule 0", "ether_type"},
        BadState{"RuleMac",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->set_src_mac("52:54");
                   Rename(s);
                 },
                 "rule 0", "src_mac"},
        BadState{"RuleEtherNumber",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->set_ether_number(65536);
                   Rename(s);
                 },
                 "rule 0", "ether_number"},
        BadState{"RuleVlan",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->set_vlan(4095);
                   Rename(s);
                 },
                 "rule 0", "vlan"},
        BadState{"RuleTcpFlags",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->set_tcp_flags_mask(256);
                   Rename(s);
                 },
                 "rule 0", "tcp_flags_mask"},
        BadState{"RuleFragment",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->set_fragment(
                       static_cast<v1::AclMatch::Fragment>(9));
                   Rename(s);
                 },
                 "rule 0", "fragment"},
        BadState{"GroupMemberPrefix",
                 [](auto* s) {
                   s->add_group_members()->set_group("address/web");
                   s->mutable_group_members(0)->set_prefix("10.0.0.1/8");
                 },
                 "group \"address/web\" member \"10.0.0.1/8\"", "prefix"},
        BadState{"GroupMemberTwice",
                 [](auto* s) {
                   s->add_group_members()->set_group("address/web");
                   s->mutable_group_members(0)->set_prefix("10.0.0.0/8");
                   *s->add_group_members() = s->group_members(0);
                 },
                 "group \"address/web\"", "twice"},
        BadState{"RulePorts",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->mutable_dst_port()->set_last(79);
                   Rename(s);
                 },
                 "rule 0", "dst_port: port range 80-79"},
        BadState{"RulePrefix",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->set_src_prefix("10.0.0.1/8");
                   Rename(s);
                 },
                 "rule 0", "src_prefix"},
        BadState{"RuleProtocol",
                 [](auto* s) {
                   s->mutable_rule_sets(0)->mutable_rules(0)->set_protocol(256);
                   Rename(s);
                 },
                 "rule 0", "protocol"},
        BadState{"RuleOfANewerController",
                 [](auto* s) {
                   AddUnknownField(s->mutable_rule_sets(0)->mutable_rules(0));
                   Rename(s);
                 },
                 "rule 0", "upgrade the agent"},
        BadState{"SegmentOfANewerController",
                 [](auto* s) { AddUnknownField(s->mutable_segments(0)); }, "segment",
                 "upgrade the agent"},
        BadState{"PortOfANewerController", [](auto* s) { AddUnknownField(s->mutable_ports(0)); },
                 kPort, "upgrade the agent"},
        BadState{"PolicerOfANewerController",
                 [](auto* s) { AddUnknownField(s->mutable_ports(0)->mutable_ingress_policer()); },
                 kPort, "upgrade the agent"},
        BadState{"VlanMode",
                 [](auto* s) {
                   s->mutable_ports(0)->set_vlan_mode(static_cast<v1::VlanSection::Mode>(9));
                 },
                 kPort, "vlan_mode"},
        BadState{"VlanTooLarge", [](auto* s) { s->mutable_ports(0)->set_native_vlan(65536 + 10); },
                 kPort, "native_vlan: 65546"},
        BadState{"VlanTwice",
                 [](auto* s) {
                   v1::PortState* port = s->mutable_ports(0);
                   port->set_vlan_mode(v1::VlanSection::MODE_TRUNK);
                   port->clear_vni();
                   for (int i = 0; i < 2; ++i) {
                     port->add_vlans()->set_vlan(10);
                     port->mutable_vlans(i)->set_vni(7);
                   }
                 },
                 kPort, "vlans: 10 is named twice"},
        BadState{"VlanWithoutSegment",
                 [](auto* s) { s->mutable_ports(0)->add_vlans()->set_vlan(10); }, kPort,
                 "vlans: 10"},
        BadState{"VlanOfANewerController",
                 [](auto* s) { AddUnknownField(s->mutable_ports(0)->add_vlans()); }, kPort,
                 "upgrade the agent"},
        BadState{"CustomerVlanTwice",
                 [](auto* s) {
                   v1::PortState* port = s->mutable_ports(0);
                   port->set_vlan_mode(v1::VlanSection::MODE_DOT1Q_TUNNEL);
                   port->add_customer_vlans(30);
                   port->add_customer_vlans(30);
                 },
                 kPort, "customer_vlans: 30 is named twice"},
        BadState{"VlansOnAnAccessPort",
                 [](auto* s) {
                   v1::PortState::Vlan* vlan = s->mutable_ports(0)->add_vlans();
                   vlan->set_vlan(10);
                   vlan->set_vni(7);
                 },
                 kPort, "no trunk"},
        BadState{"PortId", [](auto* s) { s->mutable_ports(0)->set_id("vm1"); }, "port \"vm1\"",
                 "id"},
        BadState{"PortMulticast",
                 [](auto* s) { s->mutable_ports(0)->set_mac("01:00:5e:00:00:01"); }, kPort, "MAC"},
        BadState{"PortUnbound",
                 [](auto* s) { s->mutable_ports(0)->set_phase(v1::PORT_PHASE_UNBOUND); }, kPort,
                 "phase"},
        BadState{"PortWithoutPhase", [](auto* s) { s->mutable_ports(0)->clear_phase(); }, kPort,
                 "phase"},
        BadState{"PortUnknownSegment", [](auto* s) { s->mutable_ports(0)->set_vni(8); }, kPort,
                 "segment 8"},
        BadState{"PortUnknownRuleSet",
                 [](auto* s) { s->mutable_ports(0)->set_egress_rule_set(std::string(64, 'a')); },
                 kPort, "rule set"},
        BadState{"PortRuleSetText",
                 [](auto* s) { s->mutable_ports(0)->set_egress_rule_set("web"); }, kPort,
                 "egress_rule_set"},
        BadState{"PortProfileTooLong",
                 [](auto* s) { s->mutable_ports(0)->set_profile(std::string(64, 'p')); }, kPort,
                 "profile"},
        BadState{"PortTwice", [](auto* s) { *s->add_ports() = s->ports(0); }, kPort, "twice"}),
    [](const auto& info) { return info.param.name; });

TEST(Delta, RefusesAKeyThatIsBothChangedAndDeleted) {
  v1::HostStateDelta delta;
  *delta.mutable_upserts() = Whole();
  delta.mutable_deletes()->add_segments(7);
  const auto result = FromProto(delta);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(result.status()), HasSubstr("segment 7"));
}

TEST(Delta, RefusesBadKeysOfDeletes) {
  v1::HostStateDelta delta;
  delta.mutable_deletes()->add_ports("vm1");
  EXPECT_THAT(Message(FromProto(delta).status()), HasSubstr("port \"vm1\""));
  delta.Clear();
  delta.mutable_deletes()->add_rule_sets("web");
  EXPECT_THAT(Message(FromProto(delta).status()), HasSubstr("rule set \"web\""));
  delta.Clear();
  delta.mutable_deletes()->add_fdb()->set_vni(7);
  EXPECT_THAT(Message(FromProto(delta).status()), HasSubstr("mac"));
}

}  // namespace
}  // namespace outrider::convert
