// Bridges, their ports and interfaces by name, as ovs-vsctl's commands see them: ports that are
// fake bridges are bridges of their own, and ports in such a bridge's VLAN are its ports. Writes
// what adding and deleting them means to a view.
//
// Thread rule: one thread. Entries live until deleted; rows are the view's.
#ifndef OUTRIDER_VSWITCH_CLI_BRIDGE_INDEX_H_
#define OUTRIDER_VSWITCH_CLI_BRIDGE_INDEX_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/cli/console.h"
#include "vswitch/cli/plan.h"
#include "vswitch/cli/view.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

struct PortEntry;

struct BridgeEntry {
  std::string name;
  // Of a real bridge; null: a fake one, of `parent`.
  ViewRow* row = nullptr;
  BridgeEntry* parent = nullptr;
  int64_t vlan = 0;
  std::vector<PortEntry*> ports = {};
  // Fake bridges by VLAN.
  std::map<int64_t, BridgeEntry*> children = {};

  // The row whose ports a port of this bridge is among.
  ViewRow* real_row() const { return parent != nullptr ? parent->row : row; }
};

struct InterfaceEntry {
  std::string name;
  ViewRow* row = nullptr;
  PortEntry* port = nullptr;
};

struct PortEntry {
  std::string name;
  ViewRow* row = nullptr;
  BridgeEntry* bridge = nullptr;
  std::vector<InterfaceEntry*> interfaces = {};
};

class BridgeIndex {
 public:
  // What the constructor reads.
  static void PlanFor(Plan* plan);

  BridgeIndex(View* view, ViewRow* root, Console* console);

  const std::map<std::string, std::unique_ptr<BridgeEntry>>& bridges() const { return bridges_; }

  // Null: there is none. A bridge's own port and interface are not found.
  BridgeEntry* FindBridge(const std::string& name) const;
  PortEntry* FindPort(const std::string& name) const;
  InterfaceEntry* FindInterface(const std::string& name) const;
  // NotFound: "no bridge named X".
  absl::StatusOr<BridgeEntry*> Bridge(const std::string& name) const;
  // FailedPrecondition: a fake one.
  absl::StatusOr<BridgeEntry*> RealBridge(const std::string& name) const;
  absl::StatusOr<PortEntry*> Port(const std::string& name) const;
  absl::StatusOr<InterfaceEntry*> Interface(const std::string& name) const;
  // AlreadyExists: "<what> because a .. named X already exists".
  absl::Status CheckFree(const std::string& name, const std::string& what) const;

  // Adds a port row, with its interfaces' rows, to the bridge.
  PortEntry* AddPort(BridgeEntry* bridge, ViewRow* port, const std::vector<ViewRow*>& interfaces);
  void AddInterface(PortEntry* port, ViewRow* interface);
  void DeletePort(PortEntry* port);
  void DeleteInterface(InterfaceEntry* interface);
  // With its ports and fake bridges.
  void DeleteBridge(BridgeEntry* bridge);

 private:
  std::string NameOf(const ViewRow& row) const;
  std::vector<ViewRow*> Referenced(const ViewRow& row, const std::string& column,
                                   const std::string& table) const;
  BridgeEntry* EnterBridge(ViewRow* row, const std::string& name, BridgeEntry* parent,
                           int64_t vlan);
  void EnterFakeBridges(BridgeEntry* bridge);
  PortEntry* EnterPort(BridgeEntry* bridge, ViewRow* row);
  void EnterInterface(PortEntry* port, ViewRow* row);

  View* const view_;
  ViewRow* const root_;
  Console* const console_;
  std::map<std::string, std::unique_ptr<BridgeEntry>> bridges_;
  std::map<std::string, std::unique_ptr<PortEntry>> ports_;
  std::map<std::string, std::unique_ptr<InterfaceEntry>> interfaces_;
};

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_BRIDGE_INDEX_H_
