// Commands about bridges as a whole: add-br to br-get-external-id, and fail modes.
#include <cstdlib>
#include <utility>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::Datum;

// Keys of a fake bridge's external ids are its port's, with this before them.
const char kFakeBridgePrefix[] = "fake-bridge-";

// "--may-exist add-br .." on a bridge that is there already; OK when it is the one that was meant.
absl::Status CheckSame(const BridgeEntry& bridge, const std::string* parent, int64_t vlan) {
  const std::string& name = bridge.name;
  if (parent == nullptr) {
    if (bridge.parent == nullptr) return absl::OkStatus();
    return absl::FailedPreconditionError("\"--may-exist add-br " + name + "\" but " + name +
                                         " is a VLAN bridge for VLAN " +
                                         std::to_string(bridge.vlan));
  }
  const std::string is = "\"--may-exist add-br " + name + " " + *parent + " " +
                         std::to_string(vlan) + "\" but " + name + " ";
  if (bridge.parent == nullptr) return absl::FailedPreconditionError(is + "is not a VLAN bridge");
  if (bridge.parent->name != *parent) {
    return absl::FailedPreconditionError(is + "has the wrong parent " + bridge.parent->name);
  }
  if (bridge.vlan != vlan) {
    return absl::FailedPreconditionError(is + "is a VLAN bridge for the wrong VLAN " +
                                         std::to_string(bridge.vlan));
  }
  return absl::OkStatus();
}

// The port and interface every bridge has of its own name.
ViewRow* InsertLocalPort(Step* step, const std::string& name) {
  View& view = step->view();
  ViewRow* const interface = view.Insert("Interface");
  view.Write(interface, "name", Datum::Of(Atom(name)));
  view.Write(interface, "type", Datum::Of(Atom(std::string("internal"))));
  step->attempt->new_interfaces.push_back(interface->uuid);
  ViewRow* const port = view.Insert("Port");
  view.Write(port, "name", Datum::Of(Atom(name)));
  view.Write(port, "interfaces", Datum::Of(Atom(interface->uuid)));
  return port;
}

void AddRealBridge(Step* step, const std::string& name) {
  View& view = step->view();
  ViewRow* const port = InsertLocalPort(step, name);
  ViewRow* const bridge = view.Insert("Bridge");
  view.Write(bridge, "name", Datum::Of(Atom(name)));
  view.Write(bridge, "ports", Datum::Of(Atom(port->uuid)));
  view.Put(step->attempt->root, "bridges", Atom(bridge->uuid), {}, true);
}

absl::Status AddFakeBridge(Step* step, const std::string& name, const std::string& parent_name,
                           int64_t vlan) {
  BridgeEntry* const parent = step->attempt->Bridges().FindBridge(parent_name);
  if (parent == nullptr) {
    return absl::NotFoundError("parent bridge " + parent_name + " does not exist");
  }
  if (parent->parent != nullptr) {
    return absl::FailedPreconditionError("cannot create bridge with fake bridge as parent");
  }
  const auto other = parent->children.find(vlan);
  if (other != parent->children.end()) {
    return absl::AlreadyExistsError("bridge " + parent_name + " already has a child VLAN bridge " +
                                    other->second->name + " on VLAN " + std::to_string(vlan));
  }
  View& view = step->view();
  ViewRow* const port = InsertLocalPort(step, name);
  view.Write(port, "fake_bridge", Datum::Of(Atom(true)));
  view.Write(port, "tag", Datum::Of(Atom(vlan)));
  View::Verify(parent->row, "name");
  view.Put(parent->row, "ports", Atom(port->uuid), {}, true);
  return absl::OkStatus();
}

// Where the external ids of a bridge are: its row, or its port's; and what comes before each key.
struct ExternalIds {
  ViewRow* row;
  std::string prefix;
};
absl::StatusOr<ExternalIds> ExternalIdsOf(Step* step) {
  BridgeIndex& bridges = step->attempt->Bridges();
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge, bridges.Bridge(step->Arg(1)));
  if (bridge->row != nullptr) return ExternalIds{bridge->row, ""};
  for (const PortEntry* const port : bridge->ports) {
    if (port->name == bridge->name) return ExternalIds{port->row, kFakeBridgePrefix};
  }
  return absl::NotFoundError("no port named " + bridge->name);
}

}  // namespace

absl::Status PlanBridges(const Command& /*command*/, Plan* plan) {
  BridgeIndex::PlanFor(plan);
  return absl::OkStatus();
}

absl::Status RunAddBridge(Step* step) {
  const std::string& name = step->Arg(1);
  if (name.empty()) return absl::InvalidArgumentError("bridge name must not be empty string");
  if (step->ArgCount() == 3) {
    return absl::InvalidArgumentError("'add-br' command takes exactly 1 or 3 arguments");
  }
  const std::string* const parent = step->ArgCount() == 4 ? &step->Arg(2) : nullptr;
  const int64_t vlan = parent == nullptr ? 0 : std::atoi(step->Arg(3).c_str());
  if (vlan < 0 || vlan > 4095) {
    return absl::InvalidArgumentError("add-br: vlan must be between 0 and 4095");
  }
  BridgeIndex& bridges = step->attempt->Bridges();
  const BridgeEntry* const there = bridges.FindBridge(name);
  if (there != nullptr && step->command->Has("--may-exist")) {
    return CheckSame(*there, parent, vlan);
  }
  RETURN_IF_ERROR(bridges.CheckFree(name, "cannot create a bridge named " + name));
  if (parent == nullptr) {
    AddRealBridge(step, name);
  } else {
    RETURN_IF_ERROR(AddFakeBridge(step, name, *parent, vlan));
  }
  step->attempt->bridges.reset();
  return absl::OkStatus();
}

absl::Status RunDeleteBridge(Step* step) {
  BridgeIndex& bridges = step->attempt->Bridges();
  if (step->command->Has("--if-exists") && bridges.FindBridge(step->Arg(1)) == nullptr) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(BridgeEntry* const bridge, bridges.Bridge(step->Arg(1)));
  bridges.DeleteBridge(bridge);
  return absl::OkStatus();
}

absl::Status RunListBridges(Step* step) {
  const bool fake = step->command->Has("--fake");
  const bool real = step->command->Has("--real");
  for (const auto& [name, bridge] : step->attempt->Bridges().bridges()) {
    const bool is_fake = bridge->parent != nullptr;
    if (fake == real || (is_fake ? fake : real)) step->output += name + '\n';
  }
  return absl::OkStatus();
}

absl::Status RunBridgeExists(Step* step) {
  if (step->attempt->Bridges().FindBridge(step->Arg(1)) == nullptr) {
    step->next = Next::kExitAbsent;
  }
  return absl::OkStatus();
}

absl::Status RunBridgeToVlan(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge, step->attempt->Bridges().Bridge(step->Arg(1)));
  step->output = std::to_string(bridge->vlan) + '\n';
  return absl::OkStatus();
}

absl::Status RunBridgeToParent(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge, step->attempt->Bridges().Bridge(step->Arg(1)));
  step->output = (bridge->parent != nullptr ? bridge->parent : bridge)->name + '\n';
  return absl::OkStatus();
}

absl::Status PlanSetExternalId(const Command& /*command*/, Plan* plan) {
  BridgeIndex::PlanFor(plan);
  plan->Need("Bridge", {"external_ids"});
  plan->Need("Port", {"external_ids"});
  return absl::OkStatus();
}

absl::Status RunSetExternalId(Step* step) {
  ASSIGN_OR_RETURN(const ExternalIds ids, ExternalIdsOf(step));
  View& view = step->view();
  Datum datum = view.Read(*ids.row, "external_ids");
  const Atom key = ids.prefix + step->Arg(2);
  if (step->ArgCount() > 3) {
    datum.Put(key, Atom(step->Arg(3)));
  } else {
    datum.Erase(key);
  }
  View::Verify(ids.row, "external_ids");
  view.Write(ids.row, "external_ids", std::move(datum));
  return absl::OkStatus();
}

absl::Status PlanGetExternalId(const Command& command, Plan* plan) {
  return PlanSetExternalId(command, plan);
}

absl::Status RunGetExternalId(Step* step) {
  ASSIGN_OR_RETURN(const ExternalIds ids, ExternalIdsOf(step));
  const Datum& datum = step->view().Read(*ids.row, "external_ids");
  if (step->ArgCount() > 2) {
    const Atom* const value = datum.ValueOf(Atom(ids.prefix + step->Arg(2)));
    if (value != nullptr) step->output = std::get<std::string>(*value) + '\n';
    return absl::OkStatus();
  }
  for (size_t i = 0; i < datum.size(); ++i) {
    const auto& key = std::get<std::string>(datum.keys[i]);
    if (key.compare(0, ids.prefix.size(), ids.prefix) != 0) continue;
    step->output +=
        key.substr(ids.prefix.size()) + "=" + std::get<std::string>(datum.values[i]) + '\n';
  }
  return absl::OkStatus();
}

absl::Status PlanGetFailMode(const Command& /*command*/, Plan* plan) {
  BridgeIndex::PlanFor(plan);
  plan->Need("Bridge", {"fail_mode"});
  return absl::OkStatus();
}

absl::Status RunGetFailMode(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge, step->attempt->Bridges().Bridge(step->Arg(1)));
  const Datum& mode = step->view().Read(*bridge->real_row(), "fail_mode");
  if (!mode.empty()) step->output = DatumBareText(mode) + '\n';
  return absl::OkStatus();
}

absl::Status RunDeleteFailMode(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge,
                   step->attempt->Bridges().RealBridge(step->Arg(1)));
  step->view().Write(bridge->row, "fail_mode", Datum());
  return absl::OkStatus();
}

absl::Status RunSetFailMode(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge,
                   step->attempt->Bridges().RealBridge(step->Arg(1)));
  const std::string& mode = step->Arg(2);
  if (mode != "standalone" && mode != "secure") {
    return absl::InvalidArgumentError("fail-mode must be \"standalone\" or \"secure\"");
  }
  step->view().Write(bridge->row, "fail_mode", Datum::Of(Atom(mode)));
  return absl::OkStatus();
}

}  // namespace outrider::cli
