// The groups of commands, one source file each. Every function adds its commands below `root`; what
// they parse into lives as long as the option tree. Single-threaded.
#ifndef OUTRIDER_CONTROLLER_CLI_COMMANDS_H_
#define OUTRIDER_CONTROLLER_CLI_COMMANDS_H_

#include "controller/cli/invocation.h"

namespace outrider::controller::cli {

void AddSegmentCommands(Invocation* cli, CLI::App* root);
void AddProfileCommands(Invocation* cli, CLI::App* root);
void AddGroupCommands(Invocation* cli, CLI::App* root);
void AddPortGroupCommands(Invocation* cli, CLI::App* root);
void AddGatewayCommands(Invocation* cli, CLI::App* root);
void AddHostCommands(Invocation* cli, CLI::App* root);
void AddMigrationCommands(Invocation* cli, CLI::App* root);
void AddStateCommands(Invocation* cli, CLI::App* root);
void AddTraceCommand(Invocation* cli, CLI::App* root);
void AddCaptureCommand(Invocation* cli, CLI::App* root);
void AddStatusCommand(Invocation* cli, CLI::App* root);
void AddConntrackCommands(Invocation* cli, CLI::App* root);
void AddStationCommands(Invocation* cli, CLI::App* root);
void AddCompletionCommands(Invocation* cli, CLI::App* root);

// The rest of `profile`: from a draft to the end.
void AddProfileLifeCommands(Invocation* cli, CLI::App* profile_group);

// `port`: what the controller knows of ports, and what the local agent does with devices.
void AddPortCommands(Invocation* cli, CLI::App* root);
void AddLocalPortCommands(Invocation* cli, CLI::App* port_group);
// `port list --local`.
absl::StatusOr<int> ListLocalPorts(Invocation* cli);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_COMMANDS_H_
