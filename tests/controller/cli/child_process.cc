#include "tests/controller/cli/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>

namespace outrider::controller::cli {
namespace {

constexpr std::chrono::seconds kPatience(30);
constexpr int kStepMs = 50;

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
  }
  ~Pipe() {
    CloseWriter();
    close(ends[0]);
  }
  void CloseWriter() {
    if (ends[1] >= 0) close(ends[1]);
    ends[1] = -1;
  }
  std::array<int, 2> ends = {-1, -1};
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Reads both pipes until both are closed or time is up; false: time is up.
bool ReadBoth(int out, int err, std::function<void()> each_time, ChildResult* result) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::array<pollfd, 2> files = {{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  const std::array<std::string*, 2> texts = {&result->out, &result->err};
  while (files[0].fd >= 0 || files[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    poll(files.data(), files.size(), std::min(static_cast<int>(left.count()), kStepMs));
    each_time();
    for (size_t i = 0; i < files.size(); ++i) {
      if (files[i].fd < 0 || files[i].revents == 0) continue;
      std::array<char, 4096> bytes;
      const ssize_t got = read(files[i].fd, bytes.data(), bytes.size());
      if (got > 0) texts[i]->append(bytes.data(), static_cast<size_t>(got));
      if (got <= 0) files[i].fd = -1;
    }
  }
  return true;
}

// A file, not a pipe: a child that does not read cannot block the test.
std::string InputFile(const ChildCommand& command) {
  const std::string path = command.directory + "/.stdin";
  std::ofstream(path, std::ios::binary) << command.input;
  return path;
}

}  // namespace

ChildResult RunChild(const ChildCommand& command) {
  Pipe out;
  Pipe err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, InputFile(command).c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err.ends[1], 2);
  posix_spawn_file_actions_addchdir_np(&actions, command.directory.c_str());
  ChildResult result;
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, command.argv[0].c_str(), &actions, nullptr, Pointers(command.argv).data(),
                  Pointers(command.environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return result;
  out.CloseWriter();
  err.CloseWriter();
  bool interrupted = command.interrupt_when == nullptr;
  const auto interrupt = [&] {
    if (interrupted || !command.interrupt_when()) return;
    interrupted = true;
    kill(pid, SIGINT);
  };
  if (!ReadBoth(out.ends[0], err.ends[0], interrupt, &result)) kill(pid, SIGKILL);
  int status = 0;
  waitpid(pid, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace outrider::controller::cli
