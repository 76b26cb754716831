// Expectations are what ovsdb-server 3.1 answered to the same operations.
#include "vswitch/ovs/transaction.h"

#include <gtest/gtest.h>

#include "tests/ovs/test_database.h"

namespace outrider::ovs {
namespace {

struct Case {
  const char* operations;
  const char* results;
};

void Expect(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    TestDatabase database;
    EXPECT_EQ(database.Do(c.operations), c.results) << c.operations;
    EXPECT_TRUE(database.store().rows.empty()) << c.operations;
  }
}

// The one error of an operation that cannot be read, for `json` as it is printed.
std::string Unreadable(const std::string& json, const std::string& what) {
  return ovsdb::ToText({{{"details", "Parsing ovsdb operation 1 of 1 failed: " + what},
                         {"error", "syntax error"},
                         {"syntax", json}}});
}

TEST(TransactionTest, OperationsThatCannotBeRead) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "Required 'op' member is missing."},
      {R"({"op":5})", "Type mismatch for member 'op'."},
      {R"({"op":"foo"})", "No operation \"foo\""},
      {R"({"op":"insert"})", "Required 'table' member is missing."},
      {R"({"op":"insert","row":{},"table":"x"})", "No table named x."},
      {R"({"op":"insert","row":{},"table":5})", "Type mismatch for member 'table'."},
      {R"({"op":"insert","row":5,"table":"Root"})", "Type mismatch for member 'row'."},
      {R"({"foo":1,"op":"insert","row":{},"table":"Root"})",
       "Member 'foo' is present but not allowed here."},
      {R"({"bar":2,"foo":1,"op":"insert","row":{},"table":"Root"})",
       "Member 'bar' and 1 other member are present but not allowed here."},
      {R"({"op":"insert","row":{},"table":"Root","uuid-name":"0"})",
       "Type mismatch for member 'uuid-name'."},
      {R"({"op":"insert","row":{},"table":"Root","uuid":5})", "Type mismatch for member 'uuid'."},
      {R"({"op":"abort","x":1})", "Member 'x' is present but not allowed here."},
      {R"({"op":"comment"})", "Required 'comment' member is missing."},
      {R"({"comment":5,"op":"comment"})", "Type mismatch for member 'comment'."},
      {R"({"op":"commit"})", "Required 'durable' member is missing."},
      {R"({"durable":5,"op":"commit"})", "Type mismatch for member 'durable'."},
      {R"({"lock":"0x","op":"assert"})", "Type mismatch for member 'lock'."},
      {R"({"op":"select","table":"Root","where":5})", "Type mismatch for member 'where'."},
      {R"({"op":"select","table":"zz","where":5})", "No table named zz."},
      {R"({"columns":5,"op":"select","table":"Root","where":[]})",
       "Type mismatch for member 'columns'."},
      {R"({"op":"update","table":"Root","where":[]})", "Required 'row' member is missing."},
      {R"({"op":"mutate","table":"Root","where":[]})", "Required 'mutations' member is missing."},
      {R"({"op":"delete","table":"Root"})", "Required 'where' member is missing."},
      {R"({"op":"wait"})", "Required 'where' member is missing."},
      {R"({"columns":[],"op":"wait","rows":[],"table":"Root","until":5,"where":[]})",
       "Type mismatch for member 'until'."},
      {R"({"columns":[],"op":"wait","rows":[],"table":"Root","timeout":1.5,"until":"==","where":[]})",
       "Type mismatch for member 'timeout'."},
  };
  for (const auto& [json, what] : cases) {
    TestDatabase database;
    EXPECT_EQ(database.Do(json), Unreadable(json, what));
  }
  Expect({{"5", R"([{"details":"Parsing ovsdb operation 1 of 1 failed: Object expected.",)"
                R"("error":"syntax error"}])"}});
}

// A short operation gives a whole table: a message has room for very many of them.
TEST(TransactionTest, SelectsGiveOnlySoMuch) {
  TestDatabase database;
  ovsdb::Json numbers = ovsdb::Json::array();
  for (int i = 0; i < 998; ++i) numbers.push_back(i);
  ovsdb::Json operations = ovsdb::Json::array();
  operations.push_back({{"op", "insert"},
                        {"table", "Root"},
                        {"row", {{"is", ovsdb::Json::array({"set", numbers})}}}});
  ASSERT_TRUE(database.database().Transact(operations, {}).committed);
  // The row, its column, and 998 members.
  constexpr size_t kMost = Transaction::kMaxSelected / 1000;
  const ovsdb::Json select =
      ovsdb::Json::parse(R"({"op":"select","table":"Root","where":[],"columns":["is"]})");
  operations = ovsdb::Json(kMost, select);
  EXPECT_TRUE(database.database().Transact(operations, {}).committed);
  operations.push_back(select);
  operations.push_back(select);
  const Outcome outcome = database.database().Transact(operations, {});
  EXPECT_FALSE(outcome.committed);
  ASSERT_EQ(outcome.results.size(), kMost + 2);
  EXPECT_TRUE(outcome.results[kMost - 1].contains("rows"));
  EXPECT_EQ(outcome.results[kMost]["error"], "resources exhausted");
  EXPECT_TRUE(outcome.results[kMost + 1].is_null());
}

// Rows that look the same are one in the result, and work nevertheless.
TEST(TransactionTest, SelectsOfNothingAreCountedToo) {
  TestDatabase database;
  ovsdb::Json operations = ovsdb::Json::array();
  for (int i = 0; i < 1000; ++i) {
    operations.push_back({{"op", "insert"}, {"table", "Two"}, {"row", {{"x", i}}}});
  }
  ASSERT_TRUE(database.database().Transact(operations, {}).committed);
  const ovsdb::Json select =
      ovsdb::Json::parse(R"({"op":"select","table":"Two","where":[],"columns":[]})");
  operations = ovsdb::Json(Transaction::kMaxSelected / 1000, select);
  EXPECT_TRUE(database.database().Transact(operations, {}).committed);
  operations.push_back(select);
  EXPECT_FALSE(database.database().Transact(operations, {}).committed);
}

TEST(TransactionTest, NotAnArrayIsAnErrorToo) {
  TestDatabase database;
  for (const char* text : {"null", "5", "{}", "\"x\""}) {
    const Outcome outcome = database.database().Transact(ovsdb::Json::parse(text), {});
    EXPECT_FALSE(outcome.committed);
    ASSERT_EQ(outcome.results.size(), 1u);
    EXPECT_EQ(outcome.results[0]["error"], "syntax error");
  }
  EXPECT_TRUE(database.Transact("").committed) << "no operations at all are fine";
}

TEST(TransactionTest, AfterAFailureNothingIsTried) {
  Expect({
      {R"({"op":"comment","comment":"x"},{"op":"foo"},{"op":"abort"},5)",
       R"([{},{"details":"Parsing ovsdb operation 2 of 4 failed: No operation \"foo\"",)"
       R"("error":"syntax error","syntax":"{\"op\":\"foo\"}"},null,null])"},
      {R"({"op":"insert","table":"Root","row":{"name":"a"}},{"op":"abort"},{"op":"wait"})",
       R"([{"uuid":["uuid","$0"]},{"details":"aborted by request","error":"aborted"},null])"},
      {R"({"op":"commit","durable":true},{"op":"assert","lock":"x"})",
       R"([{},{"details":"Asserted lock x not held.","error":"not owner"}])"},
  });
}

TEST(TransactionTest, InsertReadsARow) {
  Expect({
      {R"({"op":"insert","table":"Root","row":{"zz":1,"num":2}})",
       R"([{"details":"No column zz in table Root.","error":"unknown column","syntax":"{\"num\":2,\"zz\":1}"}])"},
      {R"({"op":"insert","table":"Root","row":{"num":"x"}})",
       R"([{"details":"expected integer","error":"syntax error","syntax":"\"x\""}])"},
      {R"({"op":"insert","table":"Root","row":{},"uuid":"x"})",
       R"([{"details":"bad uuid","error":"syntax error","syntax":"\"x\""}])"},
      {R"({"op":"insert","table":"Root","row":{"name":"a"},"uuid-name":"x"},)"
       R"({"op":"insert","table":"Root","row":{"name":"b"},"uuid-name":"x"})",
       R"([{"uuid":["uuid","$0"]},{"details":"This \"uuid-name\" appeared on an earlier \"insert\" operation.","error":"duplicate uuid-name","syntax":"\"x\""}])"},
      {R"({"op":"insert","table":"Root","row":{"_uuid":["uuid","x"]}})",
       R"([{"details":"\"x\" is not a valid UUID","error":"syntax error","syntax":"[\"uuid\",\"x\"]"}])"},
  });
}

TEST(TransactionTest, InsertFillsInDefaults) {
  TestDatabase database;
  database.Do(
      R"({"op":"insert","table":"Root","row":{"_uuid":["uuid","11111111-2222-3333-4444-555555555555"]}})");
  EXPECT_EQ(
      database.Rows("Root", R"("_uuid","e","flag","i","m","name","num","real","s1","ss","u")"),
      R"({"_uuid":["uuid","$0"],"e":["set",[]],"flag":false,"i":["set",[]],"m":["map",[]],)"
      R"("name":"","num":0,"real":0,"s1":"","ss":["set",[]],)"
      R"("u":["uuid","00000000-0000-0000-0000-000000000000"]})");
}

TEST(TransactionTest, AnExplicitUuidIsTakenOnce) {
  constexpr char kTaken[] =
      R"({"details":"This UUID would duplicate a UUID already present within the table or deleted within the same transaction.","error":"duplicate uuid","syntax":"\"$0\""})";
  const std::string insert =
      R"({"op":"insert","table":"Root","row":{},"uuid":"11111111-2222-3333-4444-555555555555"})";
  TestDatabase database;
  EXPECT_EQ(database.Do(insert), R"([{"uuid":["uuid","$0"]}])");
  EXPECT_EQ(database.uuid(0).ToString(), kNoRow);
  EXPECT_EQ(database.Do(insert), std::string("[") + kTaken + "]");
  EXPECT_EQ(database.Do(R"({"op":"delete","table":"Root","where":[]},)" + insert),
            std::string("[{\"count\":1},") + kTaken + "]");
}

TEST(TransactionTest, NamesLeadForwardAndBack) {
  TestDatabase database;
  EXPECT_EQ(
      database.Do(
          R"({"op":"insert","table":"Root","row":{"name":"r","child":["named-uuid","c"]}},)"
          R"({"op":"insert","table":"Child","row":{"name":"c"},"uuid-name":"c"},)"
          R"({"op":"select","table":"Child","where":[["_uuid","==",["named-uuid","c"]]],"columns":["name"]})"),
      R"([{"uuid":["uuid","$0"]},{"uuid":["uuid","$1"]},{"rows":[{"name":"c"}]}])");
  EXPECT_EQ(database.Rows("Root", "\"child\""), R"({"child":["uuid","$1"]})");
  // A name nobody inserts is a row that is not there.
  EXPECT_EQ(
      database.Do(
          R"({"op":"select","table":"Root","where":[["u","==",["named-uuid","never"]]],"columns":["name"]})"),
      R"([{"rows":[]}])");
}

TEST(TransactionTest, SelectGivesDistinctRowsOfTheColumnsAskedFor) {
  TestDatabase database;
  database.Do(
      R"({"op":"insert","table":"Two","row":{"x":5,"y":2}},{"op":"insert","table":"Two","row":{"x":5,"y":1}})");
  EXPECT_EQ(database.Do(R"({"op":"select","table":"Two","where":[],"columns":["x"]})"),
            R"([{"rows":[{"x":5}]}])");
  EXPECT_EQ(database.Do(R"({"op":"select","table":"Two","where":[],"columns":["y"],"sort":["y"]})"),
            R"([{"rows":[{"y":1},{"y":2}]}])");
  EXPECT_EQ(database.Do(R"({"op":"select","table":"Two","where":[],"columns":[]})"),
            R"([{"rows":[{}]}])");
  EXPECT_EQ(
      database.Do(R"({"op":"select","table":"Two","where":[["y","==",1]],"columns":["_uuid"]})"),
      R"([{"rows":[{"_uuid":["uuid","$1"]}]}])");
  const Outcome all = database.Transact(R"({"op":"select","table":"Two","where":[["y","==",1]]})");
  const ovsdb::Json& row = all.results[0]["rows"][0];
  EXPECT_EQ(row.size(), 5u);
  EXPECT_EQ(row["_version"][1],
            database.database().Find("Two", database.uuid(1))->version.ToString());
  Expect({
      {R"({"op":"select","table":"Two","where":[],"columns":["q"]})",
       R"([{"details":"q is not a valid column name","error":"syntax error","syntax":"[\"q\"]"}])"},
      {R"({"op":"select","table":"Two","where":[],"columns":["x","x"]})",
       R"([{"details":"array of distinct column names expected","error":"syntax error","syntax":"[\"x\",\"x\"]"}])"},
  });
}

TEST(TransactionTest, UpdateWritesWhatItNames) {
  TestDatabase database;
  database.Do(R"({"op":"insert","table":"Root","row":{"name":"a","num":1,"i":5}},)"
              R"({"op":"insert","table":"Root","row":{"name":"b","num":2,"i":6}})");
  EXPECT_EQ(
      database.Do(
          R"({"op":"update","table":"Root","where":[["name","==","a"]],"row":{"num":9,"ss":["set",["x","y"]]}})"),
      R"([{"count":1}])");
  EXPECT_EQ(database.Rows("Root", R"("name","num","i","ss")"),
            R"({"i":5,"name":"a","num":9,"ss":["set",["x","y"]]})"
            R"({"i":6,"name":"b","num":2,"ss":["set",[]]})");
  EXPECT_EQ(database.Do(R"({"op":"update","table":"Root","where":[],"row":{"num":9}},)"
                        R"({"op":"update","table":"Root","where":[false],"row":{"num":7}},)"
                        R"({"op":"delete","table":"Root","where":[["num","==",7]]},)"
                        R"({"op":"delete","table":"Root","where":[["num","==",9]]})"),
            R"([{"count":2},{"count":0},{"count":0},{"count":2}])");
}

TEST(TransactionTest, ImmutableColumnsStay) {
  Expect({
      {R"({"op":"update","table":"Root","where":[],"row":{"name":"x"}})",
       R"([{"details":"Cannot update immutable column name in table Root.","error":"constraint violation","syntax":"{\"op\":\"update\",\"row\":{\"name\":\"x\"},\"table\":\"Root\",\"where\":[]}"}])"},
      {R"({"op":"mutate","table":"Root","where":[],"mutations":[["name","foo",1]]})",
       R"([{"details":"Cannot mutate immutable column name in table Root.","error":"constraint violation","syntax":"[\"name\",\"foo\",1]"}])"},
  });
  TestDatabase database;
  database.Do(R"({"op":"insert","table":"Root","row":{"name":"a"}})");
  Database::Options options;
  options.trusted = true;
  EXPECT_TRUE(
      database.Transact(R"({"op":"update","table":"Root","where":[],"row":{"name":"b"}})", options)
          .committed);
  EXPECT_EQ(database.Rows("Root", "\"name\""), R"({"name":"b"})");
  EXPECT_FALSE(
      database
          .Transact(
              R"({"op":"update","table":"Root","where":[],"row":{"_uuid":["uuid","11111111-2222-3333-4444-555555555555"]}})",
              options)
          .committed);
}

TEST(TransactionTest, WaitComparesRows) {
  const std::string in =
      R"({"op":"insert","table":"Root","row":{"name":"w","num":3},"uuid-name":"q"},)";
  const auto wait = [&](const std::string& columns, const std::string& until,
                        const std::string& rows) {
    TestDatabase database;
    return database.Do(in + R"({"op":"wait","table":"Root","where":[],"timeout":0,"columns":)" +
                       columns + R"(,"until":")" + until + R"(","rows":)" + rows +
                       R"(},{"op":"abort"})");
  };
  const std::string met =
      R"([{"uuid":["uuid","$0"]},{},{"details":"aborted by request","error":"aborted"}])";
  const std::string not_met =
      R"([{"uuid":["uuid","$0"]},{"details":"\"where\" clause test failed","error":"timed out"},null])";
  EXPECT_EQ(wait(R"(["name"])", "==", R"([{"name":"w"}])"), met);
  EXPECT_EQ(wait(R"(["name"])", "!=", R"([{"name":"w"}])"), not_met);
  EXPECT_EQ(wait(R"(["name","num"])", "==", R"([{"name":"w"}])"), not_met) << "default is 0";
  EXPECT_EQ(wait(R"(["name"])", "==", R"([{"name":"w"},{"name":"w"}])"), met);
  EXPECT_EQ(wait(R"(["name"])", "!=", "[]"), met);
  EXPECT_EQ(wait(R"(["_uuid"])", "==", R"([{"_uuid":["named-uuid","q"]}])"), met);
  EXPECT_EQ(wait("[]", "==", "[{}]"), met);
  Expect({
      {R"({"op":"wait","table":"Root","where":[],"until":"foo","rows":[]})",
       R"([{"details":"\"until\" must be \"==\" or \"!=\"","error":"syntax error","syntax":"\"foo\""}])"},
      {R"({"op":"wait","table":"Root","where":[],"until":"foo","rows":[5],"timeout":-1})",
       R"([{"details":"timeout must be nonnegative","error":"syntax error","syntax":"-1"}])"},
      {R"({"op":"wait","table":"Root","where":[],"until":"==","rows":[5],"timeout":0})",
       R"([{"details":"row must be JSON object","error":"syntax error","syntax":"5"}])"},
  });
}

TEST(TransactionTest, AnUnmetWaitMayBeTriedAgain) {
  TestDatabase database;
  const std::string later =
      R"({"op":"insert","table":"One","row":{"x":1}},)"
      R"({"op":"wait","table":"Root","where":[],"columns":["name"],"until":"==","rows":[{"name":"w"}])";
  const Outcome bounded = database.Transact(later + R"(,"timeout":250})");
  EXPECT_TRUE(bounded.waiting);
  EXPECT_FALSE(bounded.committed);
  EXPECT_EQ(bounded.wait_at_most, std::chrono::milliseconds(250));
  EXPECT_TRUE(bounded.results.empty());
  EXPECT_EQ(database.Rows("One", "\"x\""), "") << "a waiting transaction changes nothing";
  EXPECT_EQ(database.Transact(later + "}").wait_at_most, std::nullopt);
  EXPECT_EQ(database.Transact(later + R"(,"timeout":2.0})").wait_at_most,
            std::chrono::milliseconds(2));
  EXPECT_GT(database.Transact(later + R"(,"timeout":1e300})").wait_at_most,
            std::chrono::hours(24 * 365));

  Database::Options options;
  options.give_up = true;
  const Outcome given_up = database.Transact(later + R"(,"timeout":250})", options);
  EXPECT_FALSE(given_up.waiting);
  EXPECT_EQ(given_up.results[1]["error"], "timed out");
  EXPECT_EQ(given_up.results[1]["details"], "\"wait\" timed out after 250 ms");

  database.Do(R"({"op":"insert","table":"Root","row":{"name":"w"}})");
  EXPECT_TRUE(database.Transact(later + R"(,"timeout":250})").committed);
  EXPECT_EQ(database.Rows("One", "\"x\""), R"({"x":1})");
}

TEST(TransactionTest, AssertAsksForTheLock) {
  TestDatabase database;
  Database::Options options;
  options.holds_lock = [](const std::string& lock) { return lock == "mine"; };
  EXPECT_TRUE(database.Transact(R"({"op":"assert","lock":"mine"})", options).committed);
  EXPECT_FALSE(database.Transact(R"({"op":"assert","lock":"other"})", options).committed);
}

}  // namespace
}  // namespace outrider::ovs
