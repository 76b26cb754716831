// One client says much at once, and another one word: it is answered long before all of the first
// one's words are. That is counted in answers, not in time.
#include <thread>
#include <utility>

#include "tests/ovs/server_fixture.h"
#include "vswitch/ovs/unixctl_server.h"
#include "vswitch/sys/stream/turn.h"

namespace outrider::ovs {
namespace {

// What is done at one word; the work itself, nothing is waited for.
constexpr auto kSlow = 2 * stream::Turn::kLength;
constexpr size_t kPipelined = 400;
// One or two a turn, and a few rounds.
constexpr size_t kPromptly = 20;

// As a disk that takes its time.
class SlowStore final : public RowStore {
 public:
  absl::StatusOr<std::vector<StoredRow>> Load() override { return std::vector<StoredRow>{}; }
  absl::Status Write(const std::vector<StoredRow>&, Durability) override {
    std::this_thread::sleep_for(kSlow);
    return absl::OkStatus();
  }
};

size_t Answers(SocketClient* client) {
  size_t answers = 0;
  while (client->Hear()) ++answers;
  return answers;
}

class TurnsTest : public ServerTest {
 protected:
  TurnsTest() { database_ = Database::Open(ovsdb::OpenVSwitchSchema(), &slow_).value(); }
  ~TurnsTest() override {
    server_.reset();
    database_.reset();
  }
  static void SayMany(SocketClient* client, const std::string& request) {
    std::string many;
    for (size_t i = 0; i < kPipelined; ++i) many += request;
    // All of it is one read of the server.
    ASSERT_LT(many.size(), 64u << 10);
    ASSERT_EQ(client->Say(many), many.size());
  }

  SlowStore slow_;
};

TEST_F(TurnsTest, PipelinedTransactionsStopNobody) {
  Start();
  SocketClient busy = Connect();
  SocketClient other = Connect();
  Ask(&busy, "echo", "[]");
  Ask(&other, "echo", "[]");
  SayMany(
      &busy,
      R"({"method":"transact","params":["Open_vSwitch",{"op":"insert","table":"Queue","row":{}}],"id":2})");
  EXPECT_EQ(ovsdb::ToText(Ask(&other, "echo", "[1]")), "[1]");
  size_t answers = Answers(&busy);
  EXPECT_LT(answers, kPromptly);
  EXPECT_TRUE(DriveUntil([&] {
    answers += Answers(&busy);
    return answers == kPipelined;
  })) << answers;
  EXPECT_EQ(database_->tables().at("Queue").size(), kPipelined);
}

// Also of what comes when a turn has begun nothing is lost.
TEST_F(TurnsTest, MoreThanOneReadIsAnsweredInOrder) {
  Start();
  SocketClient busy = Connect();
  Ask(&busy, "echo", "[]");
  std::string many;
  for (size_t i = 0; i < 100; ++i) {
    many += R"({"method":"transact","params":["Open_vSwitch",{"op":"insert","table":"Queue","row":)"
            R"({}},{"op":"comment","comment":")" +
            std::string(2000, 'x') + R"("}],"id":)" + std::to_string(i) + "}";
  }
  size_t said = 0;
  int next = 0;
  EXPECT_TRUE(DriveUntil([&] {
    if (said < many.size()) said += busy.Say(many.substr(said));
    while (const auto heard = busy.Hear()) {
      EXPECT_EQ((*heard)["id"], next);
      ++next;
    }
    return next == 100;
  })) << next;
}

TEST_F(TurnsTest, PipelinedCommandsStopNobody) {
  UnixctlCommands commands;
  commands.Add("slow", {.usage = "",
                        .max_arguments = 0,
                        .run = [](const UnixctlArguments&) -> absl::StatusOr<std::string> {
                          std::this_thread::sleep_for(kSlow);
                          return "done";
                        }});
  UnixctlServer::Options options;
  options.run_dir = folder_.path();
  const auto server = UnixctlServer::Create(loop_.get(), &commands, options).value();
  SocketClient busy = SocketClient::To("unix:" + server->socket_path());
  SocketClient other = SocketClient::To("unix:" + server->socket_path());
  Ask(&busy, "slow", "[]");
  Ask(&other, "slow", "[]");
  SayMany(&busy, R"({"method":"slow","params":[],"id":2})");
  EXPECT_EQ(ovsdb::ToText(Ask(&other, "slow", "[]")), R"("done\n")");
  size_t answers = Answers(&busy);
  EXPECT_LT(answers, kPromptly);
  EXPECT_TRUE(DriveUntil([&] {
    answers += Answers(&busy);
    return answers == kPipelined;
  })) << answers;
}

}  // namespace
}  // namespace outrider::ovs
