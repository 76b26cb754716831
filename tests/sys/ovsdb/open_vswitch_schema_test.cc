#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/schema.h"

namespace outrider::ovsdb {
namespace {

const ColumnSchema& ColumnOf(const char* table, const char* column) {
  return OpenVSwitchSchema().tables.at(table).columns.at(column);
}

std::string TypeText(const char* table, const char* column) {
  return ToText(ToJson(ColumnOf(table, column).type));
}

// Numbers of the 8.3.1 schema that Open vSwitch 3.1 serves.
TEST(OpenVSwitchSchemaTest, HasAllTablesAndColumns) {
  const DatabaseSchema& schema = OpenVSwitchSchema();
  EXPECT_EQ(schema.name, "Open_vSwitch");
  EXPECT_EQ(schema.version, "8.3.1");
  const std::map<std::string, size_t> expected = {
      {"AutoAttach", 3}, {"Bridge", 22},     {"CT_Timeout_Policy", 2},
      {"CT_Zone", 2},    {"Controller", 17}, {"Datapath", 4},
      {"Flow_Table", 6}, {"IPFIX", 8},       {"Flow_Sample_Collector_Set", 4},
      {"Interface", 35}, {"Manager", 8},     {"Mirror", 10},
      {"NetFlow", 6},    {"Port", 22},       {"Open_vSwitch", 17},
      {"QoS", 4},        {"Queue", 3},       {"SSL", 5},
      {"sFlow", 6}};
  std::map<std::string, size_t> counts;
  size_t columns = 0;
  size_t ephemeral = 0;
  for (const auto& [name, table] : schema.tables) {
    counts[name] = table.columns.size();
    columns += table.columns.size();
    for (const auto& [column, type] : table.columns) ephemeral += type.ephemeral ? 1 : 0;
  }
  EXPECT_EQ(counts, expected);
  EXPECT_EQ(columns, 184u);
  EXPECT_EQ(ephemeral, 31u);
}

TEST(OpenVSwitchSchemaTest, HasRootsLimitsAndIndexes) {
  std::set<std::string> roots;
  std::set<std::string> limited;
  std::map<std::string, std::vector<std::vector<std::string>>> indexes;
  std::set<std::string> immutable;
  for (const auto& [name, table] : OpenVSwitchSchema().tables) {
    if (table.is_root) roots.insert(name);
    if (table.max_rows == 1) limited.insert(name);
    if (!table.indexes.empty()) indexes[name] = table.indexes;
    for (const auto& [column, schema] : table.columns) {
      if (!schema.is_mutable) immutable.insert(name + "." + column);
    }
  }
  using Names = std::set<std::string>;
  EXPECT_EQ(roots, (Names{"Flow_Sample_Collector_Set", "Open_vSwitch", "QoS", "Queue"}));
  EXPECT_EQ(limited, (Names{"Open_vSwitch", "SSL"}));
  EXPECT_EQ(immutable, (Names{"Bridge.name", "Interface.name", "Port.name"}));
  const std::map<std::string, std::vector<std::vector<std::string>>> expected = {
      {"Bridge", {{"name"}}},
      {"Port", {{"name"}}},
      {"Interface", {{"name"}}},
      {"Manager", {{"target"}}},
      {"Flow_Sample_Collector_Set", {std::vector<std::string>{"id", "bridge"}}}};
  EXPECT_EQ(indexes, expected);
}

TEST(OpenVSwitchSchemaTest, HasTypesWithTheirConstraints) {
  EXPECT_EQ(TypeText("Port", "tag"),
            R"({"key":{"maxInteger":4095,"minInteger":0,"type":"integer"},"min":0})");
  EXPECT_EQ(TypeText("Port", "trunks"),
            R"({"key":{"maxInteger":4095,"minInteger":0,"type":"integer"},"max":4096,"min":0})");
  EXPECT_EQ(TypeText("Port", "interfaces"),
            R"({"key":{"refTable":"Interface","type":"uuid"},"max":"unlimited"})");
  EXPECT_EQ(TypeText("Mirror", "output_port"),
            R"({"key":{"refTable":"Port","refType":"weak","type":"uuid"},"min":0})");
  EXPECT_EQ(TypeText("QoS", "queues"),
            R"({"key":{"maxInteger":4294967295,"minInteger":0,"type":"integer"},)"
            R"("max":"unlimited","min":0,"value":{"refTable":"Queue","type":"uuid"}})");
  EXPECT_EQ(TypeText("Interface", "external_ids"),
            R"({"key":"string","max":"unlimited","min":0,"value":"string"})");
  EXPECT_EQ(TypeText("Interface", "mtu_request"),
            R"({"key":{"minInteger":1,"type":"integer"},"min":0})");
  EXPECT_EQ(TypeText("Bridge", "name"), "\"string\"");
  EXPECT_FALSE(ColumnOf("Interface", "ofport").ephemeral);
  EXPECT_TRUE(ColumnOf("Interface", "statistics").ephemeral);
}

TEST(OpenVSwitchSchemaTest, IsASchema) {
  const auto read = SchemaFromJson(ToJson(OpenVSwitchSchema()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, OpenVSwitchSchema()) << "also that allowed words are in order";
}

}  // namespace
}  // namespace outrider::ovsdb
