// All commands of ovs-vsctl, in one table.
#ifndef OUTRIDER_VSWITCH_CLI_COMMAND_TABLE_H_
#define OUTRIDER_VSWITCH_CLI_COMMAND_TABLE_H_

#include <string>
#include <vector>

#include "vswitch/cli/command.h"
#include "vswitch/cli/plan.h"
#include "vswitch/cli/step.h"

namespace outrider::cli {

// By name.
const std::vector<CommandSyntax>& CommandTable();
// Null: there is none of that name.
const CommandSyntax* FindCommand(const std::string& name);

// The commands by file. Each Plan* says what the Run* of the same name will read.
#define OUTRIDER_CLI_COMMAND(name)                             \
  absl::Status Plan##name(const Command& command, Plan* plan); \
  absl::Status Run##name(Step* step)

// read_commands.cc
OUTRIDER_CLI_COMMAND(Get);
OUTRIDER_CLI_COMMAND(List);
OUTRIDER_CLI_COMMAND(Find);
OUTRIDER_CLI_COMMAND(WaitUntil);
// write_commands.cc
OUTRIDER_CLI_COMMAND(Set);
OUTRIDER_CLI_COMMAND(Add);
OUTRIDER_CLI_COMMAND(Remove);
OUTRIDER_CLI_COMMAND(Clear);
OUTRIDER_CLI_COMMAND(Create);
OUTRIDER_CLI_COMMAND(Destroy);
// show_command.cc
OUTRIDER_CLI_COMMAND(Show);
// bridge_commands.cc
absl::Status PlanBridges(const Command& command, Plan* plan);
absl::Status RunAddBridge(Step* step);
absl::Status RunListBridges(Step* step);
absl::Status RunBridgeExists(Step* step);
absl::Status RunBridgeToVlan(Step* step);
absl::Status RunBridgeToParent(Step* step);
OUTRIDER_CLI_COMMAND(DeleteBridge);
OUTRIDER_CLI_COMMAND(SetExternalId);
OUTRIDER_CLI_COMMAND(GetExternalId);
OUTRIDER_CLI_COMMAND(GetFailMode);
absl::Status RunDeleteFailMode(Step* step);
absl::Status RunSetFailMode(Step* step);
// port_commands.cc
OUTRIDER_CLI_COMMAND(AddPort);
absl::Status RunAddBond(Step* step);
absl::Status RunAddBondInterface(Step* step);
absl::Status RunDeleteBondInterface(Step* step);
absl::Status RunDeletePort(Step* step);
absl::Status RunListPorts(Step* step);
absl::Status RunListInterfaces(Step* step);
absl::Status RunPortToBridge(Step* step);
absl::Status RunInterfaceToBridge(Step* step);
// connection_commands.cc
OUTRIDER_CLI_COMMAND(GetController);
absl::Status RunDeleteController(Step* step);
absl::Status RunSetController(Step* step);
OUTRIDER_CLI_COMMAND(GetManager);
absl::Status RunDeleteManager(Step* step);
absl::Status RunSetManager(Step* step);
OUTRIDER_CLI_COMMAND(GetSsl);
absl::Status RunDeleteSsl(Step* step);
absl::Status RunSetSsl(Step* step);
// switch_commands.cc
OUTRIDER_CLI_COMMAND(EmergencyReset);
OUTRIDER_CLI_COMMAND(AaMapping);
absl::Status RunAddAaMapping(Step* step);
absl::Status RunDeleteAaMapping(Step* step);
OUTRIDER_CLI_COMMAND(ListZones);
absl::Status RunAddZone(Step* step);
absl::Status RunDeleteZone(Step* step);
OUTRIDER_CLI_COMMAND(ListCapabilities);

#undef OUTRIDER_CLI_COMMAND

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_COMMAND_TABLE_H_
