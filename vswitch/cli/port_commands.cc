// Commands about ports, bonds and interfaces.
#include <algorithm>
#include <set>
#include <utility>

#include "vswitch/cli/command_table.h"
#include "vswitch/cli/record.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::Datum;
using Names = std::vector<std::string>;

// What add-port and add-bond want.
struct NewPort {
  std::string bridge;
  std::string name;
  Names interfaces;
  // COLUMN[:KEY]=VALUE, of the Port row.
  Names settings;
};

// The command as it was given, for messages about it.
std::string InWords(const Command& command) {
  Names words;
  for (const CommandOption& option : OptionsOf(*command.syntax)) {
    if (command.Has(option.name)) words.push_back(option.name);
  }
  words.insert(words.end(), command.args.begin(), command.args.end());
  return "\"" + QuotedArguments(words) + "\"";
}

std::string Sorted(Names names) {
  std::sort(names.begin(), names.end());
  std::string lines;
  for (const std::string& name : names) lines += name + '\n';
  return lines;
}

absl::Status CheckNames(const NewPort& wanted) {
  if (wanted.name.empty()) {
    return absl::InvalidArgumentError("port name must not be empty string");
  }
  for (const std::string& name : wanted.interfaces) {
    if (name.empty()) {
      return absl::InvalidArgumentError("interface name must not be empty string");
    }
  }
  return absl::OkStatus();
}

// "--may-exist add-port .." on a port that is there; OK when it is the one that was meant.
absl::Status CheckSame(const Command& command, const PortEntry& port, const NewPort& wanted) {
  if (port.bridge->name != wanted.bridge) {
    return absl::FailedPreconditionError(InWords(command) + " but " + wanted.name +
                                         " is actually attached to bridge " + port.bridge->name);
  }
  std::multiset<std::string> have;
  for (const InterfaceEntry* const interface : port.interfaces) have.insert(interface->name);
  if (have == std::multiset<std::string>(wanted.interfaces.begin(), wanted.interfaces.end())) {
    return absl::OkStatus();
  }
  std::string list;
  for (const std::string& name : have) list += (list.empty() ? "" : ", ") + name;
  return absl::FailedPreconditionError(InWords(command) + " but " + wanted.name +
                                       " actually has interface(s) " + list);
}

struct PortRows {
  ViewRow* port;
  std::vector<ViewRow*> interfaces;
};
absl::StatusOr<PortRows> InsertPort(Step* step, const NewPort& wanted) {
  View& view = step->view();
  PortRows rows = {};
  Datum references;
  for (const std::string& name : wanted.interfaces) {
    ViewRow* const interface = view.Insert("Interface");
    view.Write(interface, "name", Datum::Of(Atom(name)));
    step->attempt->new_interfaces.push_back(interface->uuid);
    references.Put(Atom(interface->uuid));
    rows.interfaces.push_back(interface);
  }
  rows.port = view.Insert("Port");
  view.Write(rows.port, "name", Datum::Of(Atom(wanted.name)));
  view.Write(rows.port, "interfaces", std::move(references));
  if (step->command->Has("--fake-iface")) {
    view.Write(rows.port, "bond_fake_iface", Datum::Of(Atom(true)));
  }
  return rows;
}

absl::Status ApplySettings(Step* step, ViewRow* port, const NewPort& wanted) {
  for (const std::string& setting : wanted.settings) {
    RETURN_IF_ERROR(SetColumn(&step->view(), port, setting, false, &step->attempt->names));
  }
  return absl::OkStatus();
}

absl::Status AddPort(Step* step, const NewPort& wanted) {
  RETURN_IF_ERROR(CheckNames(wanted));
  BridgeIndex& bridges = step->attempt->Bridges();
  const PortEntry* const there = bridges.FindPort(wanted.name);
  if (there != nullptr && step->command->Has("--may-exist")) {
    return CheckSame(*step->command, *there, wanted);
  }
  RETURN_IF_ERROR(bridges.CheckFree(wanted.name, "cannot create a port named " + wanted.name));
  for (const std::string& name : wanted.interfaces) {
    RETURN_IF_ERROR(bridges.CheckFree(name, "cannot create an interface named " + name));
  }
  ASSIGN_OR_RETURN(BridgeEntry* const bridge, bridges.Bridge(wanted.bridge));
  ASSIGN_OR_RETURN(const PortRows rows, InsertPort(step, wanted));
  if (bridge->parent != nullptr) {
    step->view().Write(rows.port, "tag", Datum::Of(Atom(bridge->vlan)));
  }
  RETURN_IF_ERROR(ApplySettings(step, rows.port, wanted));
  bridges.AddPort(bridge, rows.port, rows.interfaces);
  return absl::OkStatus();
}

bool AnyNamed(const View& view, const char* table, const std::string& name) {
  const Atom atom = name;
  for (const ViewRow* const row : view.Rows(table)) {
    const Datum& have = view.Read(*row, "name");
    if (!have.empty() && have.keys[0] == atom) return true;
  }
  return false;
}

// add-port where only rows of the names in question were fetched: enough for a new port on a real
// bridge. For all else, whole tables are wanted.
absl::Status AddPortToKnownBridge(Step* step, const NewPort& wanted) {
  View& view = step->view();
  step->next = Next::kWiden;
  if (!CheckNames(wanted).ok()) return CheckNames(wanted);
  for (const char* const table : {"Bridge", "Port", "Interface"}) {
    if (AnyNamed(view, table, wanted.name)) return absl::OkStatus();
  }
  ViewRow* bridge = nullptr;
  for (ViewRow* const row : view.Rows("Bridge")) {
    if (view.Read(*row, "name") == Datum::Of(Atom(wanted.bridge))) bridge = row;
  }
  if (bridge == nullptr || !bridge->stored) return absl::OkStatus();
  step->next = Next::kGoOn;
  ASSIGN_OR_RETURN(const PortRows rows, InsertPort(step, wanted));
  RETURN_IF_ERROR(ApplySettings(step, rows.port, wanted));
  View::Verify(bridge, "name");
  view.Put(bridge, "ports", Atom(rows.port->uuid), {}, true);
  return absl::OkStatus();
}

// The port that del-port means; null: there is none, and it need not be.
absl::StatusOr<PortEntry*> PortToDelete(Step* step, const std::string& target) {
  const BridgeIndex& bridges = step->attempt->Bridges();
  const bool must_exist = !step->command->Has("--if-exists");
  if (bridges.FindBridge(target) != nullptr) {
    if (!must_exist) return nullptr;
    return absl::FailedPreconditionError("cannot delete port " + target +
                                         " because it is the local port for bridge " + target +
                                         " (deleting this port requires deleting the entire "
                                         "bridge)");
  }
  if (PortEntry* const port = bridges.FindPort(target)) return port;
  const bool with_interface = step->command->Has("--with-iface");
  if (with_interface) {
    if (const InterfaceEntry* const interface = bridges.FindInterface(target)) {
      return interface->port;
    }
  }
  if (!must_exist) return nullptr;
  return absl::NotFoundError((with_interface ? "no port or interface named " : "no port named ") +
                             target);
}

}  // namespace

absl::Status PlanAddPort(const Command& command, Plan* plan) {
  const std::string& bridge = command.args[1];
  const std::string& port = command.args[2];
  plan->NeedNamed("Bridge", "name", bridge, {});
  for (const char* const table : {"Bridge", "Port", "Interface"}) {
    plan->NeedNamed(table, "name", port, {});
  }
  if (plan->whole()) BridgeIndex::PlanFor(plan);
  return absl::OkStatus();
}

absl::Status RunAddPort(Step* step) {
  const Names& args = step->command->args;
  const NewPort wanted = {args[1], args[2], {args[2]}, Names(args.begin() + 3, args.end())};
  // An index that is there knows all, and must go on to.
  const bool indexed = step->attempt->whole || step->attempt->bridges != nullptr;
  if (!indexed) return AddPortToKnownBridge(step, wanted);
  return AddPort(step, wanted);
}

absl::Status RunAddBond(Step* step) {
  const Names& args = step->command->args;
  const auto settings = std::find_if(args.begin() + 3, args.end(), [](const std::string& arg) {
    return arg.find('=') != std::string::npos;
  });
  const NewPort wanted = {args[1], args[2], Names(args.begin() + 3, settings),
                          Names(settings, args.end())};
  if (wanted.interfaces.size() < 2) {
    return absl::InvalidArgumentError("add-bond requires at least 2 interfaces, but only " +
                                      std::to_string(wanted.interfaces.size()) + " were specified");
  }
  return AddPort(step, wanted);
}

absl::Status RunAddBondInterface(Step* step) {
  BridgeIndex& bridges = step->attempt->Bridges();
  const std::string& name = step->Arg(2);
  ASSIGN_OR_RETURN(PortEntry* const port, bridges.Port(step->Arg(1)));
  const InterfaceEntry* const there = bridges.FindInterface(name);
  if (there != nullptr && step->command->Has("--may-exist")) {
    if (there->port == port) return absl::OkStatus();
    return absl::FailedPreconditionError(InWords(*step->command) + " but " + name +
                                         " is actually attached to port " + there->port->name);
  }
  RETURN_IF_ERROR(bridges.CheckFree(name, "cannot create an interface named " + name));
  View& view = step->view();
  ViewRow* const interface = view.Insert("Interface");
  view.Write(interface, "name", Datum::Of(Atom(name)));
  step->attempt->new_interfaces.push_back(interface->uuid);
  View::Verify(port->row, "name");
  bridges.AddInterface(port, interface);
  return absl::OkStatus();
}

absl::Status RunDeleteBondInterface(Step* step) {
  BridgeIndex& bridges = step->attempt->Bridges();
  const std::string& name = step->command->args.back();
  InterfaceEntry* const interface = bridges.FindInterface(name);
  if (interface == nullptr) {
    if (step->command->Has("--if-exists")) return absl::OkStatus();
    return bridges.Interface(name).status();
  }
  if (step->ArgCount() > 2) {
    ASSIGN_OR_RETURN(const PortEntry* const port, bridges.Port(step->Arg(1)));
    if (interface->port != port) {
      return absl::FailedPreconditionError("port " + port->name + " does not have an interface " +
                                           name);
    }
  }
  if (interface->port->interfaces.size() < 2) {
    return absl::FailedPreconditionError("cannot delete last interface from port " +
                                         interface->port->name);
  }
  // Others may be taking the bond's other interface away.
  View::Verify(interface->port->row, "interfaces");
  bridges.DeleteInterface(interface);
  return absl::OkStatus();
}

absl::Status RunDeletePort(Step* step) {
  BridgeIndex& bridges = step->attempt->Bridges();
  const std::string& target = step->command->args.back();
  ASSIGN_OR_RETURN(PortEntry* const port, PortToDelete(step, target));
  if (port == nullptr) return absl::OkStatus();
  if (step->ArgCount() > 2) {
    ASSIGN_OR_RETURN(const BridgeEntry* const bridge, bridges.Bridge(step->Arg(1)));
    if (port->bridge != bridge) {
      std::string message = "bridge " + step->Arg(1) + " does not have a port " + target;
      if (port->bridge->parent == bridge) {
        message += " (although its child bridge " + port->bridge->name + " does)";
      }
      return absl::FailedPreconditionError(message);
    }
  }
  bridges.DeletePort(port);
  return absl::OkStatus();
}

absl::Status RunListPorts(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge, step->attempt->Bridges().Bridge(step->Arg(1)));
  Names names;
  for (const PortEntry* const port : bridge->ports) {
    if (port->name != bridge->name) names.push_back(port->name);
  }
  step->output = Sorted(std::move(names));
  return absl::OkStatus();
}

absl::Status RunListInterfaces(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge, step->attempt->Bridges().Bridge(step->Arg(1)));
  Names names;
  for (const PortEntry* const port : bridge->ports) {
    for (const InterfaceEntry* const interface : port->interfaces) {
      if (interface->name != bridge->name) names.push_back(interface->name);
    }
  }
  step->output = Sorted(std::move(names));
  return absl::OkStatus();
}

absl::Status RunPortToBridge(Step* step) {
  ASSIGN_OR_RETURN(const PortEntry* const port, step->attempt->Bridges().Port(step->Arg(1)));
  step->output = port->bridge->name + '\n';
  return absl::OkStatus();
}

absl::Status RunInterfaceToBridge(Step* step) {
  ASSIGN_OR_RETURN(const InterfaceEntry* const interface,
                   step->attempt->Bridges().Interface(step->Arg(1)));
  step->output = interface->port->bridge->name + '\n';
  return absl::OkStatus();
}

}  // namespace outrider::cli
