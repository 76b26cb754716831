// Answers are those of ovsdb-server 3.1 to the same requests.
#include "vswitch/ovs/ovsdb_session.h"

#include "tests/ovs/session_fixture.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::ToText;

class OvsdbSessionTest : public SessionTest {
 protected:
  std::string Ask(const std::string& method, const std::string& params) {
    return ToText(client_->Ask(method, params));
  }
  std::unique_ptr<SessionClient> client_ = Connect();
};

constexpr const char* kInsertQueue = R"([{"op":"insert","table":"Queue","row":{"dscp":7}}])";

TEST_F(OvsdbSessionTest, Databases) {
  EXPECT_EQ(Ask("list_dbs", "[]"), R"(["Open_vSwitch","_Server"])");
  EXPECT_EQ(client_->Ask("get_schema", R"(["Open_vSwitch"])")["version"], "8.3.1");
  EXPECT_EQ(client_->Ask("get_schema", R"(["_Server"])")["tables"]["Database"]["columns"]["name"],
            (Json{{"type", "string"}}));
  EXPECT_EQ(
      Ask("get_schema", "[]"),
      R"({"error":{"details":"get_schema request params must begin with <db-name>","error":"syntax error","syntax":"[]"}})");
  EXPECT_EQ(
      Ask("get_schema", R"(["X"])"),
      R"({"error":{"details":"get_schema request specifies unknown database X","error":"unknown database","syntax":"[\"X\"]"}})");
}

TEST_F(OvsdbSessionTest, SmallRequests) {
  EXPECT_EQ(Ask("echo", "[1,2]"), "[1,2]");
  EXPECT_EQ(Ask("foo", "[]"), R"({"error":"unknown method"})");
  EXPECT_EQ(Ask("set_db_change_aware", "[true]"), "{}");
  EXPECT_EQ(
      Ask("set_db_change_aware", "[3]"),
      R"({"error":{"details":"set_db_change_aware: true or false parameter expected","error":"syntax error","syntax":"[3]"}})");
  EXPECT_TRUE(ovsdb::Uuid::Parse(client_->Ask("get_server_id", "[]").get<std::string>()));
  EXPECT_EQ(client_->Ask("convert", R"(["Open_vSwitch",{}])")["error"]["error"], "not allowed");
}

TEST_F(OvsdbSessionTest, TheServerDatabaseTellsOfAll) {
  const Json rows = client_->Ask(
      "transact",
      R"(["_Server",{"op":"select","table":"Database","where":[],"columns":["name","model","connected","leader","cid"]}])");
  EXPECT_EQ(ToText(rows).find("error"), std::string::npos);
  ASSERT_EQ(rows[0]["rows"].size(), 2u);
  for (const Json& row : rows[0]["rows"]) {
    EXPECT_EQ(row["model"], "standalone");
    EXPECT_EQ(row["connected"], true);
    EXPECT_EQ(ToText(row["cid"]), R"(["set",[]])");
  }
}

TEST_F(OvsdbSessionTest, TheServerDatabaseIsNotTheClients) {
  EXPECT_EQ(
      Ask("transact",
          R"(["_Server",{"op":"comment","comment":"x"},{"op":"delete","table":"Database","where":[]},{"op":"comment","comment":"x"}])"),
      R"([{},{"details":"delete operation not allowed on table in reserved database _Server","error":"not allowed"},null])");
  EXPECT_EQ(
      client_->Ask("monitor", R"(["_Server",1,{"Database":{"columns":["name"]}}])")["Database"]
          .size(),
      2u);
}

TEST_F(OvsdbSessionTest, LocksGoInTurn) {
  const auto b = Connect();
  auto c = Connect();
  EXPECT_EQ(Ask("lock", R"(["L"])"), R"({"locked":true})");
  EXPECT_EQ(ToText(b->Ask("lock", R"(["L"])")), R"({"locked":false})");
  EXPECT_EQ(ToText(c->Ask("steal", R"(["L"])")), R"({"locked":true})");
  EXPECT_EQ(client_->Told(), R"({"id":null,"method":"stolen","params":["L"]})"
                             "\n");
  EXPECT_EQ(
      Ask("lock", R"(["L"])"),
      R"({"error":{"details":"must issue \"unlock\" before new \"lock\"","error":"syntax error","syntax":"[\"L\"]"}})");
  // A session that ends gives its locks back.
  c.reset();
  EXPECT_EQ(client_->Told(), R"({"id":null,"method":"locked","params":["L"]})"
                             "\n");
  EXPECT_EQ(Ask("unlock", R"(["L"])"), "{}");
  EXPECT_EQ(b->Told(), R"({"id":null,"method":"locked","params":["L"]})"
                       "\n");
  EXPECT_EQ(
      Ask("unlock", R"(["L"])"),
      R"({"error":{"details":"unlock: \"unlock\" without \"lock\" or \"steal\"","error":"syntax error","syntax":"[\"L\"]"}})");
  EXPECT_EQ(
      Ask("lock", R"(["a b"])"),
      R"({"error":{"details":"lock request params must be <id>","error":"syntax error","syntax":"[\"a b\"]"}})");
}

TEST_F(OvsdbSessionTest, AssertedLocks) {
  EXPECT_EQ(Ask("transact", R"(["Open_vSwitch",{"op":"assert","lock":"L"}])"),
            R"([{"details":"Asserted lock L not held.","error":"not owner"}])");
  Ask("lock", R"(["L"])");
  EXPECT_EQ(Ask("transact", R"(["Open_vSwitch",{"op":"assert","lock":"L"}])"), "[{}]");
}

TEST_F(OvsdbSessionTest, AWaitIsMetByAnothersCommit) {
  const std::string wait =
      R"(["Open_vSwitch",{"op":"wait","table":"Queue","columns":["dscp"],"until":"==","rows":[{"dscp":7}],"where":[]}])";
  EXPECT_EQ(ToText(client_->Ask("transact", wait, "w")), R"("nothing")");
  Turn();
  EXPECT_EQ(client_->Told(), "");
  Transact(kInsertQueue);
  Turn();
  EXPECT_EQ(client_->Told(), R"({"error":null,"id":"w","result":[{}]})"
                             "\n");
}

TEST_F(OvsdbSessionTest, AWaitTimesOut) {
  const std::string wait =
      R"(["Open_vSwitch",{"op":"wait","timeout":20,"table":"Queue","columns":["dscp"],"until":"==","rows":[{"dscp":7}],"where":[]}])";
  EXPECT_EQ(ToText(client_->Ask("transact", wait, "w")), R"("nothing")");
  const auto deadline = stream::PollLoop::Clock::now() + std::chrono::seconds(10);
  std::string told;
  while (told.empty() && stream::PollLoop::Clock::now() < deadline) {
    loop_->RunOnce(std::chrono::milliseconds(100));
    told = client_->Told();
  }
  EXPECT_NE(told.find(R"("error":"timed out")"), std::string::npos) << told;
}

TEST_F(OvsdbSessionTest, AWaitIsCancelled) {
  const std::string wait =
      R"(["Open_vSwitch",{"op":"wait","table":"Queue","columns":["dscp"],"until":"==","rows":[{"dscp":7}],"where":[]}])";
  client_->Ask("transact", wait, "w");
  client_->Say(R"({"method":"cancel","params":["w"],"id":null})");
  client_->Say(R"({"method":"cancel","params":["w"],"id":null})");
  EXPECT_EQ(client_->Told(), R"({"error":"canceled","id":"w","result":null})"
                             "\n");
  Transact(kInsertQueue);
  Turn();
  EXPECT_EQ(client_->Told(), "");
}

TEST_F(OvsdbSessionTest, OfASessionThatEndsNothingWaits) {
  const std::string wait =
      R"(["Open_vSwitch",{"op":"wait","table":"Queue","columns":["dscp"],"until":"==","rows":[{"dscp":7}],"where":[]}])";
  client_->Ask("transact", wait, "w");
  EXPECT_EQ(service_->Find("Open_vSwitch")->transactions.waiting(), 1u);
  client_.reset();
  EXPECT_EQ(service_->Find("Open_vSwitch")->transactions.waiting(), 0u);
  Transact(kInsertQueue);
  Turn();
}

TEST_F(OvsdbSessionTest, OnlySoManyTransactionsWait) {
  for (size_t i = 0; i < TransactionQueue::kMaxWaiting + 5; ++i) {
    client_->Ask(
        "transact",
        R"(["Open_vSwitch",{"op":"wait","table":"Queue","columns":["dscp"],"until":"==","rows":[{"dscp":7}],"where":[]}])",
        i);
  }
  EXPECT_EQ(service_->Find("Open_vSwitch")->transactions.waiting(), TransactionQueue::kMaxWaiting);
}

TEST_F(OvsdbSessionTest, NotificationsAreNotAnswered) {
  client_->Say(R"({"method":"foo","params":[],"id":null})");
  client_->Say(R"({"method":"echo","params":[],"id":null})");
  EXPECT_EQ(client_->Told(), "");
  EXPECT_FALSE(client_->hung_up);
}

TEST_F(OvsdbSessionTest, WhoBreaksTheProtocolIsHungUpOn) {
  const std::string deep = "{\"a\":" + std::string(2000, '[');
  for (const std::string& words :
       {std::string(R"({"result":1,"error":null,"id":4})"),
        std::string(R"({"method":"list_dbs","id":4})"),
        std::string(R"({"method":"list_dbs","params":3,"id":4})"),
        std::string(R"({"method":"list_dbs","params":[],"id":4,"x":1})"), std::string("[1]"),
        std::string("{]"), std::string("\"abc\"  "), std::string("\xff\xfe{}"), deep}) {
    const auto client = Connect();
    client->Say(words);
    EXPECT_TRUE(client->hung_up) << words;
    // And is not heard any more.
    client->Say(R"({"method":"echo","params":[],"id":9})");
    EXPECT_EQ(client->Told(), "") << words;
  }
}

TEST_F(OvsdbSessionTest, AnObjectWithoutEndIsBounded) {
  const std::string piece(1 << 20, 'x');
  client_->Say(R"({"method":"echo","params":[")");
  size_t said = 0;
  while (!client_->hung_up && said < 100) {
    client_->Say(piece);
    ++said;
  }
  EXPECT_EQ(said, OvsdbSession::kMaxMessage / piece.size());
  ASSERT_TRUE(client_->hung_up);
  EXPECT_EQ(client_->hung_up->code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(OvsdbSessionTest, AMessageOfTooManyMembersIsHungUpOn) {
  std::string words = R"({"method":"echo","id":1,"params":[{})";
  for (size_t i = 0; i < OvsdbSession::kMaxMembers / 2; ++i) words += ",{}";
  EXPECT_LT(words.size(), OvsdbSession::kMaxMessage);
  client_->Say(words);
  ASSERT_TRUE(client_->hung_up);
  EXPECT_EQ(client_->hung_up->code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(OvsdbSessionTest, ATransactionOfFiveThousandPortsIsRead) {
  // Each with what libvirt says of it; given back by the last operation, which fails.
  Json params = Json::array({"Open_vSwitch"});
  Json ports = Json::array();
  for (int i = 0; i < 5000; ++i) {
    const std::string number = std::to_string(i);
    Json ids = Json::array();
    for (const char* key : {"attached-mac", "iface-id", "iface-status", "vm-id"}) {
      ids.push_back(Json::array({key, "52:54:00:00:00:01"}));
    }
    params.push_back(
        {{"op", "insert"},
         {"table", "Interface"},
         {"uuid-name", "i" + number},
         {"row", {{"name", "v" + number}, {"external_ids", Json::array({"map", ids})}}}});
    params.push_back({{"op", "insert"},
                      {"table", "Port"},
                      {"uuid-name", "p" + number},
                      {"row",
                       {{"name", "v" + number},
                        {"tag", 5},
                        {"interfaces", Json::array({"named-uuid", "i" + number})},
                        {"other_config", ovsdb::ParseJson(R"(["map",[["a","b"]]])").value()}}}});
    ports.push_back(Json::array({"named-uuid", "p" + number}));
  }
  params.push_back({{"op", "insert"},
                    {"table", "Bridge"},
                    {"row", {{"name", "br0"}, {"ports", Json::array({"set", ports})}}}});
  params.push_back({{"op", "abort"}});
  const Json results = client_->Ask("transact", ToText(params));
  EXPECT_FALSE(client_->hung_up);
  ASSERT_EQ(results.size(), params.size() - 1);
  EXPECT_TRUE(results[10'000].contains("uuid"));
  EXPECT_EQ(results[10'001]["error"], "aborted");
}

TEST_F(OvsdbSessionTest, AnswersToProbesAreTakenInSilence) {
  client_->session().Probe();
  EXPECT_EQ(client_->Told(), R"({"id":"echo","method":"echo","params":[]})"
                             "\n");
  client_->Say(R"({"id":"echo","result":[],"error":null})");
  EXPECT_FALSE(client_->hung_up);
}

TEST_F(OvsdbSessionTest, ACongestedPeerIsNotAnswered) {
  client_->congested = true;
  client_->Say(R"({"method":"echo","params":[1],"id":1}{"method":"echo","params":[2],"id":2})");
  EXPECT_EQ(client_->Told(), "");
  client_->congested = false;
  client_->session().Continue();
  EXPECT_EQ(client_->Told(), R"({"error":null,"id":1,"result":[1]})"
                             "\n"
                             R"({"error":null,"id":2,"result":[2]})"
                             "\n");
}

}  // namespace
}  // namespace outrider::ovs
