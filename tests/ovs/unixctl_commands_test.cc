#include "vswitch/ovs/unixctl_commands.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "tests/ovs/scripted_facts.h"
#include "vswitch/ovs/memory_row_store.h"
#include "vswitch/ovs/unixctl_log_commands.h"
#include "vswitch/ovs/unixctl_switch_commands.h"

namespace outrider::ovs {
namespace {

class UnixctlCommandsTest : public testing::Test {
 protected:
  UnixctlCommandsTest() {
    AddSwitchCommands(
        &facts_, database_.get(), [this] { ++exits_; }, &commands_);
    AddFlowCommands(&facts_, &commands_);
    AddTraceCommand(&facts_, &commands_);
    AddLogCommands(&commands_);
  }
  // The reply, or "! " and the error.
  std::string Run(const std::string& name, const UnixctlArguments& arguments = {}) {
    const auto text = commands_.Run(name, arguments);
    return text.ok() ? *text : "! " + Message(text.status());
  }

  ScriptedFacts facts_;
  MemoryRowStore store_;
  std::unique_ptr<Database> database_ = Database::Open(ovsdb::OpenVSwitchSchema(), &store_).value();
  UnixctlCommands commands_;
  int exits_ = 0;
};

TEST_F(UnixctlCommandsTest, NamesAndArityAreRefusedAsOpenVSwitchDoes) {
  EXPECT_EQ(Run("foo"),
            "! \"foo\" is not a valid command (use \"list-commands\" to see a list of valid "
            "commands)");
  EXPECT_EQ(Run("fdb/show"), "! \"fdb/show\" command requires at least 1 arguments");
  EXPECT_EQ(Run("fdb/show", {"br0", "extra"}), "! \"fdb/show\" command takes at most 1 arguments");
  EXPECT_EQ(Run("version", {"x"}), "! \"version\" command takes at most 0 arguments");
}

TEST_F(UnixctlCommandsTest, ListCommands) {
  const std::string list = Run("list-commands");
  EXPECT_TRUE(list.starts_with("The available commands are:\n")) << list;
  EXPECT_NE(list.find("  coverage/read-counter   COUNTER\n"), std::string::npos) << list;
  EXPECT_NE(list.find("  coverage/show           \n"), std::string::npos) << list;
  EXPECT_EQ(Run("help"), list);
}

TEST_F(UnixctlCommandsTest, Version) {
  EXPECT_EQ(Run("version"), "ovs-vswitchd (Open vSwitch) 3.1.0\nOutrider 0.1.0\n");
}

TEST_F(UnixctlCommandsTest, ExitAsksTheSwitch) {
  EXPECT_EQ(Run("exit", {"--cleanup"}), "");
  EXPECT_EQ(exits_, 1);
}

TEST_F(UnixctlCommandsTest, Fdb) {
  EXPECT_EQ(Run("fdb/show", {"br0"}),
            " port  VLAN  MAC                Age\n"
            "    1     0  52:54:00:aa:bb:01   12\n"
            "    2    10  52:54:00:aa:bb:02  static\n"
            "65279     0  52:54:00:aa:bb:09  static\n"
            "LOCAL     0  52:54:00:aa:bb:03    0\n");
  EXPECT_EQ(Run("fdb/show", {"nope"}), "! no such bridge");
  EXPECT_EQ(Run("fdb/stats-show", {"br0"}),
            "Statistics for bridge \"br0\":\n"
            "  Current/maximum MAC entries in the table: 4/unlimited\n"
            "  Current static MAC entries in the table : 2\n");
  EXPECT_EQ(Run("fdb/flush"), "table successfully flushed\n");
  EXPECT_EQ(Run("fdb/flush", {"br0"}), "table successfully flushed\n");
  EXPECT_EQ(Run("fdb/flush", {"nope"}), "! no such bridge");
  EXPECT_EQ(facts_.flushed, (std::vector<std::string>{"", "br0"}));
}

TEST_F(UnixctlCommandsTest, DpifAndOfproto) {
  EXPECT_EQ(Run("dpif/show"),
            "system@ovs-system: hit:7 missed:0\n"
            "  br0:\n"
            "    br0 65534/100: (internal)\n"
            "    vnet0 1/7: (system)\n"
            "    vnet1 2/none: (system)\n");
  EXPECT_EQ(Run("dpif/dump-dps"), "system@br0\n");
  EXPECT_EQ(Run("ofproto/list"), "br0\n");
}

TEST_F(UnixctlCommandsTest, FlowsAreWhatIsInForce) {
  const std::string flows =
      "in_port(1),dl_src=52:54:00:aa:bb:01, packets:5, bytes:500, actions:segment(100)\n"
      "in_port(1),rule=1,dl_type=0x0800,dst=10.0.0.0/8,nw_proto=6,tp_dst=80, packets:3, bytes:300, "
      "actions:allow\n"
      "in_port(1),default, packets:0, bytes:0, actions:drop\n"
      "segment(100),dl_dst=52:54:00:aa:bb:01, actions:output:1\n"
      "segment(100),dl_dst=52:54:00:aa:bb:09, actions:tunnel(tun_id=100,dst=192.0.2.2)\n";
  EXPECT_EQ(Run("dpif/dump-flows", {"-m", "br0"}), flows);
  EXPECT_EQ(Run("dpctl/dump-flows"), flows);
  EXPECT_EQ(Run("dpif/dump-flows", {"nope"}), "! no such bridge");
  facts_.facts.bridges.clear();
  EXPECT_EQ(Run("dpctl/dump-flows"),
            "! ovs-vswitchd: no datapaths exist\novs-vswitchd: datapath not found (Invalid "
            "argument)");
}

TEST_F(UnixctlCommandsTest, Trace) {
  EXPECT_EQ(Run("ofproto/trace", {"br0", "in_port=vnet0,dl_src=52:54:00:aa:bb:01"}),
            "Flow: in_port=1,vlan_tci=0x0000,dl_src=52:54:00:aa:bb:01,dl_dst=00:00:00:00:00:00,"
            "dl_type=0x0000\n"
            "\n"
            "bridge(\"br0\")\n"
            "-------------\n"
            " 0. parse: 60 bytes\n"
            " 1. fdb: no station\n"
            "\n"
            "Datapath actions: drop (unknown_unicast)\n");
  EXPECT_EQ(Run("ofproto/trace", {"br0", "in_port=1", "525400000001"}).substr(0, 38),
            "Flow: in_port=1, a packet of 6 bytes\n\n");
  EXPECT_EQ(facts_.traced_frame, (std::vector<uint8_t>{0x52, 0x54, 0, 0, 0, 1}));
  EXPECT_EQ(Run("ofproto/trace", {"nope", "in_port=1"}), "! nope: unknown bridge");
  EXPECT_EQ(Run("ofproto/trace", {"nope"}),
            "! syntax error at nope (or the bridge name was omitted)");
  EXPECT_EQ(Run("ofproto/trace", {"br0", "in_port=zz"}),
            "! Bad openflow flow syntax: in_port=zz: bad value for in_port (zz: invalid or unknown "
            "port for in_port)");
  EXPECT_EQ(Run("ofproto/trace", {"br0", "a", "b", "c"}), "! too many arguments");
}

TEST_F(UnixctlCommandsTest, CoverageCountsDrops) {
  EXPECT_EQ(Run("coverage/show"),
            "Event coverage, totals since the events were first counted:\n"
            "drop_acl_ingress         total: 5\n"
            "drop_unknown_vni         total: 2\n");
  EXPECT_EQ(Run("coverage/read-counter", {"drop_acl_ingress"}), "5\n");
  EXPECT_EQ(Run("coverage/read-counter", {"nope"}), "! No such counter");
}

TEST_F(UnixctlCommandsTest, SmallOnes) {
  EXPECT_EQ(Run("memory/show"), "fdb:4 ports:3 rules:1\n");
  EXPECT_EQ(Run("bond/show"), "");
  EXPECT_EQ(Run("bond/show", {"x"}), "! no such bond");
  EXPECT_EQ(Run("revalidator/purge"), "");
}

TEST_F(UnixctlCommandsTest, LogLevels) {
  const auto before = spdlog::default_logger()->level();
  EXPECT_EQ(Run("vlog/set", {"foo:bar"}), "! no destination, level, or module \"foo\"");
  EXPECT_EQ(Run("vlog/set", {"ANY:console:dbg"}), "");
  EXPECT_EQ(spdlog::default_logger()->level(), spdlog::level::debug);
  EXPECT_EQ(Run("vlog/set", {"outrider:warn"}), "");
  EXPECT_EQ(Run("vlog/list"),
            "                 console    syslog    file\n"
            "                 -------    ------    ------\n"
            "outrider          WARN        OFF        OFF\n");
  EXPECT_EQ(Run("vlog/set", {"ANY:file:dbg"}),
            "! Outrider does not log to file; it logs to standard error, set \"console\"");
  EXPECT_EQ(spdlog::default_logger()->level(), spdlog::level::warn);
  EXPECT_EQ(Run("vlog/reopen"), "Logging to file not configured\n");
  spdlog::default_logger()->set_level(before);
}

}  // namespace
}  // namespace outrider::ovs
