// The options of ovs-vsctl's command line: global ones, and those of the first command, which may
// stand among them.
//
// Thread rule: one thread, once (getopt's state is the process's).
#ifndef OUTRIDER_VSWITCH_CLI_VSCTL_OPTIONS_H_
#define OUTRIDER_VSWITCH_CLI_VSCTL_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "vswitch/cli/channel.h"
#include "vswitch/cli/command.h"
#include "vswitch/cli/console.h"
#include "vswitch/cli/output_table.h"

namespace outrider::cli {

// What callers find in the first line of --version, and decide by.
inline constexpr char kOpenVSwitchVersion[] = "3.1.0";

struct VsctlOptions {
  // The database; default: db.sock in the run directory.
  std::string db;
  // Wait until the switch has done what the transaction says.
  bool wait = true;
  bool dry_run = false;
  // One line per command.
  bool oneline = false;
  // Keep trying to connect.
  bool retry = false;
  // 0: not given.
  unsigned timeout = 0;
  TableStyle style;
  TlsFiles tls;
  CommandOptions first_command;
  // What follows the options.
  std::vector<std::string> words;
};

// Absent: the program ends here with `exit_code`; what it had to say is said.
std::optional<VsctlOptions> ParseVsctlOptions(int argc, char** argv, Console* console,
                                              int* exit_code);

// The text of --help.
std::string VsctlHelp(const std::string& program, const std::string& db);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_VSCTL_OPTIONS_H_
