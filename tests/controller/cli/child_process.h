// Runs one program to its end and keeps what it wrote. For tests; blocking, any thread.
#ifndef OUTRIDER_TESTS_CONTROLLER_CLI_CHILD_PROCESS_H_
#define OUTRIDER_TESTS_CONTROLLER_CLI_CHILD_PROCESS_H_

#include <functional>
#include <string>
#include <vector>

namespace outrider::controller::cli {

struct ChildResult {
  // Exit code; 128 + signal number when it was killed; -1 when it could not be started.
  int exit_code = -1;
  std::string out;
  std::string err;
};

struct ChildCommand {
  // argv[0] is the path of the program.
  std::vector<std::string> argv;
  // "NAME=value"; the whole environment.
  std::vector<std::string> environment;
  std::string directory;
  // Standard input; end of file follows.
  std::string input;
  // Asked several times a second; the child gets SIGINT when it says true. Empty: never.
  std::function<bool()> interrupt_when = nullptr;
};

// Kills the child and reports exit code 137 when it takes more than 30 s.
ChildResult RunChild(const ChildCommand& command);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_TESTS_CONTROLLER_CLI_CHILD_PROCESS_H_
