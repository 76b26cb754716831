#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

constexpr size_t kAny = CommandSyntax::kAny;

absl::Status PlanNothing(const Command& /*command*/, Plan* /*plan*/) { return absl::OkStatus(); }

}  // namespace

const std::vector<CommandSyntax>& CommandTable() {
  // name, least and most arguments, arguments, options, whether it may write, plan, run
  static const std::vector<CommandSyntax> kCommands = {
      {"add", 4, kAny, "!TABLE !RECORD !COLUMN +?KEY=VALUE", "--if-exists", true, PlanAdd, RunAdd},
      {"add-aa-mapping", 3, 3, "!BRIDGE !ARG !ARG", "", true, PlanAaMapping, RunAddAaMapping},
      {"add-bond", 4, kAny, "!BRIDGE !BOND +IFACE *COLUMN?:KEY=VALUE", "--may-exist,--fake-iface",
       true, PlanBridges, RunAddBond},
      {"add-bond-iface", 2, 2, "!BOND !IFACE", "--may-exist", true, PlanBridges,
       RunAddBondInterface},
      {"add-br", 1, 3, "!NEW-BRIDGE ?PARENT ?NEW-VLAN", "--may-exist", true, PlanBridges,
       RunAddBridge},
      {"add-port", 2, kAny, "!BRIDGE !NEW-PORT *COLUMN?:KEY=VALUE", "--may-exist", true,
       PlanAddPort, RunAddPort},
      {"add-zone-tp", 3, kAny, "", "--may-exist", true, PlanListZones, RunAddZone},
      {"br-exists", 1, 1, "!BRIDGE", "", false, PlanBridges, RunBridgeExists},
      {"br-get-external-id", 1, 2, "!BRIDGE ?KEY", "", false, PlanGetExternalId, RunGetExternalId},
      {"br-set-external-id", 2, 3, "!BRIDGE !KEY ?VALUE", "", true, PlanSetExternalId,
       RunSetExternalId},
      {"br-to-parent", 1, 1, "!BRIDGE", "", false, PlanBridges, RunBridgeToParent},
      {"br-to-vlan", 1, 1, "!BRIDGE", "", false, PlanBridges, RunBridgeToVlan},
      {"clear", 3, kAny, "!TABLE !RECORD +COLUMN", "--if-exists", true, PlanClear, RunClear},
      {"comment", 0, kAny, "*ARG", "", false, PlanNothing, nullptr},
      {"create", 2, kAny, "!TABLE +COLUMN?:KEY=VALUE", "--id=", true, PlanCreate, RunCreate},
      {"del-aa-mapping", 3, 3, "!BRIDGE !ARG !ARG", "", true, PlanAaMapping, RunDeleteAaMapping},
      {"del-bond-iface", 1, 2, "?BOND !IFACE", "--if-exists", true, PlanBridges,
       RunDeleteBondInterface},
      {"del-br", 1, 1, "!BRIDGE", "--if-exists", true, PlanBridges, RunDeleteBridge},
      {"del-controller", 1, 1, "!BRIDGE", "", true, PlanGetController, RunDeleteController},
      {"del-fail-mode", 1, 1, "!BRIDGE", "", true, PlanGetFailMode, RunDeleteFailMode},
      {"del-manager", 0, 0, "", "", true, PlanGetManager, RunDeleteManager},
      {"del-port", 1, 2, "?BRIDGE !PORT|IFACE", "--if-exists,--with-iface", true, PlanBridges,
       RunDeletePort},
      {"del-ssl", 0, 0, "", "", true, PlanGetSsl, RunDeleteSsl},
      {"del-zone-tp", 2, 2, "", "--if-exists", true, PlanListZones, RunDeleteZone},
      {"destroy", 1, kAny, "!TABLE *RECORD", "--if-exists,--all", true, PlanDestroy, RunDestroy},
      {"emer-reset", 0, 0, "", "", true, PlanEmergencyReset, RunEmergencyReset},
      {"find", 1, kAny, "!TABLE *COLUMN?:KEY=VALUE", "--columns=", false, PlanFind, RunFind},
      {"get", 2, kAny, "!TABLE !RECORD *COLUMN?:KEY", "--if-exists,--id=", false, PlanGet, RunGet},
      {"get-aa-mapping", 1, 1, "!BRIDGE", "", false, PlanAaMapping, RunAaMapping},
      {"get-controller", 1, 1, "!BRIDGE", "", false, PlanGetController, RunGetController},
      {"get-fail-mode", 1, 1, "!BRIDGE", "", false, PlanGetFailMode, RunGetFailMode},
      {"get-manager", 0, 0, "", "", false, PlanGetManager, RunGetManager},
      {"get-ssl", 0, 0, "", "", false, PlanGetSsl, RunGetSsl},
      {"iface-to-br", 1, 1, "!IFACE", "", false, PlanBridges, RunInterfaceToBridge},
      {"init", 0, 0, "", "", true, PlanNothing, nullptr},
      {"list", 1, kAny, "!TABLE *RECORD", "--if-exists,--columns=", false, PlanList, RunList},
      {"list-br", 0, 0, "", "--real,--fake", false, PlanBridges, RunListBridges},
      {"list-dp-cap", 1, 1, "", "", false, PlanListCapabilities, RunListCapabilities},
      {"list-ifaces", 1, 1, "!BRIDGE", "", false, PlanBridges, RunListInterfaces},
      {"list-ports", 1, 1, "!BRIDGE", "", false, PlanBridges, RunListPorts},
      {"list-zone-tp", 1, 1, "", "", false, PlanListZones, RunListZones},
      {"port-to-br", 1, 1, "!PORT", "", false, PlanBridges, RunPortToBridge},
      {"remove", 4, kAny, "!TABLE !RECORD !COLUMN +KEY|VALUE|KEY=VALUE", "--if-exists", true,
       PlanRemove, RunRemove},
      {"set", 3, kAny, "!TABLE !RECORD +COLUMN?:KEY=VALUE", "--if-exists", true, PlanSet, RunSet},
      {"set-controller", 1, kAny, "!BRIDGE +TARGET", "--inactivity-probe=", true, PlanGetController,
       RunSetController},
      {"set-fail-mode", 2, 2, "!BRIDGE !MODE", "", true, PlanGetFailMode, RunSetFailMode},
      {"set-manager", 1, kAny, "+TARGET", "--inactivity-probe=", true, PlanGetManager,
       RunSetManager},
      {"set-ssl", 3, 3, "!PRIVATE-KEY !CERTIFICATE !CA-CERT", "--bootstrap", true, PlanGetSsl,
       RunSetSsl},
      {"show", 0, 0, "", "", false, PlanShow, RunShow},
      {"wait-until", 2, kAny, "!TABLE !RECORD *COLUMN?:KEY=VALUE", "", false, PlanWaitUntil,
       RunWaitUntil},
  };
  return kCommands;
}

const CommandSyntax* FindCommand(const std::string& name) {
  for (const CommandSyntax& syntax : CommandTable()) {
    if (name == syntax.name) return &syntax;
  }
  return nullptr;
}

}  // namespace outrider::cli
