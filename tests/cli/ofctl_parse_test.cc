#include "vswitch/cli/ofctl_parse.h"

#include <gtest/gtest.h>

#include "vswitch/cli/ofctl_text.h"

namespace outrider::cli {
namespace {

const OfNumbers kNumbers = {.ports = {{"vnet0", 1}, {"vnet1", 2}}, .tables = {{"forward", 7}}};

std::string Error(const std::string& text, FlowOrder kind = FlowOrder::kAdd) {
  return Message(ParseFlow(text, kind, kNumbers).status());
}

// What was written, as it is shown.
std::string Shown(const std::string& text) {
  const auto flow = ParseFlow(text, FlowOrder::kAdd, kNumbers);
  EXPECT_TRUE(flow.ok()) << text << ": " << flow.status();
  if (!flow.ok()) return "";
  return MatchText(flow->mod.match, flow->mod.priority, 0x8000, {}) + " " +
         ActionsText(flow->mod.actions, openflow::kVersion10, {});
}

// Texts of ovs-ofctl 3.1.
TEST(OfctlParseTest, Errors) {
  EXPECT_EQ(Error("foo=1,actions=drop"), "unknown keyword foo");
  EXPECT_EQ(Error("actions=foo"), "unknown action foo");
  EXPECT_EQ(Error("in_port=nosuch,actions=drop"), "nosuch: invalid or unknown port for in_port");
  EXPECT_EQ(Error("in_port=1"), "must specify an action");
  EXPECT_EQ(Error("actions=output:nosuch"), "nosuch: output to unknown port");
  EXPECT_EQ(Error("dl_src=zz,actions=drop"), "zz: invalid Ethernet address");
  EXPECT_EQ(Error("tcp,tp_dst=99999,actions=drop"),
            "99999: value too large for 2-byte field tcp_dst");
  EXPECT_EQ(Error("priority=99999,actions=drop"), "invalid priority \"99999\"");
  EXPECT_EQ(Error("table=300,actions=drop"), "unknown table \"300\"");
  EXPECT_EQ(Error("cookie=0x1/0xff,actions=drop"), "flow additions cannot use a cookie mask");
  EXPECT_EQ(Error("actions=mod_vlan_vid:5000"), "5000: not a valid VLAN VID");
  EXPECT_EQ(Error("actions=mod_dl_src:zz"), "invalid mac address zz");
  EXPECT_EQ(Error("actions=drop,output:1"),
            "\"drop\" must not be accompanied by any other action or instruction");
  EXPECT_EQ(Error("actions=set_field:5"), "5: missing `->'");
  EXPECT_EQ(Error("actions=set_field:5->foo"), "foo is not a valid OXM field name");
  EXPECT_EQ(Error("actions=load:5->foo"), "foo: unknown field `foo'");
  EXPECT_EQ(Error("actions=note:zz"), "bad hex digit in `note' argument");
  EXPECT_EQ(Error("actions=enqueue:1"),
            "\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"");
  EXPECT_EQ(Error("out_port=1,actions=drop"), "unknown keyword out_port");
  EXPECT_EQ(Error("foo", FlowOrder::kStats), "field foo missing value");
  EXPECT_EQ(Error("priority=3", FlowOrder::kStats), "unknown keyword priority");
}

// Lines of ovs-ofctl --no-stats dump-flows 3.1, for what was added to it.
TEST(OfctlParseTest, WhatIsWrittenIsShown) {
  for (const char* line : {
           "udp,in_port=2,nw_src=10.0.0.0/24,tp_dst=53 mod_vlan_vid:5,output:1,NORMAL",
           "priority=100,in_port=1 note:00.00.00.01.00.01,resubmit(,10)",
           "ip,nw_dst=10.0.0.5 "
           "load:0x64->NXM_NX_TUN_ID[],load:0xc0000209->NXM_NX_TUN_IPV4_DST[],output:4",
           "priority=7,tcp6,ipv6_src=2001:db8::/32,tcp_flags=+syn-ack resubmit(,6)",
           "priority=9,vlan_tci=0x1000/0x1000 strip_vlan,load:0x1->NXM_NX_REG0[],"
           "move:NXM_OF_IN_PORT[]->NXM_NX_REG1[0..15],CONTROLLER:65535",
           "priority=10,ip,dl_vlan_pcp=3,nw_tos=32,nw_ecn=1,nw_ttl=64 dec_ttl,set_queue:5,output:2",
           "priority=11,icmp6,icmp_type=135,nd_target=2001:db8::1,nd_sll=52:54:00:00:00:09 drop",
           "priority=12,ct_state=+est+trk,ip ct(commit,table=6,zone=3)",
           "priority=15,sctp,tp_src=0x10/0xfff0 FLOOD",
           "priority=16,tcp,dl_src=52:54:00:00:00:00/ff:ff:ff:00:00:00,dl_dst=01:00:00:00:00:00/"
           "01:00:00:00:00:00,tp_dst=80 mod_dl_src:52:54:00:00:00:01,mod_nw_dst:10.1.1.1,"
           "mod_tp_dst:8080,IN_PORT",
           "priority=19,dl_vlan=9 "
           "output:NXM_NX_REG0[],CONTROLLER:100,set_queue:3,output:1,pop_queue",
           "priority=21,tcp,tp_src=5 mod_nw_tos:32,mod_nw_src:1.2.3.4,mod_tp_src:9,mod_vlan_pcp:3,"
           "strip_vlan,enqueue:1:2,set_tunnel64:0x1234567890,resubmit:2,pop_queue,dec_ttl",
           "priority=13,ip,metadata=0x5/0xff,nw_frag=later write_metadata:0x7/0xf,goto_table:9",
           "arp,arp_spa=10.0.0.1,arp_op=1 drop",
       }) {
    std::string text = line;
    text.replace(text.find(' '), 1, ",actions=");
    EXPECT_EQ(Shown(text), line);
  }
}

TEST(OfctlParseTest, NamesAreNumbers) {
  EXPECT_EQ(Shown("in_port=vnet0,actions=vnet1"), "in_port=1 output:2");
  EXPECT_EQ(Shown("actions=goto_table:forward"), " goto_table:7");
}

TEST(OfctlParseTest, PortsNumbersAreDecimal) {
  EXPECT_EQ(ParsePort("7", kNumbers).value(), 7u);
  EXPECT_EQ(ParsePort("010", kNumbers).value(), 10u);
  EXPECT_EQ(ParsePort("vnet1", kNumbers).value(), 2u);
  EXPECT_EQ(ParsePort("local", kNumbers).value(), openflow::kPortLocal);
  EXPECT_EQ(ParsePort("65534", kNumbers).value(), openflow::kPortLocal);
  EXPECT_FALSE(ParsePort("0x7", kNumbers).ok());
  EXPECT_FALSE(ParsePort("70000", kNumbers).ok());
  EXPECT_FALSE(ParsePort("4294967296", kNumbers).ok());
  EXPECT_FALSE(ParsePort("", kNumbers).ok());
  EXPECT_EQ(Error("in_port=0x1,actions=drop"), "0x1: invalid or unknown port for in_port");
}

// As ovs-ofctl 3.1 tells them in its errors.
TEST(OfctlParseTest, FormatsOfFlows) {
  const auto told = [](const std::string& text) {
    const auto formats = ParseFlowFormats(text);
    return formats.ok() ? FlowFormatsText(*formats) : Message(formats.status());
  };
  EXPECT_EQ(told("any"), "any");
  EXPECT_EQ(told("NXM,openflow10"), "OpenFlow10,NXM");
  EXPECT_EQ(told("nxm+table_id, oxm"), "OXM,NXM+table_id");
  EXPECT_EQ(told("oxm-openflow13"), "OXM-OpenFlow13");
  EXPECT_EQ(told("nxmfoo"), "nxmfoo: unknown flow protocol");
  EXPECT_EQ(told("NXM,foo"), "foo: unknown flow protocol");
  EXPECT_EQ(told(","), ",: no flow protocol specified");
  EXPECT_EQ(told(""), ": no flow protocol specified");
}

TEST(OfctlParseTest, VersionsAndFormatsGoWithEachOther) {
  constexpr uint32_t k10 = 1u << openflow::kVersion10;
  constexpr uint32_t k13 = 1u << openflow::kVersion13;
  uint32_t versions = k10 | k13;
  uint32_t formats = kFormatNxm | kFormatOxm12;
  ASSERT_TRUE(MatchVersions(&versions, &formats).ok());
  EXPECT_EQ(versions, k10);
  EXPECT_EQ(formats, kFormatNxm);
  versions = k10 | k13;
  formats = kFormatOxm13;
  ASSERT_TRUE(MatchVersions(&versions, &formats).ok());
  EXPECT_EQ(versions, k13);
  versions = k10 | k13;
  formats = kFormatOxm12;
  EXPECT_EQ(Message(MatchVersions(&versions, &formats)),
            "None of the enabled OpenFlow versions (OpenFlow10, OpenFlow13) supports any of the "
            "enabled flow formats (OXM-OpenFlow12).  (Use -O to enable additional OpenFlow "
            "versions or -F to enable additional flow formats.)");
}

TEST(OfctlParseTest, WhatNothingCanMatchGoesAndIsTold) {
  const auto flow = ParseFlow("nw_src=10.0.0.1,actions=drop", FlowOrder::kAdd, kNumbers);
  ASSERT_TRUE(flow.ok());
  EXPECT_TRUE(flow->normalized);
  EXPECT_TRUE(flow->mod.match.empty());
  EXPECT_EQ(MatchText(flow->written, 0x8000, 0x8000, {}), "nw_src=10.0.0.1");
}

TEST(OfctlTextTest, Durations) {
  openflow::FlowStats flow{.duration_s = 1, .duration_ns = 75000000};
  EXPECT_EQ(FlowText(flow, {.stats = true, .ages = false}, {}),
            "cookie=0x0, duration=1.075s, table=0, n_packets=0, n_bytes=0, actions=drop");
  flow.duration_ns = 123456789;
  flow.idle_timeout = 60;
  flow.idle_age = 3;
  flow.priority = 5;
  EXPECT_EQ(FlowText(flow, {}, {}),
            "cookie=0x0, duration=1.123456789s, table=0, n_packets=0, n_bytes=0, idle_timeout=60, "
            "idle_age=3, priority=5 actions=drop");
}

TEST(OfctlTextTest, ATableWithANameIsTold) {
  const FlowStyle style{.stats = false};
  openflow::FlowStats flow{.priority = 5};
  EXPECT_EQ(FlowText(flow, style, {}), "priority=5 actions=drop");
  const OfNames names{.tables = {{0, "classify"}}};
  EXPECT_EQ(FlowText(flow, style, names), "table=classify, priority=5 actions=drop");
  flow.table = 3;
  EXPECT_EQ(FlowText(flow, style, names), "table=3, priority=5 actions=drop");
}

TEST(OfctlTextTest, ARefusalShowsTheOrder) {
  openflow::FlowMod mod{.form = openflow::FlowForm::kOpenFlow10};
  mod.match.Set(openflow::Field::kInPort, 1);
  mod.actions.apply.emplace_back(openflow::Output{.port = 2});
  const auto order = openflow::Encode({.version = openflow::kVersion10, .xid = 6, .body = mod});
  ASSERT_TRUE(order.ok());
  const openflow::Message error{.version = openflow::kVersion10,
                                .xid = 6,
                                .body = openflow::Error{.code = {3, 2}, .data = *order}};
  EXPECT_EQ(MessageText(error, {}),
            "OFPT_ERROR (xid=0x6): OFPFMFC_EPERM\n"
            "OFPT_FLOW_MOD (xid=0x6): ADD in_port=1 actions=output:2\n");
}

TEST(OfctlTextTest, NamesOfSignsStandInQuotes) {
  const OfNames names{.ports = {{1, "vnet0"}, {2, "a-b"}}};
  EXPECT_EQ(PortText(1, names), "vnet0");
  EXPECT_EQ(PortText(2, names), "\"a-b\"");
  EXPECT_EQ(PortText(3, names), "3");
  EXPECT_EQ(PortText(openflow::kPortLocal, names), "LOCAL");
}

}  // namespace
}  // namespace outrider::cli
