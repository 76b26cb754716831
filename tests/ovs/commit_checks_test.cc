// Expectations are what ovsdb-server 3.1 answered, but where said; of two rows that break an index
// the order is ours.
#include "vswitch/ovs/commit_checks.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/ovs/test_database.h"

namespace outrider::ovs {
namespace {

std::string Error(const std::string& error, const std::string& details) {
  return ovsdb::ToText({{"details", details}, {"error", error}});
}
std::string Integrity(const std::string& details) {
  return Error("referential integrity violation", details);
}
std::string Violation(const std::string& details) { return Error("constraint violation", details); }

TEST(ReferencesTest, MustLeadToARow) {
  TestDatabase database;
  EXPECT_EQ(
      database.Do(
          R"({"op":"insert","table":"Root","row":{"child":["uuid","11111111-2222-3333-4444-555555555555"]}})"),
      R"([{"uuid":["uuid","$0"]},)" +
          Integrity("Table Root column child row $0 references nonexistent row "
                    "11111111-2222-3333-4444-555555555555 in table Child.") +
          "]");
  EXPECT_EQ(
      database.Do(
          R"({"op":"insert","table":"Root","row":{"cmap":["map",[["k",["named-uuid","z"]]]]}})"),
      R"([{"uuid":["uuid","$1"]},)" +
          Integrity("Table Root column cmap row $1 references nonexistent row ? in table "
                    "Child.") +
          "]");
  // Inserted and deleted again is the same.
  EXPECT_EQ(database.Do(R"({"op":"insert","table":"Root","row":{"child":["named-uuid","c"]}},)"
                        R"({"op":"insert","table":"Child","row":{},"uuid-name":"c"},)"
                        R"({"op":"delete","table":"Child","where":[]})"),
            R"([{"uuid":["uuid","$2"]},{"uuid":["uuid","$3"]},{"count":1},)" +
                Integrity("Table Root column child row $2 references nonexistent row $3 in table "
                          "Child.") +
                "]");
  EXPECT_EQ(database.Rows("Root", "\"name\""), "") << "nothing of it is left";
  EXPECT_TRUE(database.store().rows.empty());
}

TEST(ReferencesTest, ARowThatIsReferredToStays) {
  TestDatabase database;
  database.Do(R"({"op":"insert","table":"Root","row":{"child":["named-uuid","c"]}},)"
              R"({"op":"insert","table":"Child","row":{"name":"c"},"uuid-name":"c"})");
  EXPECT_EQ(database.Do(R"({"op":"delete","table":"Child","where":[]})"),
            R"([{"count":1},)" +
                Integrity("cannot delete Child row $1 because of 1 remaining reference(s)") + "]");
  EXPECT_EQ(database.Rows("Child", "\"name\""), R"({"name":"c"})");
  EXPECT_EQ(database.Do(R"({"op":"delete","table":"Child","where":[]},)"
                        R"({"op":"update","table":"Root","where":[],"row":{"child":["set",[]]}})"),
            R"([{"count":1},{"count":1}])");
  EXPECT_EQ(database.Rows("Child", "\"name\""), "");
}

TEST(GarbageTest, WhatNobodyRefersToGoes) {
  TestDatabase database;
  EXPECT_EQ(database.Do(R"({"op":"insert","table":"Child","row":{"name":"alone"}})"),
            R"([{"uuid":["uuid","$0"]}])");
  EXPECT_EQ(database.Rows("Child", "\"name\""), "");

  // A chain goes with its beginning.
  database.Do(
      R"({"op":"insert","table":"Root","row":{"child":["named-uuid","c"]}},)"
      R"({"op":"insert","table":"Child","row":{"name":"c","sub":["named-uuid","d"]},"uuid-name":"c"},)"
      R"({"op":"insert","table":"Child","row":{"name":"d","sub":["named-uuid","e"]},"uuid-name":"d"},)"
      R"({"op":"insert","table":"Child","row":{"name":"e"},"uuid-name":"e"})");
  EXPECT_EQ(database.Rows("Child", "\"name\""), R"({"name":"c"}{"name":"d"}{"name":"e"})");
  EXPECT_EQ(
      database.Do(
          R"({"op":"update","table":"Root","where":[],"row":{"child":["set",[]]}},)"
          R"({"op":"select","table":"Child","where":[["name","==","e"]],"columns":["name"]})"),
      R"([{"count":1},{"rows":[{"name":"e"}]}])");
  EXPECT_EQ(database.Rows("Child", "\"name\""), "");
  EXPECT_EQ(database.store().rows.size(), 1u) << "the root alone";
}

TEST(GarbageTest, CountsReferencesAndNotReach) {
  TestDatabase database;
  database.Do(
      R"({"op":"insert","table":"Root","row":{"child":["named-uuid","c"]}},)"
      R"({"op":"insert","table":"Child","row":{"name":"c","sub":["named-uuid","d"]},"uuid-name":"c"},)"
      R"({"op":"insert","table":"Child","row":{"name":"d","sub":["named-uuid","c"]},"uuid-name":"d"})");
  database.Do(R"({"op":"delete","table":"Root","where":[]})");
  EXPECT_EQ(database.Rows("Child", "\"name\""), R"({"name":"c"}{"name":"d"})")
      << "two rows keep each other";
  EXPECT_EQ(database.Do(R"({"op":"delete","table":"Child","where":[]})"), R"([{"count":2}])");

  // But none keeps itself.
  database.Do(
      R"({"op":"insert","table":"Root","row":{"child":["named-uuid","s"]}},)"
      R"({"op":"insert","table":"Child","row":{"name":"s","sub":["named-uuid","s"]},"uuid-name":"s"})");
  database.Do(R"({"op":"update","table":"Root","where":[],"row":{"child":["set",[]]}})");
  EXPECT_EQ(database.Rows("Child", "\"name\""), "");
}

TEST(GarbageTest, ALongChainIsNoDepth) {
  TestDatabase database;
  std::string chain = R"({"op":"insert","table":"Root","row":{"child":["named-uuid","c0"]}})";
  for (int i = 0; i < 20000; ++i) {
    const std::string next = std::to_string(i + 1);
    chain += R"(,{"op":"insert","table":"Child","uuid-name":"c)" + std::to_string(i) +
             R"(","row":{"name":")" + next + "\"" +
             (i < 19999 ? R"(,"sub":["named-uuid","c)" + next + "\"]" : "") + "}}";
  }
  EXPECT_TRUE(database.Transact(chain).committed);
  EXPECT_EQ(database.database().tables().at("Child").size(), 20000u);
  EXPECT_TRUE(database.Transact(R"({"op":"delete","table":"Root","where":[]})").committed);
  EXPECT_TRUE(database.database().tables().at("Child").empty());
}

class WeakTest : public ::testing::Test {
 protected:
  WeakTest() {
    database_.Do(
        R"({"op":"insert","table":"Root","row":{"name":"owner","child":["set",[["named-uuid","c"],["named-uuid","d"]]]}},)"
        R"({"op":"insert","table":"Child","row":{"name":"c"},"uuid-name":"c"},)"
        R"({"op":"insert","table":"Child","row":{"name":"d"},"uuid-name":"d"},)"
        R"({"op":"insert","table":"Root","row":{"name":"holder","weak":["set",[["named-uuid","c"],["named-uuid","d"]]],)"
        R"("wmap":["map",[[["named-uuid","c"],"x"],[["named-uuid","d"],"y"]]]}})");
  }
  TestDatabase database_;
};

TEST_F(WeakTest, ReferencesGoWithTheRow) {
  const auto version = database_.database().Find("Root", database_.uuid(3))->version;
  EXPECT_EQ(
      database_.Do(
          R"({"op":"mutate","table":"Root","where":[["name","==","owner"]],"mutations":[["child","delete",$1]]})"),
      R"([{"count":1}])");
  EXPECT_EQ(
      database_.Do(
          R"({"op":"select","table":"Root","where":[["name","==","holder"]],"columns":["weak","wmap"]})"),
      R"([{"rows":[{"weak":["uuid","$2"],"wmap":["map",[[["uuid","$2"],"y"]]]}]}])");
  EXPECT_NE(database_.database().Find("Root", database_.uuid(3))->version, version);
  ASSERT_TRUE(database_.Reopen().ok()) << "it is so in the store, too";
}

TEST_F(WeakTest, AlsoWhereTheHolderChangesInTheSameTransaction) {
  // Open vSwitch 3.1 leaves the reference there; RFC 7047, 3.2 does not.
  database_.Do(
      R"({"op":"mutate","table":"Root","where":[["name","==","owner"]],"mutations":[["child","delete",$1]]},)"
      R"({"op":"update","table":"Root","where":[["name","==","holder"]],"row":{"num":7}})");
  EXPECT_EQ(
      database_.Do(
          R"({"op":"select","table":"Root","where":[["name","==","holder"]],"columns":["weak","num"]})"),
      R"([{"rows":[{"num":7,"weak":["uuid","$2"]}]}])");
}

TEST_F(WeakTest, WhatWasNeverThereIsNotKept) {
  database_.Do(
      R"({"op":"update","table":"Root","where":[["name","==","holder"]],"row":{"weak":["set",[$1,["uuid","11111111-2222-3333-4444-555555555555"]]]}})");
  EXPECT_EQ(
      database_.Do(
          R"({"op":"select","table":"Root","where":[["name","==","holder"]],"columns":["weak"]})"),
      R"([{"rows":[{"weak":["uuid","$1"]}]}])");
}

TEST_F(WeakTest, APairTakesItsStrongHalfWithIt) {
  database_.Do(
      R"({"op":"insert","table":"Child","row":{"name":"e"},"uuid-name":"e"},)"
      R"({"op":"update","table":"Root","where":[["name","==","holder"]],"row":{"both":["map",[[$1,["named-uuid","e"]]]]}})");
  EXPECT_EQ(database_.Rows("Child", "\"name\""), R"({"name":"c"}{"name":"d"}{"name":"e"})");
  database_.Do(
      R"({"op":"mutate","table":"Root","where":[["name","==","owner"]],"mutations":[["child","delete",$1]]})");
  EXPECT_EQ(database_.Rows("Child", "\"name\""), R"({"name":"d"})");
}

TEST(WeakMinimumTest, AColumnThatMayNotBeEmptyKeepsTheTransactionFromCommitting) {
  TestDatabase database;
  EXPECT_EQ(database.Do(R"({"op":"insert","table":"Need","row":{}})"),
            R"([{"uuid":["uuid","$0"]},)" +
                Violation("Weak reference column \"w\" in \"Need\" row $0 (inserted within this "
                          "transaction) contained all-zeros UUID (probably as the default value "
                          "for this column) but deleting this value caused a constraint volation "
                          "because this column is not allowed to be empty.") +
                "]");
  EXPECT_EQ(database.Do(R"({"op":"insert","table":"Need","row":{"w":["named-uuid","r"]}},)"
                        R"({"op":"insert","table":"Root","row":{"name":"a"},"uuid-name":"r"})"),
            R"([{"uuid":["uuid","$1"]},{"uuid":["uuid","$2"]}])");
  EXPECT_EQ(database.Do(R"({"op":"delete","table":"Root","where":[]})"),
            R"([{"count":1},)" +
                Violation("Deletion of 1 weak reference(s) to deleted (or never-existing) rows "
                          "from column \"w\" in \"Need\" row $1 caused this column to become "
                          "empty, but constraints on this column disallow an empty column.") +
                "]");
  EXPECT_EQ(database.Rows("Root", "\"name\""), R"({"name":"a"})");
}

TEST(RowLimitTest, CountsAfterTheTransaction) {
  TestDatabase database;
  EXPECT_EQ(
      database.Do(
          R"({"op":"insert","table":"One","row":{"x":1}},{"op":"insert","table":"One","row":{"x":2}})"),
      R"([{"uuid":["uuid","$0"]},{"uuid":["uuid","$1"]},)" +
          Violation("transaction causes \"One\" table to contain 2 rows, greater than the "
                    "schema-defined limit of 1 row(s)") +
          "]");
  EXPECT_TRUE(database.Transact(R"({"op":"insert","table":"One","row":{"x":1}})").committed);
  EXPECT_FALSE(database.Transact(R"({"op":"insert","table":"One","row":{"x":2}})").committed);
  EXPECT_TRUE(database
                  .Transact(R"({"op":"insert","table":"One","row":{"x":2}},)"
                            R"({"op":"delete","table":"One","where":[["x","==",1]]})")
                  .committed);
  EXPECT_EQ(database.Rows("One", "\"x\""), R"({"x":2})");
}

// The details with the rows' names in place; the greater identifier comes first.
std::string Duplicate(const TestDatabase& database, const std::string& what, size_t a,
                      const std::string& origin_a, size_t b, const std::string& origin_b) {
  const bool a_first = database.uuid(b) < database.uuid(a);
  const std::string text_a = "$" + std::to_string(a) + ", " + origin_a;
  const std::string text_b = "$" + std::to_string(b) + ", " + origin_b;
  return Violation("Transaction causes multiple rows in " + what + ".  First row, with UUID " +
                   (a_first ? text_a : text_b) + ".  Second row, with UUID " +
                   (a_first ? text_b : text_a) + ".");
}

constexpr char kInserted[] = "was inserted by this transaction";
constexpr char kUntouched[] =
    "existed in the database before this transaction and was not modified by the transaction";

TEST(IndexTest, ValuesAreUnique) {
  const std::string what =
      "\"Root\" table to have identical values (a) for index on column \"name\"";
  TestDatabase database;
  std::string results = database.Do(
      R"({"op":"insert","table":"Root","row":{"name":"a"}},{"op":"insert","table":"Root","row":{"name":"a"}})");
  EXPECT_EQ(results, R"([{"uuid":["uuid","$0"]},{"uuid":["uuid","$1"]},)" +
                         Duplicate(database, what, 0, kInserted, 1, kInserted) + "]");
  database.Do(R"({"op":"insert","table":"Root","row":{"name":"a"}})");
  results = database.Do(R"({"op":"insert","table":"Root","row":{"name":"a"}})");
  EXPECT_EQ(results, R"([{"uuid":["uuid","$3"]},)" +
                         Duplicate(database, what, 2, kUntouched, 3, kInserted) + "]");
  EXPECT_TRUE(database
                  .Transact(R"({"op":"delete","table":"Root","where":[]},)"
                            R"({"op":"insert","table":"Root","row":{"name":"a"}})")
                  .committed);
  // What goes again does not count.
  EXPECT_TRUE(database
                  .Transact(R"({"op":"insert","table":"Child","row":{"name":"u"}},)"
                            R"({"op":"insert","table":"Child","row":{"name":"u"}})")
                  .committed);
}

TEST(IndexTest, SaysWhereTheRowsComeFrom) {
  TestDatabase database;
  database.Do(
      R"({"op":"insert","table":"Two","row":{"x":1,"y":2}},{"op":"insert","table":"Two","row":{"x":1,"y":3}})");
  EXPECT_EQ(database.Do(R"({"op":"update","table":"Two","where":[],"row":{"y":9}})"),
            R"([{"count":2},)" +
                Duplicate(database,
                          "\"Two\" table to have identical values (1 and 9) for index on columns "
                          "\"x\" and \"y\"",
                          0, "had the following index values before the transaction: 1 and 2", 1,
                          "had the following index values before the transaction: 1 and 3") +
                "]");
  const std::string what =
      "\"Two\" table to have identical values (1 and 3) for index on columns \"x\" and \"y\"";
  const std::string update =
      R"({"op":"update","table":"Two","where":[["y","==",2]],"row":{"y":3}})";
  const std::string had = "had the following index values before the transaction: 1 and 2";
  EXPECT_EQ(database.Do(update),
            R"([{"count":1},)" + Duplicate(database, what, 0, had, 1, kUntouched) + "]");
  EXPECT_EQ(database.Do(R"({"op":"update","table":"Two","where":[],"row":{"z":1}},)" + update),
            R"([{"count":2},{"count":1},)" +
                Duplicate(database, what, 0, had, 1,
                          "existed in the database before this transaction, which modified some "
                          "of the row's columns but not any columns in this index") +
                "]");
}

TEST(IndexTest, RowsMaySwapValues) {
  TestDatabase database;
  database.Do(
      R"({"op":"insert","table":"Two","row":{"x":1,"y":2}},{"op":"insert","table":"Two","row":{"x":1,"y":3}})");
  EXPECT_TRUE(database
                  .Transact(R"({"op":"update","table":"Two","where":[["y","==",2]],"row":{"y":7}},)"
                            R"({"op":"update","table":"Two","where":[["y","==",3]],"row":{"y":2}},)"
                            R"({"op":"update","table":"Two","where":[["y","==",7]],"row":{"y":3}})")
                  .committed);
  EXPECT_FALSE(database.Transact(R"({"op":"insert","table":"Two","row":{"x":1,"y":2}})").committed);
  EXPECT_FALSE(database.Transact(R"({"op":"insert","table":"Two","row":{"x":1,"y":3}})").committed);
  EXPECT_TRUE(database.Transact(R"({"op":"insert","table":"Two","row":{"x":1,"y":7}})").committed);
}

TEST(OrderOfChecksTest, ReferencesThenLimitsThenWeakThenIndexes) {
  const std::string limit =
      R"({"op":"insert","table":"One","row":{}},{"op":"insert","table":"One","row":{}},)";
  const std::string dangling =
      R"({"op":"insert","table":"Root","row":{"name":"d","child":["named-uuid","z"]}})";
  const std::string twice =
      R"({"op":"insert","table":"Root","row":{}},{"op":"insert","table":"Root","row":{}})";
  const std::string empty = R"({"op":"insert","table":"Need","row":{}},)";
  const auto details = [](const std::string& operations) {
    TestDatabase database;
    return database.Transact(operations).results.back()["details"].get<std::string>();
  };
  EXPECT_EQ(details(limit + dangling).substr(0, 10), "Table Root");
  EXPECT_EQ(details(limit + twice).substr(0, 23), "transaction causes \"One");
  EXPECT_EQ(details(empty + limit + twice).substr(0, 23), "transaction causes \"One");
  EXPECT_EQ(details(empty + twice).substr(0, 14), "Weak reference");
}

}  // namespace
}  // namespace outrider::ovs
