// Updates are those of ovsdb-server 3.1 for the same transactions.
#include "tests/ovs/session_fixture.h"
#include "vswitch/ovs/ovsdb_session.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::ToText;

constexpr const char* kInsert =
    R"([{"op":"insert","table":"Queue","row":{"external_ids":["map",[["a","1"],["b","2"]]]}}])";
constexpr const char* kChangeMap =
    R"([{"op":"update","table":"Queue","where":[],"row":{"external_ids":["map",[["a","9"],["c","3"]]]}}])";
constexpr const char* kDelete = R"([{"op":"delete","table":"Queue","where":[]}])";
std::string SetDscp(const std::string& value) {
  return R"([{"op":"update","table":"Queue","where":[],"row":{"dscp":)" + value + "}}]";
}

class OvsdbMonitorTest : public SessionTest {
 protected:
  void SetUp() override { Transact(kInsert); }
  // Starts a monitor, and gives its initial rows as text with masked uuids.
  std::string Monitor(const std::string& method, const std::string& params) {
    client_->Say(R"({"method":")" + method + R"(","params":["Open_vSwitch",)" + params +
                 R"(],"id":0})");
    return client_->Told();
  }
  std::string After(const std::string& operations) {
    Transact(operations);
    return client_->Told();
  }
  std::unique_ptr<SessionClient> client_ = Connect();
};

TEST_F(OvsdbMonitorTest, Version1) {
  EXPECT_EQ(
      Monitor("monitor", R"("m",{"Queue":{"columns":["dscp","external_ids"]}})"),
      R"({"error":null,"id":0,"result":{"Queue":{"U0":{"new":{"dscp":["set",[]],"external_ids":["map",[["a","1"],["b","2"]]]}}}}})"
      "\n");
  EXPECT_EQ(
      After(SetDscp("5")),
      R"({"id":null,"method":"update","params":["m",{"Queue":{"U0":{"new":{"dscp":5,"external_ids":["map",[["a","1"],["b","2"]]]},"old":{"dscp":["set",[]]}}}}]})"
      "\n");
  EXPECT_EQ(After(SetDscp("5")), "") << "nothing changed";
  EXPECT_EQ(
      After(kInsert),
      R"({"id":null,"method":"update","params":["m",{"Queue":{"U1":{"new":{"dscp":["set",[]],"external_ids":["map",[["a","1"],["b","2"]]]}}}}]})"
      "\n");
  Transact(R"([{"op":"delete","table":"Queue","where":[["dscp","!=",5]]}])");
  EXPECT_EQ(
      client_->Told(),
      R"({"id":null,"method":"update","params":["m",{"Queue":{"U1":{"old":{"dscp":["set",[]],"external_ids":["map",[["a","1"],["b","2"]]]}}}}]})"
      "\n");
  EXPECT_EQ(ToText(client_->Ask("monitor_cancel", R"(["m"])")), "{}");
  EXPECT_EQ(After(kDelete), "");
}

TEST_F(OvsdbMonitorTest, Version1Selects) {
  EXPECT_EQ(
      Monitor("monitor",
              R"(1,{"Queue":{"columns":["dscp"],"select":{"initial":false,"modify":false}}})"),
      R"({"error":null,"id":0,"result":{}})"
      "\n");
  // Two requests for one table: a change of what is not selected is told without its old value.
  Monitor(
      "monitor",
      R"(2,{"Queue":[{"columns":["dscp"]},{"columns":["external_ids"],"select":{"modify":false}}]})");
  client_->Told();
  EXPECT_EQ(
      After(kChangeMap),
      R"({"id":null,"method":"update","params":[2,{"Queue":{"U0":{"new":{"dscp":["set",[]]},"old":{}}}}]})"
      "\n");
  ToText(client_->Ask("monitor_cancel", "[2]"));
  EXPECT_EQ(
      After(kDelete),
      R"({"id":null,"method":"update","params":[1,{"Queue":{"U0":{"old":{"dscp":["set",[]]}}}}]})"
      "\n");
}

TEST_F(OvsdbMonitorTest, Version1WithoutColumnsHasTheVersionToo) {
  const Json rows = client_->Ask("monitor", R"(["Open_vSwitch",1,{"Queue":{}}])")["Queue"];
  ASSERT_EQ(rows.size(), 1u);
  const Json& row = (*rows.begin())["new"];
  EXPECT_TRUE(row.contains("_version") && row.contains("other_config"));
  EXPECT_FALSE(row.contains("_uuid"));
}

TEST_F(OvsdbMonitorTest, Version2TellsDifferences) {
  EXPECT_EQ(
      Monitor("monitor_cond", R"("m",{"Queue":{"columns":["dscp","external_ids"]}})"),
      R"({"error":null,"id":0,"result":{"Queue":{"U0":{"initial":{"external_ids":["map",[["a","1"],["b","2"]]]}}}}})"
      "\n");
  EXPECT_EQ(
      After(SetDscp("5")),
      R"({"id":null,"method":"update2","params":["m",{"Queue":{"U0":{"modify":{"dscp":5}}}}]})"
      "\n");
  EXPECT_EQ(
      After(kChangeMap),
      R"({"id":null,"method":"update2","params":["m",{"Queue":{"U0":{"modify":{"external_ids":["map",[["a","9"],["b","2"],["c","3"]]]}}}}]})"
      "\n");
  EXPECT_EQ(
      After(SetDscp(R"(["set",[]])")),
      R"({"id":null,"method":"update2","params":["m",{"Queue":{"U0":{"modify":{"dscp":["set",[]]}}}}]})"
      "\n");
  EXPECT_EQ(After(kDelete),
            R"({"id":null,"method":"update2","params":["m",{"Queue":{"U0":{"delete":null}}}]})"
            "\n");
}

TEST_F(OvsdbMonitorTest, Version3) {
  EXPECT_EQ(
      Monitor("monitor_cond_since",
              R"("m",{"Queue":[{"columns":["dscp"]}]},"00000000-0000-0000-0000-000000000001")"),
      R"({"error":null,"id":0,"result":[false,"ZERO",{"Queue":{"U0":{"initial":{}}}}]})"
      "\n");
  EXPECT_EQ(
      After(SetDscp("5")),
      R"({"id":null,"method":"update3","params":["m","ZERO",{"Queue":{"U0":{"modify":{"dscp":5}}}}]})"
      "\n");
}

TEST_F(OvsdbMonitorTest, RowsComeAndGoByTheCondition) {
  EXPECT_EQ(
      Monitor("monitor_cond", R"("m",{"Queue":[{"columns":["dscp"],"where":[["dscp",">",3]]}]})"),
      R"({"error":null,"id":0,"result":{}})"
      "\n");
  EXPECT_EQ(
      After(SetDscp("5")),
      R"({"id":null,"method":"update2","params":["m",{"Queue":{"U0":{"insert":{"dscp":5}}}}]})"
      "\n");
  EXPECT_EQ(
      After(SetDscp("6")),
      R"({"id":null,"method":"update2","params":["m",{"Queue":{"U0":{"modify":{"dscp":6}}}}]})"
      "\n");
  EXPECT_EQ(After(SetDscp("2")),
            R"({"id":null,"method":"update2","params":["m",{"Queue":{"U0":{"delete":null}}}]})"
            "\n");
  // A change of the condition is told before it is acknowledged.
  client_->Say(
      R"({"method":"monitor_cond_change","params":["m","n",{"Queue":[{"where":[["dscp","==",2]]}]}],"id":7})");
  EXPECT_EQ(
      client_->Told(),
      R"({"id":null,"method":"update2","params":["n",{"Queue":{"U0":{"insert":{"dscp":2}}}}]})"
      "\n"
      R"({"error":null,"id":7,"result":{}})"
      "\n");
  client_->Say(
      R"({"method":"monitor_cond_change","params":["n","n",{"Queue":[{"where":[false]}]}],"id":7})");
  EXPECT_EQ(client_->Told(),
            R"({"id":null,"method":"update2","params":["n",{"Queue":{"U0":{"delete":null}}}]})"
            "\n"
            R"({"error":null,"id":7,"result":{}})"
            "\n");
}

TEST_F(OvsdbMonitorTest, SetsDifferByTheMembersOfOneOfThem) {
  const ovsdb::ColumnType type{.key = {}, .value = {}, .min = 0, .max = 10};
  const auto set = [](std::vector<int64_t> members) {
    ovsdb::Datum datum;
    for (const int64_t member : members) datum.keys.emplace_back(member);
    return datum;
  };
  EXPECT_EQ(DatumDiff(type, set({1, 2, 4}), set({2, 3, 4, 5})), set({1, 3, 5}));
  EXPECT_EQ(DatumDiff(type, set({}), set({2})), set({2}));
  EXPECT_EQ(DatumDiff(type, set({2}), set({})), set({2}));
  EXPECT_EQ(DatumDiff({.key = {}, .value = {}, .min = 0, .max = 1}, set({1}), set({})), set({}));
}

TEST_F(OvsdbMonitorTest, EqualWishesArePutIntoWordsOnce) {
  std::vector<std::unique_ptr<SessionClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(Connect());
    clients.back()->Ask("monitor_cond", R"(["Open_vSwitch",)" + std::to_string(i) +
                                            R"(,{"Queue":{"columns":["dscp"]}}])");
  }
  MonitorHub& hub = service_->Find("Open_vSwitch")->monitors;
  EXPECT_EQ(hub.distinct(), 1u);
  const uint64_t before = hub.composed();
  Transact(SetDscp("5"));
  EXPECT_EQ(hub.composed(), before + 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(clients[i]->Told(), R"({"id":null,"method":"update2","params":[)" +
                                      std::to_string(i) +
                                      R"(,{"Queue":{"U0":{"modify":{"dscp":5}}}}]})"
                                      "\n");
  }
  clients.clear();
  EXPECT_EQ(hub.distinct(), 0u);
}

TEST_F(OvsdbMonitorTest, Errors) {
  const auto error = [&](const std::string& method, const std::string& params) {
    return ToText(client_->Ask(method, params)["error"]);
  };
  EXPECT_EQ(
      error("monitor", R"(["Open_vSwitch"])"),
      R"({"details":"invalid parameters","error":"syntax error","syntax":"[\"Open_vSwitch\"]"})");
  EXPECT_EQ(error("monitor", R"(["Open_vSwitch",1,{"X":{}}])"),
            R"({"details":"no table named X","error":"syntax error"})");
  EXPECT_EQ(
      error("monitor", R"(["Open_vSwitch",1,{"Bridge":{"columns":["x"]}}])"),
      R"({"details":"x is not a valid column name","error":"syntax error","syntax":"[\"x\"]"})");
  EXPECT_EQ(
      error("monitor", R"(["Open_vSwitch",1,{"Bridge":{"columns":3}}])"),
      R"({"details":"Parsing table Bridge failed: Type mismatch for member 'columns'.","error":"syntax error","syntax":"{\"columns\":3}"})");
  EXPECT_EQ(
      error("monitor", R"(["Open_vSwitch",1,{"Bridge":{"columns":["name","name"]}}])"),
      R"({"details":"column name mentioned more than once","error":"syntax error","syntax":"[\"name\",\"name\"]"})");
  EXPECT_EQ(
      error("monitor", R"(["Open_vSwitch",1,{"Bridge":{"foo":1}}])"),
      R"({"details":"Parsing table Bridge failed: Member 'foo' is present but not allowed here.","error":"syntax error","syntax":"{\"foo\":1}"})");
  EXPECT_EQ(
      error("monitor", R"(["Open_vSwitch",1,{"Bridge":{"where":[]}}])"),
      R"({"details":"Parsing table Bridge failed: Member 'where' is present but not allowed here.","error":"syntax error","syntax":"{\"where\":[]}"})");
  EXPECT_EQ(
      error("monitor", R"(["Open_vSwitch",1,{"Bridge":{"select":{"initial":3}}}])"),
      R"({"details":"Parsing table Bridge select failed: Type mismatch for member 'initial'.","error":"syntax error","syntax":"{\"initial\":3}"})");
  EXPECT_EQ(error("monitor", R"(["Open_vSwitch",1,3])"),
            R"({"details":"monitor-requests must be object","error":"syntax error","syntax":"3"})");
  EXPECT_EQ(
      error("monitor", R"(["Open_vSwitch",1,{"Bridge":3}])"),
      R"({"details":"Parsing table Bridge failed: Object expected.","error":"syntax error"})");
  EXPECT_EQ(error("monitor_cond", R"(["Open_vSwitch",1,{"Bridge":{"where":[3]}}])"),
            R"({"details":"Parse error in condition.","error":"syntax error","syntax":"3"})");
  EXPECT_EQ(
      error("monitor_cond", R"(["Open_vSwitch",1,{"Bridge":{"where":[["x","==",3]]}}])"),
      R"({"details":"No column x in table Bridge.","error":"unknown column","syntax":"[\"x\",\"==\",3]"})");
  EXPECT_EQ(
      error("monitor_cond", R"(["Open_vSwitch",1,{"Bridge":{"where":[["name","foo","3"]]}}])"),
      R"({"details":"No function named foo.","error":"unknown function"})");
  EXPECT_EQ(
      error("monitor_cond_since", R"(["Open_vSwitch",1,{"Bridge":{}},"x"])"),
      R"({"details":"last-txn-id must be UUID format.","error":"syntax error","syntax":"\"x\""})");
  EXPECT_EQ(error("monitor_cancel", "[]"), R"("invalid parameters")");
  EXPECT_EQ(error("monitor_cancel", "[5]"), R"("unknown monitor")");
  EXPECT_EQ(error("monitor_cond_change", "[5,6,{}]"),
            R"({"details":"unknown monitor session","error":"syntax error","syntax":"5"})");
  client_->Ask("monitor_cond", R"(["Open_vSwitch","m2",{"Queue":{}}])");
  EXPECT_EQ(error("monitor", R"(["Open_vSwitch","m2",{"Queue":{}}])"),
            R"({"details":"duplicate monitor ID","error":"syntax error","syntax":"\"m2\""})");
  EXPECT_EQ(
      error("monitor_cond_change", R"(["m2","m2",{"Queue":{"where":[]}}])"),
      R"({"details":"table Queue no monitor-cond-change JSON array","error":"syntax error"})");
  EXPECT_EQ(error("monitor_cond_change", R"(["m2","m2",{"Port":[]}])"),
            R"({"details":"no table named Port in monitor session","error":"syntax error"})");
}

}  // namespace
}  // namespace outrider::ovs
