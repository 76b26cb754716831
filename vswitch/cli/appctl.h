// ovs-appctl: asks a daemon something over its unixctl socket and prints the answer.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_CLI_APPCTL_H_
#define OUTRIDER_VSWITCH_CLI_APPCTL_H_

#include <string>

#include "vswitch/cli/console.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

// The socket of a target: a path that begins with '/', or the name of a daemon, whose locked
// pidfile in the run directory leads to it.
absl::StatusOr<std::string> SocketOf(const std::string& target, Console* console);

// The program. Returns its exit code.
int AppctlMain(int argc, char** argv);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_APPCTL_H_
