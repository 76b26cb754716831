// The whole CLI behind main(): the option tree, parsing, exit codes.
//
// Owns how a command line becomes an action and an outcome becomes an exit code. Single-threaded.
#ifndef OUTRIDER_CONTROLLER_CLI_APP_H_
#define OUTRIDER_CONTROLLER_CLI_APP_H_

#include <string>
#include <vector>

#include "controller/cli/invocation.h"

namespace outrider::controller::cli {

// Every command below `root`, which is named "outrider".
void AddAllCommands(Invocation* cli, CLI::App* root);

// Runs one command line (without the program's name) and returns the exit code.
int RunCommandLine(const std::vector<std::string>& words);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_APP_H_
