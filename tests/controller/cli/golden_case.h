// Golden files of the CLI: transcripts of one command each, with what the peers are asked and
// answer.
//
//   ## A title                               begins a case
//   $ segment list --json                    the command line, without the program's name;
//   shell-like
//                                            double quotes
//   down controller | down agent             that peer does not listen
//   silent agent | full agent                it listens and answers nobody; and takes no more
//   file web.yaml                            the f> lines that follow are its content
//   f> kind: Profile
//   0> ...                                   standard input
//   call SegmentService/List                 the next call, and its request as protobuf text
//   reply items { ... }                      an answer; several make a stream
//   error NOT_FOUND no such thing            what the call ends with instead of OK
//   stall                                    the call is never answered
//   + ...                                    more of the line before (call and reply)
//   1> ... / 2> ...                          standard output and error, exactly
//   exit 0
//   # ...                                    a comment; empty lines separate
//
// Calls of AgentLocalService go to the agent, all others to the controller. For tests; values.
#ifndef OUTRIDER_TESTS_CONTROLLER_CLI_GOLDEN_CASE_H_
#define OUTRIDER_TESTS_CONTROLLER_CLI_GOLDEN_CASE_H_

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <vector>

#include "tests/controller/cli/scripted_peer.h"

namespace outrider::controller::cli {

struct GoldenCase {
  std::string title;
  int line = 0;
  std::vector<std::string> arguments;
  bool controller_down = false;
  bool agent_down = false;
  bool agent_silent = false;
  bool agent_full = false;
  std::map<std::string, std::string> files;
  std::string input;
  std::vector<ScriptedCall> controller_calls;
  std::vector<ScriptedCall> agent_calls;
  std::string out;
  std::string err;
  int exit_code = -1;
};

// InvalidArgument names file and line of what is not in the form above.
absl::StatusOr<std::vector<GoldenCase>> ReadGoldenFile(const std::string& path);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_TESTS_CONTROLLER_CLI_GOLDEN_CASE_H_
