// The real program, run as a process against scripted peers: exact output and exit code.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/controller/cli/child_process.h"
#include "tests/controller/cli/golden_case.h"
#include "tests/controller/cli/silent_peer.h"

namespace outrider::controller::cli {
namespace {

// A directory of its own for each case, gone afterwards. Sockets are in it, so its name is short.
class CaseDirectory {
 public:
  CaseDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "ort-cli-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~CaseDirectory() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

ChildResult Run(const GoldenCase& golden, const std::string& directory) {
  ChildCommand command;
  command.argv = {OUTRIDER_BINARY};
  command.argv.insert(command.argv.end(), golden.arguments.begin(), golden.arguments.end());
  // Relative addresses, so that messages that name them are the same in every directory.
  command.environment = {"OUTRIDER_CONTROLLER=unix:controller.sock",
                         "OUTRIDER_AGENT=unix:agent.sock"};
  command.directory = directory;
  command.input = golden.input;
  return RunChild(command);
}

void Check(const GoldenCase& golden) {
  const CaseDirectory directory;
  std::unique_ptr<ScriptedPeer> controller;
  std::unique_ptr<ScriptedPeer> agent;
  if (!golden.controller_down) {
    controller = std::make_unique<ScriptedPeer>(directory.path() + "/controller.sock",
                                                golden.controller_calls);
  }
  std::unique_ptr<SilentPeer> silent;
  if (golden.agent_silent) {
    silent = std::make_unique<SilentPeer>(directory.path() + "/agent.sock", golden.agent_full);
    ASSERT_EQ(silent->problem(), "");
  } else if (!golden.agent_down) {
    agent = std::make_unique<ScriptedPeer>(directory.path() + "/agent.sock", golden.agent_calls);
  }
  for (const auto& [name, content] : golden.files) {
    std::ofstream(directory.path() + "/" + name, std::ios::binary) << content;
  }
  const ChildResult result = Run(golden, directory.path());
  EXPECT_EQ(result.out, golden.out);
  EXPECT_EQ(result.err, golden.err);
  EXPECT_EQ(result.exit_code, golden.exit_code);
  if (controller != nullptr) {
    EXPECT_EQ(controller->Problems(), "");
  }
  if (agent != nullptr) {
    EXPECT_EQ(agent->Problems(), "");
  }
}

class CliGolden : public testing::TestWithParam<const char*> {};

TEST_P(CliGolden, IsExact) {
  const std::string path = fmt::format("{}/cli_{}.txt", OUTRIDER_GOLDENS, GetParam());
  const auto cases = ReadGoldenFile(path);
  ASSERT_TRUE(cases.ok()) << cases.status();
  ASSERT_FALSE(cases->empty()) << path;
  for (const GoldenCase& golden : *cases) {
    SCOPED_TRACE(fmt::format("{}:{}: {}", path, golden.line, golden.title));
    Check(golden);
  }
}

INSTANTIATE_TEST_SUITE_P(Commands, CliGolden,
                         testing::Values("apply", "capture", "completion", "connection",
                                         "conntrack", "gateway", "group", "help", "host",
                                         "local_port", "migration", "migration_show", "port",
                                         "port_group", "profile", "segment", "state", "station",
                                         "status", "trace", "usage", "yaml"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace outrider::controller::cli
