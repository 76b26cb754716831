#include "vswitch/ovs/unixctl_server.h"

#include <unistd.h>

#include <filesystem>

#include "tests/ovs/server_fixture.h"
#include "vswitch/ovs/unixctl_session.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::ToText;

class UnixctlServerTest : public testing::Test {
 protected:
  UnixctlServerTest() {
    commands_.Add("greet", {.usage = "[name]...",
                            .max_arguments = UnixctlCommand::kAny,
                            .run = [](const UnixctlArguments& a) -> absl::StatusOr<std::string> {
                              return a.empty() ? "" : "hello " + a[0];
                            }});
  }
  absl::StatusOr<std::unique_ptr<UnixctlServer>> Make() {
    UnixctlServer::Options options;
    options.run_dir = folder_.path();
    return UnixctlServer::Create(loop_.get(), &commands_, options);
  }
  // What comes back; "closed" when the server hangs up instead.
  std::string Ask(const std::string& socket, const std::string& words) {
    SocketClient client = SocketClient::To("unix:" + socket);
    client.Say(words);
    for (int i = 0; i < 1000; ++i) {
      loop_->RunOnce(std::chrono::milliseconds(5));
      if (const auto heard = client.Hear()) return ToText(*heard);
      if (client.closed()) return "closed";
    }
    return "nothing";
  }

  agent::TempDir folder_;
  std::unique_ptr<stream::PollLoop> loop_ = stream::PollLoop::Create().value();
  UnixctlCommands commands_;
};

TEST_F(UnixctlServerTest, IsFoundByItsPidAndLeavesNothing) {
  auto server = Make();
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string path = folder_.path() + "/ovs-vswitchd." + std::to_string(getpid()) + ".ctl";
  EXPECT_EQ((*server)->socket_path(), path);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "ovs-vswitchd.pid"));
  EXPECT_EQ(Ask(path, R"({"method":"greet","params":["you"],"id":3})"),
            R"({"error":null,"id":3,"result":"hello you\n"})");
  server->reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(UnixctlServerTest, SocketsOfTheDeadAreRemoved) {
  const std::string stale = folder_ / "ovs-vswitchd.4194399.ctl";
  { ASSERT_TRUE(stream::Listen({.passive = true, .path = stale}, 0600).ok()); }
  ASSERT_TRUE(std::filesystem::exists(stale));
  const auto server = Make();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_FALSE(std::filesystem::exists(stale));
}

// As ovs-vswitchd answers the same words.
TEST_F(UnixctlServerTest, WhatIsNoRequestEndsTheConnection) {
  const auto server = Make().value();
  const std::string& path = server->socket_path();
  EXPECT_EQ(Ask(path, R"({"method":"greet","params":[],"id":1}{"method":"x","params":[],"id":2})"),
            R"({"error":null,"id":1,"result":""})");
  EXPECT_EQ(Ask(path, R"({"method":"greet","params":[3],"id":1})"),
            R"({"error":"\"greet\" command has non-string argument\n","id":1,"result":null})");
  EXPECT_EQ(Ask(path, R"({"method":"greet","params":[],"id":null})"), "closed");
  EXPECT_EQ(Ask(path, R"({"method":"greet","id":4})"), "closed");
  EXPECT_EQ(Ask(path, "not json"), "closed");
  std::string many = R"({"method":"greet","id":1,"params":[0)";
  for (size_t i = 0; i < UnixctlSession::kMaxMembers; ++i) many += ",0";
  EXPECT_EQ(Ask(path, many + "]}"), "closed");
  EXPECT_EQ(Ask(path, R"({"method":"greet","params":["a"],"id":5})"),
            R"({"error":null,"id":5,"result":"hello a\n"})");
}

}  // namespace
}  // namespace outrider::ovs
