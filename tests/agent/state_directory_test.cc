// The lock between agents, with processes that hold it.
#include "vswitch/agent/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <mutex>

#include "tests/agent/temp_dir.h"

namespace outrider::agent {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// Runs a function on the first line that is logged, and keeps the line.
class OnFirstLine : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit OnFirstLine(std::function<void()> act) : act_(std::move(act)) {}
  const std::string& line() const { return line_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!line_.empty()) return;
    line_ = std::string(message.payload.data(), message.payload.size());
    act_();
  }
  void flush_() override {}

 private:
  const std::function<void()> act_;
  std::string line_;
};

// A process that holds the lock, and one more that the lock stays with when it is killed, as it
// does with threads that have not ended yet. Both are gone with the object.
class HoldingAgent {
 public:
  explicit HoldingAgent(const std::string& directory) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    first_ = fork();
    if (first_ == 0) Hold(directory, ends[1]);
    pid_ = first_;
    close(ends[1]);
    if (read(ends[0], &rest_, sizeof(rest_)) != sizeof(rest_)) throw std::runtime_error("no lock");
    close(ends[0]);
  }
  ~HoldingAgent() {
    KillFirst();
    KillRest();
  }

  pid_t pid() const { return pid_; }
  void KillFirst() {
    if (first_ <= 0) return;
    kill(first_, SIGKILL);
    waitpid(first_, nullptr, 0);
    first_ = 0;
  }
  void KillRest() {
    if (rest_ > 0) kill(rest_, SIGKILL);
    rest_ = 0;
  }

 private:
  [[noreturn]] static void Hold(const std::string& directory, int report) {
    const auto lock = StateDirectory::Lock(directory);
    const pid_t rest = lock.ok() ? fork() : 0;
    if (rest > 0 && write(report, &rest, sizeof(rest)) != sizeof(rest)) _exit(1);
    close(report);
    while (lock.ok()) pause();
    _exit(1);
  }

  pid_t pid_ = 0;
  // 0: killed.
  pid_t first_ = 0;
  pid_t rest_ = 0;
};

class StateDirectoryTest : public ::testing::Test {
 protected:
  void TearDown() override { spdlog::set_default_logger(before_); }
  std::shared_ptr<OnFirstLine> Log(std::function<void()> act) {
    auto sink = std::make_shared<OnFirstLine>(std::move(act));
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("capture", sink));
    return sink;
  }

  const TempDir temp_;
  const std::string path_ = temp_.path() + "/agent";
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(StateDirectoryTest, NobodyWaitsForAnAgentThatIsGone) {
  const auto log = Log([] {});
  { ASSERT_TRUE(StateDirectory::Lock(path_, milliseconds(0)).ok()); }
  EXPECT_TRUE(StateDirectory::Lock(path_, milliseconds(0)).ok());
  EXPECT_EQ(log->line(), "");
}

TEST_F(StateDirectoryTest, WaitsForWhatAKilledAgentStillHolds) {
  HoldingAgent other(path_);
  other.KillFirst();
  const auto log = Log([&other] { other.KillRest(); });
  const auto lock = StateDirectory::Lock(path_, milliseconds(60'000));
  EXPECT_TRUE(lock.ok()) << lock.status();
  EXPECT_EQ(log->line(),
            fmt::format("state directory {}: locked by another agent (pid {}); waiting up to 60000 "
                        "ms for its end",
                        path_, other.pid()));
}

TEST_F(StateDirectoryTest, ASecondAgentIsRefused) {
  const HoldingAgent other(path_);
  const auto lock = StateDirectory::Lock(path_, milliseconds(50));
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(lock.status()),
            fmt::format("state directory {}: another agent (pid {}) runs on it; stop that one, or "
                        "give this one a --state-dir, --socket and --bpffs of its own",
                        path_, other.pid()));
}

// An older agent wrote no pid.
TEST_F(StateDirectoryTest, AHolderNeedNotBeKnown) {
  { ASSERT_TRUE(StateDirectory::Lock(path_).ok()); }
  const int fd = open((path_ + "/lock").c_str(), O_RDWR | O_TRUNC | O_CLOEXEC);
  ASSERT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
  for (const std::string text : {"", "x", "-7", "99999999999999999999"}) {
    std::ofstream(path_ + "/lock") << text;
    const auto lock = StateDirectory::Lock(path_, milliseconds(0));
    EXPECT_THAT(Message(lock.status()), HasSubstr(": another agent runs on it")) << text;
  }
  close(fd);
}

}  // namespace
}  // namespace outrider::agent
