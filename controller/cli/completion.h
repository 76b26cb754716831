// Shell completion: what may come next on a command line, and the scripts that ask.
//
// Candidates come from the option tree itself, so a new command completes by being there; names of
// objects come from the controller, if it answers quickly. The scripts are the files of
// deploy/completion, compiled in. Single-threaded.
#ifndef OUTRIDER_CONTROLLER_CLI_COMPLETION_H_
#define OUTRIDER_CONTROLLER_CLI_COMPLETION_H_

#include <string>
#include <vector>

#include "controller/cli/invocation.h"

namespace outrider::controller::cli {

// First word of the lines the scripts run: `outrider __complete WORD...`. The last word is the one
// being typed, possibly empty.
inline constexpr char kCompleteCommand[] = "__complete";

// Candidates for the last word, one "word<TAB>description" a line, sorted as the help is. Never
// fails: where the controller is needed and silent there are none.
std::string Complete(Invocation* cli, CLI::App* root, const std::vector<std::string>& words);

// The scripts of deploy/completion (generated).
extern const char kBashCompletion[];
extern const char kZshCompletion[];
extern const char kFishCompletion[];

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_COMPLETION_H_
