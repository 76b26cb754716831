// Requests as Open vSwitch 3.1's ovs-vsctl and ours send them for libvirt's commands.
#include "vswitch/ovs/port_data_read.h"

#include <gtest/gtest.h>

#include "tests/ovs/session_fixture.h"

namespace outrider::ovs {
namespace {

bool May(const std::string& method, const std::string& params) {
  return MayReadPortData(ovsdb::Request(method, ovsdb::ParseJson(params).value(), 1));
}

constexpr char kNoVersion[] = "00000000-0000-0000-0000-000000000000";

std::string Monitored(const std::string& tables) {
  return R"(["Open_vSwitch",["monid","Open_vSwitch"],)" + tables + ",\"" + kNoVersion + "\"]";
}

constexpr char kGet[] =
    R"({"Interface":[{"columns":["external_ids","name"]}],"Open_vSwitch":[{"columns":["cur_cfg"]}]})";
constexpr char kOurGet[] =
    R"(["Open_vSwitch",{"op":"select","table":"Interface","where":[["name","==","vnet0"]],)"
    R"("columns":["external_ids","name","_uuid"]},)"
    R"({"op":"select","table":"Open_vSwitch","where":[],"columns":["_uuid"]}])";

TEST(PortDataReadTest, IsWhatGetBeginsWith) {
  EXPECT_TRUE(May("monitor_cond_since", Monitored(kGet)));
  EXPECT_TRUE(May("monitor_cond", Monitored(kGet)));
  EXPECT_TRUE(
      May("monitor", R"(["Open_vSwitch",1,{"Interface":{"columns":["name","external_ids"]}}])"));
  EXPECT_TRUE(May("transact", kOurGet));
}

TEST(PortDataReadTest, IsNothingElseThatLibvirtOrOthersAsk) {
  for (
      const char* const tables :
      {R"({"Interface":[{"columns":["name","statistics"]}],"Open_vSwitch":[{"columns":["cur_cfg"]}]})",
       R"({"Interface":[{"columns":["name"]}],"Open_vSwitch":[{"columns":[]}]})",
       R"({"Interface":[{"columns":["external_ids","name","ofport"]}]})",
       R"({"Interface":[{"columns":["external_ids","name"]}],"Port":[{"columns":["name"]}]})",
       R"({"Interface":[{"columns":["external_ids","name"]}],"Open_vSwitch":[{"columns":["bridges"]}]})",
       R"({"Port":[{"columns":["external_ids","name"]}]})", R"({"Interface":[{}]})",
       R"({"Interface":[{"columns":[7]}]})", R"({"Interface":7})", "{}", "[]"}) {
    EXPECT_FALSE(May("monitor_cond_since", Monitored(tables))) << tables;
  }
  EXPECT_FALSE(
      May("monitor_cond", R"(["_Server",1,{"Interface":[{"columns":["external_ids","name"]}]}])"));
  EXPECT_FALSE(May("monitor_cancel", R"(["Open_vSwitch"])"));
  EXPECT_FALSE(May("transact", R"(["Open_vSwitch"])"));
  EXPECT_FALSE(May("transact", R"(["Open_vSwitch",7])"));
  EXPECT_FALSE(May(
      "transact",
      R"(["Open_vSwitch",{"op":"update","table":"Interface","where":[],"columns":["external_ids","name"]}])"));
  EXPECT_FALSE(May("echo", "[]"));
  EXPECT_FALSE(May("lock", R"(["Open_vSwitch"])"));
}

class PortDataReadSessionTest : public SessionTest {};

TEST_F(PortDataReadSessionTest, TheServiceTellsOfIt) {
  int reads = 0;
  const auto client = Connect();
  client->Ask("transact", kOurGet);
  service_->OnPortDataRead([&] { ++reads; });
  client->Ask("transact", kOurGet);
  EXPECT_EQ(reads, 1);
  client->Ask("monitor_cond_since", Monitored(kGet));
  EXPECT_EQ(reads, 2);
  client->Ask("list_dbs", "[]");
  EXPECT_EQ(reads, 2);
}

}  // namespace
}  // namespace outrider::ovs
