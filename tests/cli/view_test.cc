#include "vswitch/cli/view.h"

#include <gtest/gtest.h>

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::Datum;
using ovsdb::Json;

constexpr char kBridge[] = "11111111-1111-4111-8111-111111111111";
constexpr char kPort[] = "22222222-2222-4222-8222-222222222222";

Atom Text(const char* text) { return {std::string(text)}; }

class ViewTest : public testing::Test {
 protected:
  ViewTest() : view_(&ovsdb::OpenVSwitchSchema()) {
    EXPECT_TRUE(view_
                    .Load("Bridge", Json::array({{{"_uuid", {"uuid", kBridge}},
                                                  {"name", "br0"},
                                                  {"ports", {"uuid", kPort}}}}))
                    .ok());
    EXPECT_TRUE(
        view_
            .Load("Port", Json::array({{{"_uuid", {"uuid", kPort}},
                                        {"name", "p0"},
                                        {"external_ids", Json::parse(R"(["map",[["a","1"]]])")}}}))
            .ok());
    bridge_ = view_.Rows("Bridge").at(0);
    port_ = view_.Rows("Port").at(0);
  }

  std::string Operations() { return ovsdb::ToText(view_.Operations().operations); }

  View view_;
  ViewRow* bridge_ = nullptr;
  ViewRow* port_ = nullptr;
};

TEST_F(ViewTest, NothingWrittenIsNoTransaction) {
  View::Verify(port_, "name");
  EXPECT_EQ(Operations(), "[]");
}

TEST_F(ViewTest, WhatIsAsItWasIsNoChange) {
  view_.Write(port_, "name", Datum::Of(Text("p0")));
  EXPECT_EQ(Operations(), "[]");
}

TEST_F(ViewTest, WritesAreSeenAndGuarded) {
  View::Verify(port_, "name");
  view_.Write(port_, "tag", Datum::Of(Atom(int64_t{5})));
  EXPECT_EQ(view_.Read(*port_, "tag"), Datum::Of(Atom(int64_t{5})));
  EXPECT_EQ(Operations(),
            R"([{"columns":["name"],"op":"wait","rows":[{"name":"p0"}],"table":"Port",)"
            R"("timeout":0,"until":"==","where":[["_uuid","==",["uuid",)"
            R"("22222222-2222-4222-8222-222222222222"]]]},)"
            R"({"op":"update","row":{"tag":5},"table":"Port","where":[["_uuid","==",["uuid",)"
            R"("22222222-2222-4222-8222-222222222222"]]]}])");
}

TEST_F(ViewTest, AKeyThatIsThereIsTakenOutFirst) {
  view_.Put(port_, "external_ids", Text("a"), Text("2"), false);
  // Later commands see it as it was.
  EXPECT_EQ(*view_.Read(*port_, "external_ids").ValueOf(Text("a")), Text("1"));
  EXPECT_EQ(ovsdb::ToText(view_.Operations().operations[0]["mutations"]),
            R"([["external_ids","delete",["set",["a"]]],)"
            R"(["external_ids","insert",["map",[["a","2"]]]]])");
}

TEST_F(ViewTest, AnEqualValueOfAKeyIsNoChange) {
  view_.Put(port_, "external_ids", Text("a"), Text("1"), false);
  EXPECT_EQ(Operations(), "[]");
}

TEST_F(ViewTest, NewRowsAreReferredToByName) {
  ViewRow* const added =
      view_.Insert("Port", *ovsdb::Uuid::Parse("33333333-3333-4333-8333-333333333333"));
  view_.Write(added, "name", Datum::Of(Text("p1")));
  view_.Write(added, "tag", Datum());
  view_.Put(bridge_, "ports", Atom(added->uuid), {}, true);
  EXPECT_EQ(view_.Read(*bridge_, "ports").size(), 2U);
  const View::Transaction transaction = view_.Operations();
  EXPECT_EQ(ovsdb::ToText(transaction.operations[0]["mutations"]),
            R"([["ports","insert",["set",[["named-uuid",)"
            R"("row33333333_3333_4333_8333_333333333333"]]]]])");
  // Defaults are the server's to fill in.
  EXPECT_EQ(ovsdb::ToText(transaction.operations[1]),
            R"({"op":"insert","row":{"name":"p1"},"table":"Port",)"
            R"("uuid-name":"row33333333_3333_4333_8333_333333333333"})");
  EXPECT_EQ(transaction.inserts.at(added->uuid), 1U);
}

TEST_F(ViewTest, ARowThatGoesAgainWasNeverThere) {
  ViewRow* const added = view_.Insert("Port");
  view_.Put(bridge_, "ports", Atom(added->uuid), {}, true);
  view_.Take(bridge_, "ports", Atom(added->uuid));
  view_.Delete(added);
  EXPECT_EQ(Operations(), "[]");
}

TEST_F(ViewTest, OnlyRowsOfRootTablesAreDeletedOutright) {
  ASSERT_TRUE(view_.Load("QoS", Json::array({{{"_uuid", {"uuid", kBridge}}, {"type", "x"}}})).ok());
  view_.Delete(port_);
  EXPECT_EQ(Operations(), "[]");
  view_.Delete(view_.Rows("QoS").at(0));
  EXPECT_EQ(view_.Operations().operations.size(), 1U);
  EXPECT_EQ(view_.Operations().operations[0]["op"], "delete");
  EXPECT_TRUE(view_.Rows("Port").empty());
}

TEST_F(ViewTest, AOneRowTableIsFilledOnlyWhenEmpty) {
  (void)view_.Insert("Open_vSwitch");
  const Json operations = view_.Operations().operations;
  EXPECT_EQ(operations[0]["op"], "wait");
  EXPECT_EQ(operations[0]["rows"], Json::array());
  EXPECT_EQ(operations[1]["op"], "insert");
}

TEST_F(ViewTest, RowsThatAreNoneAreRefused) {
  View view(&ovsdb::OpenVSwitchSchema());
  for (const char* const text : {"[1]", "[{}]", R"([{"_uuid":"x"}])", R"([{"_uuid":["uuid","x"]}])",
                                 R"([{"_uuid":["uuid","11111111-1111-4111-8111-111111111111"],)"
                                 R"("name":{}}])"}) {
    EXPECT_FALSE(view.Load("Port", Json::parse(text)).ok()) << text;
  }
}

}  // namespace
}  // namespace outrider::cli
