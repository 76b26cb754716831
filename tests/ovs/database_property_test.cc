// Random transactions give what a plain model of the rules gives, and a reopened store the same.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/ovs/naive_database.h"
#include "tests/ovs/test_database.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;

// Few names, numbers and rows, so that they meet.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  Json Transaction(const NaiveDatabase::Tables& tables) {
    tables_ = &tables;
    fresh_.clear();
    Json operations = Json::array();
    const int count = Number(1, 5);
    for (int i = 0; i < count; ++i) operations.push_back(Operation());
    return operations;
  }

 private:
  int Number(int low, int high) { return std::uniform_int_distribution<>(low, high)(random_); }
  bool OneIn(int n) { return Number(1, n) == 1; }

  // A row there is, one that this transaction inserts, or seldom one that is not.
  Json RowOf(const std::string& table) {
    std::vector<std::string> uuids = fresh_[table];
    for (const auto& [uuid, row] : tables_->at(table)) uuids.push_back(uuid);
    if (uuids.empty() || OneIn(25)) return {"uuid", ovsdb::Uuid::Random().ToString()};
    return {"uuid", uuids[static_cast<size_t>(Number(0, static_cast<int>(uuids.size()) - 1))]};
  }
  Json RowsOf(const std::string& table) {
    std::set<Json> rows;
    for (int i = Number(0, 2); i > 0; --i) rows.insert(RowOf(table));
    return {"set", Json(std::vector<Json>(rows.begin(), rows.end()))};
  }
  Json RowMap(bool value_is_row) {
    std::map<Json, Json> pairs;
    for (int i = Number(0, 2); i > 0; --i) {
      pairs[RowOf("Child")] = value_is_row ? RowOf("Child") : Json("x");
    }
    Json json = Json::array();
    for (const auto& [key, value] : pairs) json.push_back(Json::array({key, value}));
    return {"map", json};
  }

  Json Columns(const std::string& table, bool inserts) {
    Json row = Json::object();
    if (table == "Root") {
      if (inserts) row["name"] = std::string(1, static_cast<char>('a' + Number(0, 7)));
      if (OneIn(3)) row["num"] = Number(0, 3);
      if (OneIn(4)) row["i"] = Number(-10, 10);
      if (OneIn(2)) row["child"] = RowsOf("Child");
      if (OneIn(4)) row["weak"] = RowsOf("Child");
      if (OneIn(5)) row["wmap"] = RowMap(false);
      if (OneIn(5)) row["both"] = RowMap(true);
      if (OneIn(4))
        row["eph"] = {"map", Json::array({Json::array({"k", std::to_string(Number(0, 3))})})};
    } else if (table == "Child") {
      if (inserts || OneIn(2)) row["name"] = std::string(1, static_cast<char>('A' + Number(0, 15)));
      if (OneIn(3)) row["sub"] = RowsOf("Child");
    } else if (table == "One") {
      row["x"] = Number(0, 3);
    } else if (table == "Two") {
      row["x"] = Number(0, 1);
      row["y"] = Number(0, 1);
    } else if (inserts || OneIn(2)) {
      row["w"] = RowOf("Root");
    }
    return row;
  }

  Json Where(const std::string& table) {
    if (OneIn(8)) return Json::array();
    if (table == "Root" && OneIn(3)) return {{"num", "==", Number(0, 3)}};
    return {{"_uuid", "==", RowOf(table)}};
  }

  Json Mutation(const std::string& table) {
    const char* what = OneIn(2) ? "insert" : "delete";
    if (table == "Child") return {"sub", what, RowsOf("Child")};
    if (table == "Root" && OneIn(2)) return {"child", what, RowsOf("Child")};
    if (table == "Root" && OneIn(2)) return {"weak", what, RowsOf("Child")};
    if (table == "Root") return {"i", "+=", 3};
    if (table == "Need") return {"w", what, RowOf("Root")};
    return {"x", "+=", 1};
  }

  Json Operation() {
    const char* tables[] = {"Root", "Root", "Child", "Child", "Child", "One", "Two", "Need"};
    const std::string table = tables[Number(0, 7)];
    const int kind = Number(1, 10);
    if (kind <= 5) {
      const std::string uuid = ovsdb::Uuid::Random().ToString();
      fresh_[table].push_back(uuid);
      return {{"op", "insert"}, {"table", table}, {"uuid", uuid}, {"row", Columns(table, true)}};
    }
    if (kind <= 7) {
      return {{"op", "update"},
              {"table", table},
              {"where", Where(table)},
              {"row", Columns(table, false)}};
    }
    if (kind <= 8) return {{"op", "delete"}, {"table", table}, {"where", Where(table)}};
    return {{"op", "mutate"},
            {"table", table},
            {"where", Where(table)},
            {"mutations", Json::array({Mutation(table)})}};
  }

  std::mt19937 random_;
  const NaiveDatabase::Tables* tables_ = nullptr;
  std::map<std::string, std::vector<std::string>> fresh_;
};

NaiveDatabase::Tables ContentsOf(const Database& database) {
  NaiveDatabase::Tables tables;
  for (const auto& [name, rows] : database.tables()) {
    NaiveDatabase::Rows& to = tables[name];
    for (const auto& [uuid, row] : rows) {
      for (const auto& [column, value] : row->columns) {
        const auto& type = database.schema().tables.at(name).columns.at(column).type;
        to[uuid.ToString()][column] = NaiveDatabase::ValueOf(ToJson(type, value), type.IsMap());
      }
    }
  }
  return tables;
}

// The first row that differs, for people.
std::string Difference(const NaiveDatabase::Tables& a, const NaiveDatabase::Tables& b) {
  for (const auto& [table, rows] : a) {
    if (rows.size() != b.at(table).size()) return table + ": other rows";
    for (const auto& [uuid, row] : rows) {
      if (b.at(table).count(uuid) == 0) return table + " " + uuid + " is missing";
      for (const auto& [column, value] : row) {
        if (b.at(table).at(uuid).at(column) != value) return table + " " + uuid + " " + column;
      }
    }
  }
  return "";
}

TEST(DatabasePropertyTest, IsWhatAPlainModelIs) {
  size_t committed = 0;
  size_t failed = 0;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    Generator generator(seed);
    NaiveDatabase naive(TestSchema());
    FakeRowStore store;
    auto database = *Database::Open(TestSchema(), &store);
    for (int step = 0; step < 150; ++step) {
      const Json operations = generator.Transaction(naive.tables());
      const std::string expected = naive.Transact(operations);
      const Outcome outcome = database->Transact(operations, {});
      std::string error;
      for (const Json& result : outcome.results) {
        if (result.is_object() && result.contains("error")) error = result["error"];
      }
      const std::string about = "seed " + std::to_string(seed) + " step " + std::to_string(step) +
                                ": " + ovsdb::ToText(operations) + " -> " +
                                ovsdb::ToText(outcome.results);
      ASSERT_EQ(error, expected) << about;
      ASSERT_EQ(outcome.committed, expected.empty()) << about;
      ASSERT_EQ(Difference(naive.tables(), ContentsOf(*database)), "") << about;
      ++(outcome.committed ? committed : failed);
      if (step % 25 != 24) continue;
      auto reopened = Database::Open(TestSchema(), &store);
      ASSERT_TRUE(reopened.ok()) << reopened.status() << about;
      database = *std::move(reopened);
      naive.ForgetEphemeral();
      ASSERT_EQ(Difference(naive.tables(), ContentsOf(*database)), "") << about;
    }
  }
  // Both happen often.
  EXPECT_GT(committed, 600u);
  EXPECT_GT(failed, 600u);
}

}  // namespace
}  // namespace outrider::ovs
