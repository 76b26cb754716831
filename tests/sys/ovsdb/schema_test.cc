#include "vswitch/sys/ovsdb/schema.h"

#include <gtest/gtest.h>

#include <utility>

namespace outrider::ovsdb {
namespace {

constexpr char kSchema[] = R"({"name":"D","version":"1.2.3","tables":{
  "A":{"isRoot":true,"maxRows":2,"indexes":[["i","s"],["s"]],"columns":{
    "i":{"type":{"key":{"type":"integer","minInteger":1,"maxInteger":9}},"mutable":false},
    "s":{"type":"string","ephemeral":true},
    "l":{"type":{"key":{"type":"string","minLength":1,"maxLength":5},"min":0}},
    "r":{"type":{"key":{"type":"real","minReal":-1.5,"maxReal":2.5},"min":0,"max":3}},
    "e":{"type":{"key":{"type":"string","enum":["set",["a","b"]]},"min":0}},
    "m":{"type":{"key":"integer","value":{"type":"uuid","refTable":"B"},"min":0,"max":"unlimited"}},
    "w":{"type":{"key":{"type":"uuid","refTable":"B","refType":"weak"},"min":0}}}},
  "B":{"columns":{"b":{"type":"boolean"}}}}})";

TEST(SchemaTest, GoesThereAndBack) {
  const Json json = Json::parse(kSchema);
  const auto schema = SchemaFromJson(json);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(ToJson(*schema), json);
  EXPECT_EQ(*SchemaFromJson(ToJson(*schema)), *schema);

  const TableSchema& table = schema->tables.at("A");
  EXPECT_TRUE(table.is_root);
  EXPECT_EQ(table.max_rows, 2u);
  EXPECT_FALSE(table.columns.at("i").is_mutable);
  EXPECT_TRUE(table.columns.at("i").type.IsScalar());
  EXPECT_TRUE(table.columns.at("s").ephemeral);
  EXPECT_TRUE(table.columns.at("l").type.IsOptionalScalar());
  EXPECT_TRUE(table.columns.at("m").type.IsMap());
  EXPECT_EQ(table.columns.at("m").type.value->ref, RefKind::kStrong);
  EXPECT_EQ(table.columns.at("w").type.key.ref, RefKind::kWeak);
  EXPECT_FALSE(schema->tables.at("B").is_root);
}

TEST(SchemaTest, WhereNoTableIsARootAllAre) {
  const auto schema = SchemaFromJson(Json::parse(
      R"({"name":"D","version":"1.0.0","tables":{"B":{"columns":{"b":{"type":"boolean"}}}}})"));
  ASSERT_TRUE(schema.ok());
  EXPECT_TRUE(schema->tables.at("B").is_root);
}

TEST(SchemaTest, ErrorsNameTableAndColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {"5", "schema: no tables"},
      {R"({"tables":{"A":5}})", "table A: no columns"},
      {R"({"tables":{"A":{"columns":{"c":5}}}})", "table A: column c: not an object"},
      {R"({"tables":{"A":{"columns":{"c":{"type":"text"}}}}})",
       "table A: column c: \"text\" is not an atomic type"},
      {R"({"tables":{"A":{"columns":{"c":{"type":{"key":"string","min":2}}}}}})",
       "table A: column c: \"min\" must be 0 or 1 and \"max\" at least 1"},
      {R"({"tables":{"A":{"columns":{"c":{"type":{"key":"string","max":-1}}}}}})",
       "table A: column c: \"max\" is -1"},
      {R"({"tables":{"A":{"columns":{"c":{"type":"string","mutable":1}}}}})",
       "table A: column c: \"mutable\" is 1"},
      {R"({"tables":{"A":{"columns":{"c":{"type":{"key":{"type":"uuid","refTable":"B"}}}}}}})",
       "table A column c: no table B"},
      {R"({"tables":{"A":{"columns":{},"indexes":[["x"]]}}})",
       "table A: index on \"x\", which is not a column"},
      {R"({"tables":{"A":{"columns":{"c":{"type":{"key":{"type":"integer","minInteger":2,"maxInteger":1}}}}}}})",
       "table A: column c: minInteger exceeds maxInteger"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_EQ(Message(SchemaFromJson(Json::parse(text)).status()), message) << text;
  }
}

TEST(SchemaTest, DefaultsAreEmptyWhereThatIsAllowed) {
  const auto schema = *SchemaFromJson(Json::parse(kSchema));
  const auto& columns = schema.tables.at("A").columns;
  EXPECT_EQ(DefaultDatum(columns.at("i").type), Datum::Of(int64_t{0}));
  EXPECT_EQ(DefaultDatum(columns.at("s").type), Datum::Of(std::string()));
  EXPECT_TRUE(DefaultDatum(columns.at("l").type).empty());
  EXPECT_TRUE(DefaultDatum(columns.at("m").type).empty());
  EXPECT_EQ(DefaultDatum(schema.tables.at("B").columns.at("b").type), Datum::Of(false));
}

}  // namespace
}  // namespace outrider::ovsdb
