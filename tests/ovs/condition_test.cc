// Expectations are what ovsdb-server 3.1 answered to the same conditions.
#include "vswitch/ovs/condition.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "tests/ovs/test_database.h"

namespace outrider::ovs {
namespace {

class ConditionTest : public ::testing::Test {
 protected:
  ConditionTest() {
    database_.Do(
        R"({"op":"insert","table":"Root","row":{"name":"a","num":1,"i":1,"is":["set",[1,2,3]],)"
        R"("m":["map",[["k","v"],["l","w"]]],"real":1.5,"flag":true}},)"
        R"({"op":"insert","table":"Root","row":{"name":"b","num":2,"i":2,"is":2,)"
        R"("m":["map",[["k","x"]]],"real":2.5}},)"
        R"({"op":"insert","table":"Root","row":{"name":"c","num":3}})");
  }

  // Names of the rows a condition leaves, or the error.
  std::string Where(const std::string& where) {
    const Outcome outcome = database_.Transact(
        R"({"op":"select","table":"Root","columns":["name"],"where":)" + where + "}");
    if (!outcome.committed) return ovsdb::ToText(outcome.results[0]);
    std::set<std::string> names;
    for (const ovsdb::Json& row : outcome.results[0]["rows"]) names.insert(row["name"]);
    std::string text;
    for (const std::string& name : names) text += name;
    return text;
  }

  TestDatabase database_;
};

TEST_F(ConditionTest, Functions) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "abc"},
      {"[true]", "abc"},
      {"[false]", ""},
      {R"([true,["num","==",1]])", "a"},
      {R"([["num","==",1],false])", ""},
      {R"([["num","==",1],["num","==",2]])", ""},
      {R"([["num",">=",1],["num","<=",2]])", "ab"},
      {R"([["num","!=",1]])", "bc"},
      {R"([["num","<",2]])", "a"},
      {R"([["num",">",2]])", "c"},
      {R"([["num","includes",2]])", "b"},
      {R"([["num","excludes",2]])", "ac"},
      {R"([["real","<",2]])", "ac"},
      {R"([["flag","==",true]])", "a"},
      {R"([["name","includes","a"]])", "a"},
      {R"([["name","excludes","a"]])", "bc"},
      // An optional value that is not there is neither less nor more.
      {R"([["i","==",1]])", "a"},
      {R"([["i","!=",1]])", "bc"},
      {R"([["i","<",2]])", "a"},
      {R"([["i",">=",1]])", "ab"},
      {R"([["i","<=",1]])", "a"},
      {R"([["i",">",1]])", "b"},
      {R"([["i","==",["set",[]]]])", "c"},
      {R"([["i","includes",["set",[]]]])", "abc"},
      {R"([["i","excludes",["set",[1,2]]]])", "c"},
      // Sets and maps.
      {R"([["is","==",["set",[3,2,1]]]])", "a"},
      {R"([["is","!=",2]])", "ac"},
      {R"([["is","includes",["set",[2]]]])", "ab"},
      {R"([["is","includes",["set",[2,3]]]])", "a"},
      {R"([["is","excludes",["set",[3,9]]]])", "bc"},
      {R"([["is","excludes",["set",[]]]])", "abc"},
      {R"([["is3","excludes",["set",[1,2,3,4]]]])", "abc"},
      {R"([["s1","includes",["set",[]]]])", "abc"},
      {R"([["m","==",["map",[["k","x"]]]]])", "b"},
      {R"([["m","includes",["map",[["k","v"]]]]])", "a"},
      {R"([["m","excludes",["map",[["k","v"]]]]])", "bc"},
      {R"([["_uuid","==",["uuid","11111111-2222-3333-4444-555555555555"]]])", ""},
      {R"([["_uuid","!=",["uuid","11111111-2222-3333-4444-555555555555"]]])", "abc"},
      {R"([["_version","!=",["uuid","11111111-2222-3333-4444-555555555555"]]])", "abc"},
  };
  for (const auto& [where, names] : cases) EXPECT_EQ(Where(where), names) << where;
}

TEST_F(ConditionTest, OneRowByItsUuidMustMeetTheRestToo) {
  EXPECT_EQ(Where(R"([["_uuid","==",$1]])"), "b");
  EXPECT_EQ(Where(R"([["_uuid","includes",$1]])"), "b");
  EXPECT_EQ(Where(R"([["_uuid","==",$1],["num","==",1]])"), "");
  EXPECT_EQ(Where(R"([["_uuid","==",$1],["_uuid","==",$0]])"), "");
  EXPECT_EQ(Where(R"([["_uuid","==",$1],false])"), "");
}

TEST_F(ConditionTest, Errors) {
  const std::pair<const char*, const char*> cases[] = {
      {"[5]", R"({"details":"Parse error in condition.","error":"syntax error","syntax":"5"})"},
      {"[[]]", R"({"details":"Parse error in condition.","error":"syntax error","syntax":"[]"})"},
      {R"([["num","<",1,2]])",
       R"({"details":"Parse error in condition.","error":"syntax error","syntax":"[\"num\",\"<\",1,2]"})"},
      {R"([["num",5,"x"]])",
       R"({"details":"Parse error in condition.","error":"syntax error","syntax":"[\"num\",5,\"x\"]"})"},
      {R"([["a","==",1]])",
       R"({"details":"No column a in table Root.","error":"unknown column","syntax":"[\"a\",\"==\",1]"})"},
      {R"([["num","foo",1]])",
       R"({"details":"No function named foo.","error":"unknown function"})"},
      {R"([["num","==","x"]])",
       R"({"details":"expected integer","error":"syntax error","syntax":"\"x\""})"},
      {R"([["name","<","x"]])",
       R"({"details":"Type mismatch: \"<\" operator may not be applied to column name of type string.","error":"syntax error","syntax":"[\"name\",\"<\",\"x\"]"})"},
      {R"([["is",">",1]])",
       R"({"details":"Type mismatch: \">\" operator may not be applied to column is of type set of integers.","error":"syntax error","syntax":"[\"is\",\">\",1]"})"},
      {R"([["m","<",1]])",
       R"({"details":"Type mismatch: \"<\" operator may not be applied to column m of type map of (string, string) pairs.","error":"syntax error","syntax":"[\"m\",\"<\",1]"})"},
      {R"([["flag","<",true]])",
       R"({"details":"Type mismatch: \"<\" operator may not be applied to column flag of type boolean.","error":"syntax error","syntax":"[\"flag\",\"<\",true]"})"},
      {R"([["i","==",5000]])",
       R"j({"details":"5000 is not in the valid range -10 to 10 (inclusive)","error":"constraint violation"})j"},
      {R"([["i","<",["set",[]]]])",
       R"({"details":"set must have exactly one member but 0 are present","error":"syntax error","syntax":"[\"set\",[]]"})"},
      {R"([["num","includes",["set",[]]]])",
       R"({"details":"set must have exactly one member but 0 are present","error":"syntax error","syntax":"[\"set\",[]]"})"},
      {R"([["i","includes",["set",[1,2]]]])",
       R"({"details":"set must have 0 to 1 members but 2 are present","error":"syntax error","syntax":"[\"set\",[1,2]]"})"},
      {R"([["s1","==",["set",[]]]])",
       R"({"details":"set must have 1 to 4294967295 members but 0 are present","error":"syntax error","syntax":"[\"set\",[]]"})"},
      {R"([["m","includes","k"]])",
       R"({"details":"expected [\"map\", <array>]","error":"syntax error","syntax":"\"k\""})"},
  };
  for (const auto& [where, error] : cases) EXPECT_EQ(Where(where), error) << where;
}

}  // namespace
}  // namespace outrider::ovs
