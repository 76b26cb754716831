#include "tests/support/run_ip.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "vswitch/types/unique_fd.h"

namespace outrider::tests {
namespace {

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 4096> piece;
  for (ssize_t count = 0; (count = read(fd, piece.data(), piece.size())) > 0;) {
    text.append(piece.data(), static_cast<size_t>(count));
  }
  return text;
}

}  // namespace

std::string RunIp(const NetworkNamespace& netns, const std::string& words) {
  std::vector<std::string> arguments = {"ip"};
  std::istringstream stream(words);
  for (std::string word; stream >> word;) arguments.push_back(word);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const NetnsScope scope(netns);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    dup2(writer.get(), STDOUT_FILENO);
    execvp("ip", argv.data());
    _exit(127);
  }
  writer.Reset();
  std::string output = ReadAll(reader.get());
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error("ip " + words + ": failed");
  }
  return output;
}

}  // namespace outrider::tests
