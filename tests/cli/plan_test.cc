#include "vswitch/cli/plan.h"

#include <gtest/gtest.h>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

// What the commands of a line would fetch.
std::string Selects(const std::vector<std::string>& words, bool whole = false) {
  Plan plan(&ovsdb::OpenVSwitchSchema(), whole);
  const auto commands = ParseCommands(words, {});
  EXPECT_TRUE(commands.ok()) << commands.status();
  for (const Command& command : *commands) {
    const absl::Status planned = command.syntax->plan(command, &plan);
    if (!planned.ok()) return Message(planned);
  }
  std::string text;
  for (const auto& operation : plan.Operations().operations) {
    text += operation["table"].get<std::string>() + ovsdb::ToText(operation["where"]) +
            ovsdb::ToText(operation["columns"]) + "\n";
  }
  return text;
}

TEST(PlanTest, OneRowByNameIsAllThatIsAskedFor) {
  EXPECT_EQ(Selects({"set", "int", "v0", "external_ids:PortData=x", "mtu=1"}),
            "Interface[[\"name\",\"==\",\"v0\"]][\"external_ids\",\"mtu\",\"name\",\"_uuid\"]\n");
}

TEST(PlanTest, WhatCouldBeginAUuidNeedsTheTable) {
  EXPECT_EQ(Selects({"get", "Port", "beef", "tag"}), "Port[][\"name\",\"tag\",\"_uuid\"]\n");
}

TEST(PlanTest, ANewPortNeedsTheNamesOnly) {
  EXPECT_EQ(Selects({"add-port", "br0", "p"}),
            "Bridge[[\"name\",\"==\",\"br0\"]][\"name\",\"_uuid\"]\n"
            "Bridge[[\"name\",\"==\",\"p\"]][\"name\",\"_uuid\"]\n"
            "Interface[[\"name\",\"==\",\"p\"]][\"name\",\"_uuid\"]\n"
            "Port[[\"name\",\"==\",\"p\"]][\"name\",\"_uuid\"]\n");
  EXPECT_EQ(Selects({"add-port", "br0", "p"}, true).find("=="), std::string::npos);
}

TEST(PlanTest, ManyNamesAreATable) {
  std::vector<std::string> words;
  for (int i = 0; i < 20; ++i) {
    words.insert(words.end(), {"--", "get", "Port", "v" + std::to_string(i), "tag"});
  }
  EXPECT_EQ(Selects(words), "Port[][\"name\",\"tag\",\"_uuid\"]\n");
}

TEST(PlanTest, RowsByWhatRefersToThem) {
  EXPECT_EQ(Selects({"get", "Controller", "br0", "target"}),
            "Bridge[][\"controller\",\"name\",\"_uuid\"]\nController[][\"target\",\"_uuid\"]\n");
}

TEST(PlanTest, ErrorsComeBeforeAnythingIsAsked) {
  EXPECT_EQ(Selects({"set", "Foo", "x", "a=b"}), "unknown table \"Foo\"");
  EXPECT_EQ(Selects({"find", "Port", "foo=1"}),
            "Port does not contain a column whose name matches \"foo\"");
}

TEST(PlanTest, ColumnsTheServerDoesNotHaveAreLeftOut) {
  ovsdb::DatabaseSchema old = ovsdb::OpenVSwitchSchema();
  old.tables.at("Port").columns.erase("fake_bridge");
  old.tables.erase("Manager");
  Plan plan(&old, true);
  BridgeIndex::PlanFor(&plan);
  plan.Need("Manager", {"target"});
  for (const auto& operation : plan.Operations().operations) {
    EXPECT_EQ(ovsdb::ToText(operation).find("fake_bridge"), std::string::npos);
    EXPECT_NE(operation["table"], "Manager");
  }
}

}  // namespace
}  // namespace outrider::cli
