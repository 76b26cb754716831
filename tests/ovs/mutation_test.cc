// Expectations are what ovsdb-server 3.1 answered to the same mutations.
#include "vswitch/ovs/mutation.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/ovs/test_database.h"

namespace outrider::ovs {
namespace {

struct Case {
  const char* column;
  const char* value;
  // Without the outermost brackets.
  const char* mutations;
  // The column afterwards, or the error.
  const char* result;
};

std::string Mutated(const Case& c) {
  TestDatabase database;
  const Outcome outcome = database.Transact(
      std::string(R"({"op":"insert","table":"Root","row":{")") + c.column + "\":" + c.value +
      R"(}},{"op":"mutate","table":"Root","where":[],"mutations":[)" + c.mutations +
      R"(]},{"op":"select","table":"Root","where":[],"columns":[")" + c.column + "\"]}");
  if (!outcome.committed) {
    EXPECT_EQ(outcome.results[2], nullptr);
    return ovsdb::ToText(outcome.results[1]);
  }
  EXPECT_EQ(outcome.results[1]["count"], 1);
  return ovsdb::ToText(outcome.results[2]["rows"][0][c.column]);
}

void Expect(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(Mutated(c), c.result) << c.mutations << " of " << c.value;
}

std::string Mismatch(const std::string& mutation, const std::string& details) {
  return ovsdb::ToText(
      {{"details", "Type mismatch: " + details}, {"error", "syntax error"}, {"syntax", mutation}});
}

TEST(MutationTest, Arithmetic) {
  Expect({
      {"num", "5", R"(["num","+=",3],["num","-=",1],["num","*=",2])", "14"},
      {"num", "7", R"(["num","%=",4])", "3"},
      {"num", "-7", R"(["num","/=",2])", "-3"},
      {"num", "-7", R"(["num","%=",4])", "-3"},
      {"num", "1", "", "1"},
      {"i", "[\"set\",[]]", R"(["i","+=",1])", "[\"set\",[]]"},
      {"is", "[\"set\",[1,2,3]]", R"(["is","+=",1])", "[\"set\",[2,3,4]]"},
      {"is", "1", R"(["is","+=",["set",[1]]])", "2"},
      {"real", "1.5", R"(["real","+=",1])", "2.5"},
      {"real", "1.5", R"(["real","*=",-2])", "-3"},
      {"real", "1.5", R"(["real","-=",0.5])", "1"},
      {"real", "1.5", R"(["real","/=",2])", "0.75"},
  });
}

TEST(MutationTest, ArithmeticThatFails) {
  constexpr char kZero[] = R"({"details":"Division by zero.","error":"domain error"})";
  Expect({
      {"num", "5", R"(["num","/=",0])", kZero},
      {"num", "5", R"(["num","%=",0])", kZero},
      {"real", "1.5", R"(["real","/=",0])", kZero},
      {"num", "9223372036854775807", R"(["num","+=",1])",
       R"({"details":"Result of \"+=\" operation is out of range.","error":"range error"})"},
      {"num", "9223372036854775807", R"(["num","*=",2])",
       R"({"details":"Result of \"*=\" operation is out of range.","error":"range error"})"},
      {"num", "-9223372036854775808", R"(["num","-=",1])",
       R"({"details":"Result of \"-=\" operation is out of range.","error":"range error"})"},
      {"num", "-9223372036854775808", R"(["num","/=",-1])",
       R"({"details":"Result of \"/=\" operation is out of range.","error":"range error"})"},
      {"num", "-9223372036854775808", R"(["num","%=",-1])",
       R"({"details":"Result of \"%=\" operation is out of range.","error":"range error"})"},
      {"real", "1e308", R"(["real","*=",10])",
       R"({"details":"Result of \"*=\" operation is out of range.","error":"range error"})"},
      {"i", "5", R"(["i","+=",10])",
       R"j({"details":"15 is not in the valid range -10 to 10 (inclusive)","error":"constraint violation"})j"},
      {"i", "1", R"(["i","+=",100],["i","-=",100])",
       R"j({"details":"101 is not in the valid range -10 to 10 (inclusive)","error":"constraint violation"})j"},
      {"is", "[\"set\",[1,2,3]]", R"(["is","*=",0])",
       R"({"details":"Result of \"*=\" operation contains duplicates.","error":"constraint violation"})"},
      {"num", "1", R"(["num","+=",1.5])",
       R"({"details":"expected integer","error":"syntax error","syntax":"1.5"})"},
      {"num", "1", R"(["num","+=",["set",[1,2]]])",
       R"({"details":"set must have exactly one member but 2 are present","error":"syntax error","syntax":"[\"set\",[1,2]]"})"},
  });
}

TEST(MutationTest, Sets) {
  Expect({
      {"is", "1", R"(["is","insert",["set",[2,3]]])", "[\"set\",[1,2,3]]"},
      {"is", "1", R"(["is","insert",1])", "1"},
      {"is", "[\"set\",[1,5]]", R"(["is","insert",["set",[5,3]]])", "[\"set\",[1,3,5]]"},
      {"is", "[\"set\",[1,2]]", R"(["is","delete",["set",[2,7]]])", "1"},
      {"is3", "[\"set\",[1,2]]", R"(["is3","delete",["set",[3,4,5,6]]])", "[\"set\",[1,2]]"},
      {"i", "[\"set\",[]]", R"(["i","insert",6])", "6"},
      {"i", "5", R"(["i","delete",5])", "[\"set\",[]]"},
      {"s1", "\"a\"", R"(["s1","delete",["set",[]]])", "\"a\""},
      {"is3", "[\"set\",[1,2]]", R"(["is3","insert",["set",[3,4]]])",
       R"({"details":"Attempted to store 4 elements in set of up to 3 integers.","error":"constraint violation"})"},
      {"i", "5", R"(["i","insert",6])",
       R"({"details":"Attempted to store 2 elements in set of up to 1 integers.","error":"constraint violation"})"},
      {"s1", "\"a\"", R"(["s1","delete","a"])",
       R"({"details":"Attempted to store 0 elements in set of 1 or more strings.","error":"constraint violation"})"},
      {"is3", "[\"set\",[1,2]]", R"(["is3","insert",["set",[3,4,5,6]]])",
       R"({"details":"set must have 0 to 3 members but 4 are present","error":"syntax error","syntax":"[\"set\",[3,4,5,6]]"})"},
      {"is", "1", R"(["is","insert",["set",[2,2]]])",
       R"({"details":"set contains duplicate","error":"ovsdb error"})"},
      {"is", "1", R"(["is","delete",2000])",
       R"j({"details":"2000 is not in the valid range 0 to 1000 (inclusive)","error":"constraint violation"})j"},
      {"e", "\"red\"", R"(["e","insert","blue"])",
       R"j({"details":"blue is not one of the allowed values ([green, red, \"true\"])","error":"constraint violation"})j"},
  });
}

TEST(MutationTest, Maps) {
  Expect({
      // What is there stays.
      {"m", R"(["map",[["a","1"]]])", R"(["m","insert",["map",[["a","2"],["b","3"]]]])",
       R"(["map",[["a","1"],["b","3"]]])"},
      {"m", R"(["map",[["a","1"]]])", R"(["m","insert",["map",[["a","2"]]]])",
       R"(["map",[["a","1"]]])"},
      {"m", R"(["map",[["a","1"],["b","2"]]])", R"(["m","delete",["set",["a","c"]]])",
       R"(["map",[["b","2"]]])"},
      {"m", R"(["map",[["a","1"],["b","2"]]])", R"(["m","delete","a"])", R"(["map",[["b","2"]]])"},
      {"m", R"(["map",[["a","1"],["b","2"]]])", R"(["m","delete",["map",[["a","1"],["b","x"]]]])",
       R"(["map",[["b","2"]]])"},
      {"m", R"(["map",[["a","1"]]])", R"(["m","insert",5])",
       R"({"details":"expected [\"map\", <array>]","error":"syntax error","syntax":"5"})"},
      {"m", R"(["map",[["a","1"]]])", R"(["m","delete",["map",[["a",1]]]])",
       R"({"details":"expected string","error":"syntax error","syntax":"[\"map\",[[\"a\",1]]]"})"},
      {"m2", R"(["map",[["a",1],["b",2]]])", R"(["m2","insert",["map",[["c",1]]]])",
       R"j({"details":"Attempted to store 3 elements in map of up to 2 (string, integer) pairs.","error":"constraint violation"})j"},
      {"m2", R"(["map",[["a",1]]])", R"(["m2","insert",["map",[["c",10]]]])",
       R"j({"details":"10 is not in the valid range 0 to 9 (inclusive)","error":"constraint violation"})j"},
  });
}

TEST(MutationTest, TypesThatDoNotFit) {
  const auto expect = [](const char* column, const char* mutation, const std::string& details) {
    TestDatabase database;
    const Outcome outcome = database.Transact(
        std::string(R"({"op":"mutate","table":"Root","where":[],"mutations":[)") + mutation + "]}");
    EXPECT_EQ(ovsdb::ToText(outcome.results[0]),
              Mismatch(mutation, details + " operator may not be applied to column " + column));
  };
  expect("num of type integer.", R"(["num","insert",1])", "\"insert\"");
  expect("u of type uuid.", R"(["u","insert",1])", "\"insert\"");
  expect("flag of type boolean.", R"(["flag","+=",true])", "\"+=\"");
  expect("ss of type set of strings.", R"(["ss","+=","x"])", "\"+=\"");
  expect("e of type set of up to 1 strings.", R"(["e","+=",1])", "\"+=\"");
  expect("real of type real.", R"(["real","%=",2])", "\"%=\"");
  expect("m of type map of (string, string) pairs.", R"(["m","+=",1])", "\"+=\"");
}

TEST(MutationTest, Notation) {
  const std::pair<const char*, const char*> cases[] = {
      {"5", R"({"details":"Parse error in mutation.","error":"syntax error","syntax":"5"})"},
      {"[\"a\"]",
       R"({"details":"Parse error in mutation.","error":"syntax error","syntax":"[\"a\"]"})"},
      {R"(["a","+=",1])",
       R"({"details":"No column a in table Root.","error":"unknown column","syntax":"[\"a\",\"+=\",1]"})"},
      {R"(["num","foo",1])", R"({"details":"No mutator named foo.","error":"unknown mutator"})"},
      {R"(["_uuid","+=",1])",
       R"({"details":"Cannot mutate immutable column _uuid in table Root.","error":"constraint violation","syntax":"[\"_uuid\",\"+=\",1]"})"},
  };
  for (const auto& [mutation, error] : cases) {
    TestDatabase database;
    const Outcome outcome = database.Transact(
        std::string(R"({"op":"mutate","table":"Root","where":[],"mutations":[)") + mutation + "]}");
    EXPECT_EQ(ovsdb::ToText(outcome.results[0]), error);
  }
}

}  // namespace
}  // namespace outrider::ovs
