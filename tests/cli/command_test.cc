#include "vswitch/cli/command.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

std::string Error(const std::vector<std::string>& words, const CommandOptions& options = {}) {
  return Message(ParseCommands(words, options).status());
}

TEST(CommandTest, DashesPartCommands) {
  const auto commands =
      ParseCommands({"--", "--", "--may-exist", "add-port", "br0", "p", "--", "list-br", "--"}, {});
  ASSERT_TRUE(commands.ok()) << commands.status();
  ASSERT_EQ(commands->size(), 2U);
  EXPECT_EQ((*commands)[0].args, (std::vector<std::string>{"add-port", "br0", "p"}));
  EXPECT_TRUE((*commands)[0].Has("--may-exist"));
  EXPECT_FALSE((*commands)[1].Has("--may-exist"));
}

TEST(CommandTest, OptionsAmongTheGlobalOnesAreTheFirstCommands) {
  const auto commands =
      ParseCommands({"get", "Port", "p", "tag", "--", "list-br"}, {{"--if-exists", std::nullopt}});
  ASSERT_TRUE(commands.ok());
  EXPECT_TRUE((*commands)[0].Has("--if-exists"));
  EXPECT_FALSE((*commands)[1].Has("--if-exists"));
}

TEST(CommandTest, WhatIsWrongIsSaidAsTheRealToolDoes) {
  EXPECT_EQ(Error({}), "missing command name (use --help for help)");
  EXPECT_EQ(Error({"--", "list-br"}, {{"--if-exists", std::nullopt}}),
            "missing command name (use --help for help)");
  EXPECT_EQ(Error({"foo"}), "unknown command 'foo'; use --help for help");
  EXPECT_EQ(Error({"add-br"}), "'add-br' command requires at least 1 arguments");
  EXPECT_EQ(Error({"list-br", "x"}), "'list-br' command takes at most 0 arguments");
  EXPECT_EQ(Error({"list-br", "-x"}),
            "'list-br' command takes at most 0 arguments (note that options must precede command "
            "names and follow a \"--\" argument)");
  EXPECT_EQ(Error({"--if-exists", "add-br", "b"}), "'add-br' command has no '--if-exists' option");
  EXPECT_EQ(Error({"--may-exist=1", "add-br", "b"}),
            "'--may-exist' option on 'add-br' does not accept an argument");
  EXPECT_EQ(Error({"--columns", "list", "Port"}),
            "missing argument to '--columns' option on 'list' command");
  EXPECT_EQ(Error({"--real", "--real", "list-br"}), "'--real' option specified multiple times");
  // A name that is only the beginning of an option's.
  EXPECT_EQ(Error({"--may", "add-br", "b"}), "'add-br' command has no '--may' option");
}

TEST(CommandTest, TheTableIsInOrderAndComplete) {
  const auto& table = CommandTable();
  EXPECT_EQ(table.size(), 50U);
  EXPECT_TRUE(std::is_sorted(table.begin(), table.end(), [](const auto& a, const auto& b) {
    return std::string(a.name) < b.name;
  }));
  for (const CommandSyntax& syntax : table) {
    EXPECT_EQ(FindCommand(syntax.name), &syntax);
    EXPECT_NE(syntax.plan, nullptr) << syntax.name;
    EXPECT_LE(syntax.min, syntax.max) << syntax.name;
  }
}

}  // namespace
}  // namespace outrider::cli
