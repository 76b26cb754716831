#include "controller/cli/command_line.h"

#include <gtest/gtest.h>

#include "controller/cli/app.h"

namespace outrider::controller::cli {
namespace {

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() { AddAllCommands(&cli_, &root_); }

  Invocation cli_;
  CLI::App root_{"", "outrider"};
};

TEST_F(CommandLineTest, FollowsCommandsAndOptions) {
  const WalkedLine line =
      WalkLine(&root_, {"--timeout", "5s", "--json", "segment", "create", "blue", "--vni"});
  EXPECT_EQ(CommandPath(*line.command), "outrider segment create");
  EXPECT_EQ(line.positionals, 1U);
  ASSERT_NE(line.pending, nullptr);
  EXPECT_EQ(line.pending->get_name(), "--vni");
  EXPECT_EQ(line.unknown, "");
  EXPECT_EQ(WalkLine(&root_, {"segment", "create", "--vni=5"}).pending, nullptr);
}

TEST_F(CommandLineTest, StopsAtTheFirstUnknownCommand) {
  const WalkedLine line = WalkLine(&root_, {"segment", "lst", "x"});
  EXPECT_EQ(CommandPath(*line.command), "outrider segment");
  EXPECT_EQ(line.unknown, "lst");
}

// A rule for commands to come: whoever reads a command's help finds examples and global options.
TEST_F(CommandLineTest, EveryCommandHasExamplesAndGlobalOptions) {
  int commands = 0;
  std::vector<CLI::App*> left = {&root_};
  while (!left.empty()) {
    CLI::App* app = left.back();
    left.pop_back();
    const auto children = app->get_subcommands([](CLI::App*) { return true; });
    left.insert(left.end(), children.begin(), children.end());
    if (!children.empty()) continue;
    ++commands;
    EXPECT_EQ(app->get_footer().rfind("Examples:\n  outrider ", 0), 0U) << CommandPath(*app);
    EXPECT_NE(app->get_option_no_throw("--json"), nullptr) << CommandPath(*app);
    EXPECT_NE(app->get_option_no_throw("--timeout"), nullptr) << CommandPath(*app);
  }
  EXPECT_GE(commands, 40);
}

}  // namespace
}  // namespace outrider::controller::cli
