// Commands about controllers, managers and TLS: what the switch shall connect to, and how.
#include <array>
#include <cstdlib>
#include <set>
#include <utility>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::Datum;

// Rows a column refers to.
std::vector<ViewRow*> Referenced(Step* step, ViewRow* from, const std::string& column,
                                 const std::string& table) {
  View::Verify(from, column);
  std::vector<ViewRow*> rows;
  for (const Atom& key : step->view().Read(*from, column).keys) {
    if (ViewRow* const row = step->view().Find(table, std::get<ovsdb::Uuid>(key))) {
      rows.push_back(row);
    }
  }
  return rows;
}

// Targets in order, each once where `unique`.
std::string Targets(Step* step, const std::vector<ViewRow*>& rows, bool unique) {
  std::multiset<std::string> targets;
  for (ViewRow* const row : rows) {
    View::Verify(row, "target");
    const std::string target = DatumBareText(step->view().Read(*row, "target"));
    if (!unique || targets.count(target) == 0) targets.insert(target);
  }
  std::string lines;
  for (const std::string& target : targets) lines += target + '\n';
  return lines;
}

bool BeginsWithAny(const std::string& target, const std::vector<const char*>& prefixes) {
  for (const char* const prefix : prefixes) {
    if (target.rfind(prefix, 0) == 0) return true;
  }
  return false;
}

// New rows for the command's targets, from argument `first` on.
Datum InsertTargets(Step* step, const std::string& table, size_t first,
                    const std::vector<const char*>& prefixes) {
  View& view = step->view();
  const std::string* const probe = step->command->Option("--inactivity-probe");
  Datum references;
  for (size_t i = first; i < step->ArgCount(); ++i) {
    const std::string& target = step->Arg(i);
    if (!BeginsWithAny(target, prefixes)) {
      step->attempt->console->Warn("vsctl", "target type \"" + target + "\" is possibly erroneous");
    }
    ViewRow* const row = view.Insert(table);
    view.Write(row, "target", Datum::Of(Atom(target)));
    if (probe != nullptr) {
      const int64_t milliseconds = std::strtoll(probe->c_str(), nullptr, 10);
      view.Write(row, "inactivity_probe", Datum::Of(Atom(milliseconds)));
    }
    references.Put(Atom(row->uuid));
  }
  return references;
}

std::vector<ViewRow*> Controllers(Step* step, const BridgeEntry& bridge) {
  return Referenced(step, bridge.real_row(), "controller", "Controller");
}

std::vector<ViewRow*> Managers(Step* step) {
  return Referenced(step, step->attempt->root, "manager_options", "Manager");
}

void DeleteAll(Step* step, const std::vector<ViewRow*>& rows) {
  for (ViewRow* const row : rows) step->view().Delete(row);
}

constexpr std::array<const char*, 4> kSslColumns = {"private_key", "certificate", "ca_cert",
                                                    "bootstrap_ca_cert"};

}  // namespace

absl::Status PlanGetController(const Command& /*command*/, Plan* plan) {
  BridgeIndex::PlanFor(plan);
  plan->Need("Bridge", {"controller"});
  plan->Need("Controller", {"target"});
  return absl::OkStatus();
}

absl::Status RunGetController(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge, step->attempt->Bridges().Bridge(step->Arg(1)));
  step->output = Targets(step, Controllers(step, *bridge), false);
  return absl::OkStatus();
}

absl::Status RunDeleteController(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge,
                   step->attempt->Bridges().RealBridge(step->Arg(1)));
  const std::vector<ViewRow*> controllers = Controllers(step, *bridge);
  if (controllers.empty()) return absl::OkStatus();
  DeleteAll(step, controllers);
  step->view().Write(bridge->row, "controller", Datum());
  return absl::OkStatus();
}

absl::Status RunSetController(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge,
                   step->attempt->Bridges().RealBridge(step->Arg(1)));
  DeleteAll(step, Controllers(step, *bridge));
  Datum targets =
      InsertTargets(step, "Controller", 2, {"tcp:", "ssl:", "unix:", "ptcp:", "pssl:", "punix:"});
  step->view().Write(bridge->row, "controller", std::move(targets));
  return absl::OkStatus();
}

absl::Status PlanGetManager(const Command& /*command*/, Plan* plan) {
  plan->Need("Open_vSwitch", {"manager_options"});
  plan->Need("Manager", {"target"});
  return absl::OkStatus();
}

absl::Status RunGetManager(Step* step) {
  step->output = Targets(step, Managers(step), true);
  return absl::OkStatus();
}

absl::Status RunDeleteManager(Step* step) {
  DeleteAll(step, Managers(step));
  step->view().Write(step->attempt->root, "manager_options", Datum());
  return absl::OkStatus();
}

absl::Status RunSetManager(Step* step) {
  DeleteAll(step, Managers(step));
  Datum targets =
      InsertTargets(step, "Manager", 1, {"tcp:", "ssl:", "unix:", "ptcp:", "pssl:", "punix:"});
  step->view().Write(step->attempt->root, "manager_options", std::move(targets));
  return absl::OkStatus();
}

absl::Status PlanGetSsl(const Command& /*command*/, Plan* plan) {
  plan->Need("Open_vSwitch", {"ssl"});
  plan->Need("SSL", std::vector<std::string>(kSslColumns.begin(), kSslColumns.end()));
  return absl::OkStatus();
}

absl::Status RunGetSsl(Step* step) {
  static constexpr std::array<const char*, 4> kTitles = {"Private key", "Certificate",
                                                         "CA Certificate", "Bootstrap"};
  for (const ViewRow* const row : Referenced(step, step->attempt->root, "ssl", "SSL")) {
    for (size_t i = 0; i < kTitles.size(); ++i) {
      const Datum& value = step->view().Read(*row, kSslColumns[i]);
      step->output += std::string(kTitles[i]) + ": " + DatumBareText(value) + '\n';
    }
  }
  return absl::OkStatus();
}

absl::Status RunDeleteSsl(Step* step) {
  const std::vector<ViewRow*> rows = Referenced(step, step->attempt->root, "ssl", "SSL");
  if (rows.empty()) return absl::OkStatus();
  DeleteAll(step, rows);
  step->view().Write(step->attempt->root, "ssl", Datum());
  return absl::OkStatus();
}

absl::Status RunSetSsl(Step* step) {
  View& view = step->view();
  DeleteAll(step, Referenced(step, step->attempt->root, "ssl", "SSL"));
  ViewRow* const row = view.Insert("SSL");
  for (size_t i = 0; i < 3; ++i) {
    view.Write(row, kSslColumns[i], Datum::Of(Atom(step->Arg(i + 1))));
  }
  view.Write(row, kSslColumns[3], Datum::Of(Atom(step->command->Has("--bootstrap"))));
  view.Write(step->attempt->root, "ssl", Datum::Of(Atom(row->uuid)));
  return absl::OkStatus();
}

}  // namespace outrider::cli
