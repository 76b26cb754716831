#include "vswitch/cli/bridge_index.h"

#include <algorithm>
#include <utility>

namespace outrider::cli {
namespace {

using ovsdb::Datum;

template <typename Map>
auto* FindIn(const Map& map, const std::string& name) {
  const auto it = map.find(name);
  return it == map.end() ? nullptr : it->second.get();
}

// Whether the port's tag names a VLAN, and which.
std::optional<int64_t> VlanOf(const View& view, const ViewRow& port) {
  const Datum& tag = view.Read(port, "tag");
  if (tag.empty()) return std::nullopt;
  const int64_t vlan = std::get<int64_t>(tag.keys[0]);
  if (vlan < 0 || vlan > 4095) return std::nullopt;
  return vlan;
}

bool IsFakeBridge(const View& view, const ViewRow& port) {
  const Datum& fake = view.Read(port, "fake_bridge");
  return !fake.empty() && std::get<bool>(fake.keys[0]) && VlanOf(view, port).has_value();
}

}  // namespace

void BridgeIndex::PlanFor(Plan* plan) {
  plan->Need("Open_vSwitch", {"bridges"});
  plan->Need("Bridge", {"name", "ports"});
  plan->Need("Port", {"name", "fake_bridge", "tag", "interfaces"});
  plan->Need("Interface", {"name"});
}

BridgeIndex::BridgeIndex(View* view, ViewRow* root, Console* console)
    : view_(view), root_(root), console_(console) {
  const std::vector<ViewRow*> rows = Referenced(*root, "bridges", "Bridge");
  for (ViewRow* const row : rows) {
    const std::string name = NameOf(*row);
    if (FindBridge(name) != nullptr) {
      console_->Warn("vsctl", name + ": database contains duplicate bridge name");
      continue;
    }
    EnterFakeBridges(EnterBridge(row, name, nullptr, 0));
  }
  // Only now every fake bridge is known, and with it where ports belong.
  for (ViewRow* const row : rows) {
    BridgeEntry* const bridge = FindBridge(NameOf(*row));
    for (ViewRow* const port : Referenced(*row, "ports", "Port")) {
      const PortEntry* const other = FindIn(ports_, NameOf(*port));
      if (other != nullptr) {
        console_->Warn("vsctl", NameOf(*port) + ": port is in multiple bridges (" + bridge->name +
                                    " and " + other->bridge->name + ")");
        continue;
      }
      PortEntry* const entry = EnterPort(bridge, port);
      for (ViewRow* const interface : Referenced(*port, "interfaces", "Interface")) {
        EnterInterface(entry, interface);
      }
    }
  }
}

std::string BridgeIndex::NameOf(const ViewRow& row) const {
  const Datum& name = view_->Read(row, "name");
  return name.empty() ? "" : std::get<std::string>(name.keys[0]);
}

std::vector<ViewRow*> BridgeIndex::Referenced(const ViewRow& row, const std::string& column,
                                              const std::string& table) const {
  std::vector<ViewRow*> rows;
  for (const ovsdb::Atom& key : view_->Read(row, column).keys) {
    if (ViewRow* const found = view_->Find(table, std::get<ovsdb::Uuid>(key))) {
      rows.push_back(found);
    }
  }
  return rows;
}

BridgeEntry* BridgeIndex::EnterBridge(ViewRow* row, const std::string& name, BridgeEntry* parent,
                                      int64_t vlan) {
  auto& place = bridges_[name];
  place = std::make_unique<BridgeEntry>(BridgeEntry{name, row, parent, vlan});
  if (parent != nullptr) {
    const auto [other, is_new] = parent->children.emplace(vlan, place.get());
    if (!is_new) {
      console_->Warn("vsctl", parent->name + ": bridge has multiple VLAN bridges (" + name +
                                  " and " + other->second->name + ") for VLAN " +
                                  std::to_string(vlan) + ", but only one is allowed");
    }
  }
  return place.get();
}

void BridgeIndex::EnterFakeBridges(BridgeEntry* bridge) {
  for (ViewRow* const port : Referenced(*bridge->row, "ports", "Port")) {
    if (IsFakeBridge(*view_, *port) && FindBridge(NameOf(*port)) == nullptr) {
      EnterBridge(nullptr, NameOf(*port), bridge, *VlanOf(*view_, *port));
    }
  }
}

PortEntry* BridgeIndex::EnterPort(BridgeEntry* bridge, ViewRow* row) {
  if (const auto vlan = VlanOf(*view_, *row); vlan && bridge->row != nullptr) {
    const auto child = bridge->children.find(*vlan);
    if (child != bridge->children.end()) bridge = child->second;
  }
  auto& place = ports_[NameOf(*row)];
  place = std::make_unique<PortEntry>(PortEntry{NameOf(*row), row, bridge});
  bridge->ports.push_back(place.get());
  return place.get();
}

void BridgeIndex::EnterInterface(PortEntry* port, ViewRow* row) {
  auto& place = interfaces_[NameOf(*row)];
  if (place != nullptr) {
    console_->Warn("vsctl", place->name + ": interface is in multiple ports (" + place->port->name +
                                " and " + port->name + ")");
    return;
  }
  place = std::make_unique<InterfaceEntry>(InterfaceEntry{NameOf(*row), row, port});
  port->interfaces.push_back(place.get());
}

BridgeEntry* BridgeIndex::FindBridge(const std::string& name) const {
  return FindIn(bridges_, name);
}

PortEntry* BridgeIndex::FindPort(const std::string& name) const {
  PortEntry* const port = FindIn(ports_, name);
  return port != nullptr && port->bridge->name == name ? nullptr : port;
}

InterfaceEntry* BridgeIndex::FindInterface(const std::string& name) const {
  InterfaceEntry* const interface = FindIn(interfaces_, name);
  return interface != nullptr && interface->port->bridge->name == name ? nullptr : interface;
}

absl::StatusOr<BridgeEntry*> BridgeIndex::Bridge(const std::string& name) const {
  if (BridgeEntry* const bridge = FindBridge(name)) {
    // A transaction about a bridge that has meanwhile gone must not succeed silently.
    if (bridge->real_row() != nullptr) View::Verify(bridge->real_row(), "name");
    return bridge;
  }
  return absl::NotFoundError("no bridge named " + name);
}

absl::StatusOr<BridgeEntry*> BridgeIndex::RealBridge(const std::string& name) const {
  ASSIGN_OR_RETURN(BridgeEntry* const bridge, Bridge(name));
  if (bridge->parent != nullptr) return absl::FailedPreconditionError(name + " is a fake bridge");
  return bridge;
}

absl::StatusOr<PortEntry*> BridgeIndex::Port(const std::string& name) const {
  if (PortEntry* const port = FindPort(name)) return port;
  return absl::NotFoundError("no port named " + name);
}

absl::StatusOr<InterfaceEntry*> BridgeIndex::Interface(const std::string& name) const {
  if (InterfaceEntry* const interface = FindInterface(name)) return interface;
  return absl::NotFoundError("no interface named " + name);
}

absl::Status BridgeIndex::CheckFree(const std::string& name, const std::string& what) const {
  if (FindBridge(name) != nullptr) {
    return absl::AlreadyExistsError(what + " because a bridge named " + name + " already exists");
  }
  if (const PortEntry* const port = FindIn(ports_, name)) {
    return absl::AlreadyExistsError(what + " because a port named " + name +
                                    " already exists on bridge " + port->bridge->name);
  }
  if (const InterfaceEntry* const interface = FindIn(interfaces_, name)) {
    return absl::AlreadyExistsError(what + " because an interface named " + name +
                                    " already exists on bridge " + interface->port->bridge->name);
  }
  return absl::OkStatus();
}

PortEntry* BridgeIndex::AddPort(BridgeEntry* bridge, ViewRow* port,
                                const std::vector<ViewRow*>& interfaces) {
  view_->Put(bridge->real_row(), "ports", ovsdb::Atom(port->uuid), {}, true);
  PortEntry* const entry = EnterPort(bridge, port);
  for (ViewRow* const interface : interfaces) {
    // One that is wanted twice is the server's to refuse.
    if (interfaces_.count(NameOf(*interface)) == 0) EnterInterface(entry, interface);
  }
  return entry;
}

void BridgeIndex::AddInterface(PortEntry* port, ViewRow* interface) {
  view_->Put(port->row, "interfaces", ovsdb::Atom(interface->uuid), {}, true);
  EnterInterface(port, interface);
}

void BridgeIndex::DeletePort(PortEntry* port) {
  view_->Take(port->bridge->real_row(), "ports", ovsdb::Atom(port->row->uuid));
  for (const InterfaceEntry* const interface : port->interfaces) {
    view_->Delete(interface->row);
    interfaces_.erase(interface->name);
  }
  view_->Delete(port->row);
  auto& siblings = port->bridge->ports;
  siblings.erase(std::remove(siblings.begin(), siblings.end(), port), siblings.end());
  ports_.erase(port->name);
}

void BridgeIndex::DeleteInterface(InterfaceEntry* interface) {
  view_->Take(interface->port->row, "interfaces", ovsdb::Atom(interface->row->uuid));
  view_->Delete(interface->row);
  auto& siblings = interface->port->interfaces;
  siblings.erase(std::remove(siblings.begin(), siblings.end(), interface), siblings.end());
  interfaces_.erase(interface->name);
}

void BridgeIndex::DeleteBridge(BridgeEntry* bridge) {
  // Not by `children`: of two fake bridges for one VLAN only the first is there.
  std::vector<BridgeEntry*> children;
  for (const auto& entry : bridges_) {
    if (entry.second->parent == bridge) children.push_back(entry.second.get());
  }
  for (BridgeEntry* const child : children) DeleteBridge(child);
  while (!bridge->ports.empty()) DeletePort(bridge->ports.back());
  if (bridge->parent != nullptr) bridge->parent->children.erase(bridge->vlan);
  if (bridge->row != nullptr) {
    view_->Take(root_, "bridges", ovsdb::Atom(bridge->row->uuid));
    view_->Delete(bridge->row);
  }
  bridges_.erase(bridge->name);
}

}  // namespace outrider::cli
