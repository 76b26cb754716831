// Commands about the switch as a whole: emer-reset, auto-attach mappings, conntrack zones, and what
// a datapath can do.
#include <array>
#include <cstdlib>
#include <utility>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::Datum;

// What emer-reset empties of a table's rows.
struct Reset {
  const char* table;
  std::array<const char*, 7> columns;
};
constexpr std::array<Reset, 3> kResets = {{
    {"Open_vSwitch", {"manager_options", "ssl"}},
    {"Bridge", {"controller", "fail_mode", "mirrors", "netflow", "sflow", "ipfix", "flood_vlans"}},
    {"Port", {"other_config"}},
}};
// Tables it empties.
constexpr std::array<const char*, 8> kEmptied = {
    "Mirror", "Controller", "Manager", "NetFlow",
    "SSL",    "sFlow",      "IPFIX",   "Flow_Sample_Collector_Set"};
constexpr std::array<const char*, 2> kPolicing = {"ingress_policing_rate",
                                                  "ingress_policing_burst"};
// The one key of a bridge's other_config that survives it.
const char kHardwareAddress[] = "hwaddr";

struct Mapping {
  int64_t isid;
  int64_t vlan;
};
absl::StatusOr<Mapping> MappingOf(const Command& command) {
  std::array<int64_t, 2> numbers = {};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const std::string& text = command.args[i + 2];
    char* end = nullptr;
    numbers[i] = static_cast<int64_t>(std::strtoull(text.c_str(), &end, 10));
    if (end == text.c_str()) return absl::InvalidArgumentError("Invalid argument " + text);
  }
  return Mapping{numbers[0], numbers[1]};
}

// The AutoAttach row of the command's bridge; null: it has none.
struct AutoAttach {
  ViewRow* bridge;
  ViewRow* row;
};
absl::StatusOr<AutoAttach> AutoAttachOf(Step* step) {
  ASSIGN_OR_RETURN(const BridgeEntry* const bridge, step->attempt->Bridges().Bridge(step->Arg(1)));
  AutoAttach found = {bridge->real_row(), nullptr};
  View::Verify(found.bridge, "auto_attach");
  const Datum& reference = step->view().Read(*found.bridge, "auto_attach");
  if (!reference.empty()) {
    found.row = step->view().Find("AutoAttach", std::get<ovsdb::Uuid>(reference.keys[0]));
  }
  return found;
}

// The row a map's value refers to; null: the key is not there.
ViewRow* Lookup(const View& view, const ViewRow& row, const char* column, const Atom& key,
                const char* table) {
  const Atom* const value = view.Read(row, column).ValueOf(key);
  return value == nullptr ? nullptr : view.Find(table, std::get<ovsdb::Uuid>(*value));
}

ViewRow* FindDatapath(Step* step) {
  return Lookup(step->view(), *step->attempt->root, "datapaths", Atom(step->Arg(1)), "Datapath");
}

absl::StatusOr<ViewRow*> DatapathOf(Step* step) {
  if (ViewRow* const datapath = FindDatapath(step)) return datapath;
  return absl::NotFoundError("datapath " + step->Arg(1) + " does not exist");
}

// The N of a command's "zone=N".
int64_t ZoneOf(Step* step) {
  const std::string& text = step->Arg(2);
  return text.rfind("zone=", 0) == 0 ? std::strtoll(text.c_str() + 5, nullptr, 10) : 0;
}

// The row of a timeout policy of these timeouts, which zones share.
ViewRow* PolicyFor(Step* step) {
  View& view = step->view();
  Datum timeouts;
  for (size_t i = 3; i < step->ArgCount(); ++i) {
    const std::string& text = step->Arg(i);
    const size_t equals = text.find('=');
    const int64_t value =
        equals == std::string::npos ? 0 : std::strtoll(text.c_str() + equals + 1, nullptr, 10);
    timeouts.Put(Atom(text.substr(0, equals)), Atom(value));
  }
  for (ViewRow* const row : view.Rows("CT_Timeout_Policy")) {
    if (view.Read(*row, "timeouts") == timeouts) return row;
  }
  ViewRow* const row = view.Insert("CT_Timeout_Policy");
  view.Write(row, "timeouts", std::move(timeouts));
  return row;
}

std::string PolicyText(const View& view, const ViewRow& zone) {
  const Datum& reference = view.Read(zone, "timeout_policy");
  const ViewRow* const policy =
      reference.empty() ? nullptr
                        : view.Find("CT_Timeout_Policy", std::get<ovsdb::Uuid>(reference.keys[0]));
  return policy == nullptr ? "system default" : DatumBareText(view.Read(*policy, "timeouts"));
}

}  // namespace

absl::Status PlanEmergencyReset(const Command& /*command*/, Plan* plan) {
  for (const Reset& reset : kResets) {
    for (const char* const column : reset.columns) {
      if (column != nullptr) plan->Need(reset.table, {column});
    }
  }
  plan->Need("Bridge", {"other_config"});
  plan->Need("Interface", {kPolicing[0], kPolicing[1]});
  for (const char* const table : kEmptied) plan->Need(table, {});
  return absl::OkStatus();
}

absl::Status RunEmergencyReset(Step* step) {
  View& view = step->view();
  for (const Reset& reset : kResets) {
    for (ViewRow* const row : view.Rows(reset.table)) {
      for (const char* const column : reset.columns) {
        if (column != nullptr) view.Write(row, column, Datum());
      }
    }
  }
  for (ViewRow* const bridge : view.Rows("Bridge")) {
    const Datum& config = view.Read(*bridge, "other_config");
    const Atom* const address = config.ValueOf(Atom(std::string(kHardwareAddress)));
    Datum kept;
    if (address != nullptr) kept.Put(Atom(std::string(kHardwareAddress)), *address);
    view.Write(bridge, "other_config", std::move(kept));
  }
  for (ViewRow* const interface : view.Rows("Interface")) {
    for (const char* const column : kPolicing) {
      view.Write(interface, column, Datum::Of(Atom(int64_t{0})));
    }
  }
  for (const char* const table : kEmptied) {
    for (ViewRow* const row : view.Rows(table)) view.Delete(row);
  }
  step->attempt->bridges.reset();
  return absl::OkStatus();
}

absl::Status PlanAaMapping(const Command& /*command*/, Plan* plan) {
  BridgeIndex::PlanFor(plan);
  plan->Need("Bridge", {"auto_attach"});
  plan->Need("AutoAttach", {"mappings"});
  return absl::OkStatus();
}

absl::Status RunAaMapping(Step* step) {
  ASSIGN_OR_RETURN(const AutoAttach found, AutoAttachOf(step));
  if (found.row == nullptr) return absl::OkStatus();
  const Datum& mappings = step->view().Read(*found.row, "mappings");
  for (size_t i = 0; i < mappings.size(); ++i) {
    step->output += AtomText(mappings.keys[i]) + " " + AtomText(mappings.values[i]) + '\n';
  }
  return absl::OkStatus();
}

absl::Status RunAddAaMapping(Step* step) {
  ASSIGN_OR_RETURN(const Mapping mapping, MappingOf(*step->command));
  ASSIGN_OR_RETURN(AutoAttach found, AutoAttachOf(step));
  View& view = step->view();
  if (found.row == nullptr) {
    found.row = view.Insert("AutoAttach");
    view.Write(found.bridge, "auto_attach", Datum::Of(Atom(found.row->uuid)));
  }
  Datum mappings = view.Read(*found.row, "mappings");
  mappings.Put(Atom(mapping.isid), Atom(mapping.vlan));
  View::Verify(found.row, "mappings");
  view.Write(found.row, "mappings", std::move(mappings));
  return absl::OkStatus();
}

absl::Status RunDeleteAaMapping(Step* step) {
  ASSIGN_OR_RETURN(const Mapping mapping, MappingOf(*step->command));
  ASSIGN_OR_RETURN(const AutoAttach found, AutoAttachOf(step));
  if (found.row == nullptr) return absl::OkStatus();
  View& view = step->view();
  Datum mappings = view.Read(*found.row, "mappings");
  const Atom* const vlan = mappings.ValueOf(Atom(mapping.isid));
  if (vlan == nullptr || *vlan != Atom(mapping.vlan)) return absl::OkStatus();
  mappings.Erase(Atom(mapping.isid));
  View::Verify(found.row, "mappings");
  view.Write(found.row, "mappings", std::move(mappings));
  return absl::OkStatus();
}

absl::Status PlanListZones(const Command& /*command*/, Plan* plan) {
  plan->Need("Open_vSwitch", {"datapaths"});
  plan->Need("Datapath", {"ct_zones"});
  plan->Need("CT_Zone", {"timeout_policy"});
  plan->Need("CT_Timeout_Policy", {"timeouts"});
  return absl::OkStatus();
}

absl::Status RunListZones(Step* step) {
  const View& view = step->view();
  const ViewRow* const datapath = FindDatapath(step);
  if (datapath == nullptr) {
    return absl::NotFoundError("datapath: " + step->Arg(1) + " record not found");
  }
  for (const Atom& zone : view.Read(*datapath, "ct_zones").keys) {
    const ViewRow* const row = Lookup(view, *datapath, "ct_zones", zone, "CT_Zone");
    if (row == nullptr) continue;
    step->output +=
        "Zone:" + AtomText(zone) + ", Timeout Policies: " + PolicyText(view, *row) + '\n';
  }
  return absl::OkStatus();
}

absl::Status RunAddZone(Step* step) {
  View& view = step->view();
  ASSIGN_OR_RETURN(ViewRow* const datapath, DatapathOf(step));
  const int64_t zone = ZoneOf(step);
  ViewRow* row = Lookup(view, *datapath, "ct_zones", Atom(zone), "CT_Zone");
  if (row != nullptr && !step->command->Has("--may-exist")) {
    return absl::AlreadyExistsError("zone id " + std::to_string(zone) + " already exists");
  }
  ViewRow* const policy = PolicyFor(step);
  if (row == nullptr) {
    row = view.Insert("CT_Zone");
    view.Put(datapath, "ct_zones", Atom(zone), Atom(row->uuid), true);
  }
  view.Write(row, "timeout_policy", Datum::Of(Atom(policy->uuid)));
  return absl::OkStatus();
}

absl::Status RunDeleteZone(Step* step) {
  View& view = step->view();
  ASSIGN_OR_RETURN(ViewRow* const datapath, DatapathOf(step));
  const int64_t zone = ZoneOf(step);
  if (Lookup(view, *datapath, "ct_zones", Atom(zone), "CT_Zone") == nullptr) {
    if (step->command->Has("--if-exists")) return absl::OkStatus();
    return absl::NotFoundError("zone id " + std::to_string(zone) + " does not exist");
  }
  view.Take(datapath, "ct_zones", Atom(zone));
  return absl::OkStatus();
}

absl::Status PlanListCapabilities(const Command& /*command*/, Plan* plan) {
  plan->Need("Open_vSwitch", {"datapaths"});
  plan->Need("Datapath", {"capabilities"});
  return absl::OkStatus();
}

absl::Status RunListCapabilities(Step* step) {
  const ViewRow* const datapath = FindDatapath(step);
  if (datapath == nullptr) {
    return absl::NotFoundError("datapath \"" + step->Arg(1) + "\" record not found");
  }
  step->output = DatumBareText(step->view().Read(*datapath, "capabilities")) + '\n';
  return absl::OkStatus();
}

}  // namespace outrider::cli
