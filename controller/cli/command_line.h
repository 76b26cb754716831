// Where in the option tree a command line leads, without running or checking it.
//
// For messages about unknown commands and for completion, which both look at lines CLI11 would
// refuse. Pure; single-threaded, as CLI11's tree is.
#ifndef OUTRIDER_CONTROLLER_CLI_COMMAND_LINE_H_
#define OUTRIDER_CONTROLLER_CLI_COMMAND_LINE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace outrider::controller::cli {

struct WalkedLine {
  // The innermost command the words name; the root at least.
  CLI::App* command = nullptr;
  // The option whose value comes next; null when none waits for one.
  const CLI::Option* pending = nullptr;
  // Positional arguments given to `command`.
  size_t positionals = 0;
  // The first word that should name a command below `command` and does not; empty when all do.
  std::string unknown;
};

WalkedLine WalkLine(CLI::App* root, const std::vector<std::string>& words);

// Names of the commands directly below, in the order of the help.
std::vector<std::string> CommandNames(const CLI::App& command);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_COMMAND_LINE_H_
