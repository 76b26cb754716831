#include "vswitch/ovs/unixctl_switch_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace outrider::ovs {
namespace {

using Text = absl::StatusOr<std::string>;

// What scripts compare our version with: the Open vSwitch whose interfaces these are.
constexpr const char* kOvsVersion = "3.1.0";
// Open vSwitch's number of a bridge's own port in its datapath.
constexpr uint32_t kLocalPort = 65534;

absl::StatusOr<BridgeFacts> BridgeOf(SwitchFactsSource* source, const std::string& name) {
  SwitchFacts facts = source->Look();
  const auto found = facts.bridges.find(name);
  if (found == facts.bridges.end()) return absl::NotFoundError("no such bridge");
  return std::move(found->second);
}

Text ShowFdb(SwitchFactsSource* source, const std::string& name) {
  ASSIGN_OR_RETURN(const BridgeFacts bridge, BridgeOf(source, name));
  std::string text = " port  VLAN  MAC                Age\n";
  for (const FdbFacts& entry : bridge.fdb) {
    const std::string age = entry.age_s ? fmt::format("{:>3}", *entry.age_s) : "static";
    text += fmt::format("{:>5}  {:>4}  {}  {}\n", OfportText(entry.ofport), entry.vlan,
                        entry.mac.ToString(), age);
  }
  return text;
}

// Only what is counted: an FDB of the controller's making neither learns nor evicts.
Text ShowFdbStatistics(SwitchFactsSource* source, const std::string& name) {
  ASSIGN_OR_RETURN(const BridgeFacts bridge, BridgeOf(source, name));
  const auto fixed =
      std::ranges::count_if(bridge.fdb, [](const FdbFacts& entry) { return !entry.age_s; });
  return fmt::format(
      "Statistics for bridge \"{}\":\n"
      "  Current/maximum MAC entries in the table: {}/unlimited\n"
      "  Current static MAC entries in the table : {}\n",
      name, bridge.fdb.size(), fixed);
}

Text FlushFdb(SwitchFactsSource* source, const UnixctlArguments& arguments) {
  const std::string bridge = arguments.empty() ? "" : arguments[0];
  if (!bridge.empty()) RETURN_IF_ERROR(BridgeOf(source, bridge).status());
  RETURN_IF_ERROR(source->FlushFdb(bridge));
  return "table successfully flushed";
}

// Frames of ports that are in force, and those dropped: what the datapath handled.
Text ShowDpif(SwitchFactsSource* source) {
  const SwitchFacts facts = source->Look();
  if (facts.bridges.empty()) return "";
  uint64_t handled = 0;
  for (const auto& [id, counters] : facts.counters) {
    handled += counters.rx_packets + counters.tx_packets;
  }
  // Nothing is handed to user space: no frame misses.
  std::string text = fmt::format("system@ovs-system: hit:{} missed:0\n", handled);
  for (const auto& [name, bridge] : facts.bridges) {
    text += fmt::format("  {}:\n", name);
    std::map<std::string, const PortFacts*> ports;
    for (const auto& [ofport, port] : bridge.ports) ports[port.name] = &port;
    for (const auto& [port_name, port] : ports) {
      const uint32_t number = port->ofport == kLocalOfport ? kLocalPort : port->ofport;
      text += fmt::format("    {} {}/{}: ({})\n", port_name, number,
                          port->ifindex == 0 ? "none" : std::to_string(port->ifindex),
                          port->type.empty() ? "system" : port->type);
    }
  }
  return text;
}

Text ListBridges(SwitchFactsSource* source, const char* prefix) {
  std::string text;
  for (const auto& [name, bridge] : source->Look().bridges) {
    text += fmt::format("{}{}\n", prefix, name);
  }
  return text;
}

// Our events: drops by reason, of ports and of the host.
std::map<std::string, uint64_t> Events(SwitchFactsSource* source) {
  const SwitchFacts facts = source->Look();
  std::map<std::string, uint64_t> events;
  for (const auto& [reason, count] : facts.host_drops) events["drop_" + reason] += count;
  for (const auto& [id, counters] : facts.counters) {
    for (const auto& [reason, count] : counters.drops) events["drop_" + reason] += count;
  }
  return events;
}

Text ShowCoverage(SwitchFactsSource* source) {
  // Totals only: rates are a matter of whoever reads them twice.
  std::string text = "Event coverage, totals since the events were first counted:\n";
  for (const auto& [event, count] : Events(source)) {
    text += fmt::format("{:<24} total: {}\n", event, count);
  }
  return text;
}

Text ReadCounter(SwitchFactsSource* source, const std::string& name) {
  const auto events = Events(source);
  const auto found = events.find(name);
  if (found == events.end()) return absl::NotFoundError("No such counter");
  return std::to_string(found->second);
}

Text ShowMemory(SwitchFactsSource* source, const Database* database) {
  const SwitchFacts facts = source->Look();
  std::map<std::string, size_t> use;
  for (const auto& [name, rows] : database->tables()) {
    use["db-rows-" + database->schema().name] += rows.size();
  }
  for (const auto& [name, bridge] : facts.bridges) {
    use["ports"] += bridge.ports.size();
    use["fdb"] += bridge.fdb.size();
  }
  for (const auto& [id, counters] : facts.counters) use["connections"] += counters.connections;
  if (facts.in_force != nullptr) {
    for (const auto& [digest, set] : facts.in_force->rule_sets) use["rules"] += set.rules.size();
  }
  std::string text;
  for (const auto& [name, count] : use) {
    if (count > 0) text += fmt::format("{}{}:{}", text.empty() ? "" : " ", name, count);
  }
  return text;
}

}  // namespace

std::string OfportText(uint16_t ofport) {
  return ofport == kLocalOfport ? "LOCAL" : std::to_string(ofport);
}

void AddSwitchCommands(SwitchFactsSource* source, const Database* database,
                       std::function<void()> on_exit, UnixctlCommands* commands) {
  using Arguments = UnixctlArguments;
  commands->Add("version", {.run = [source](const Arguments&) -> Text {
                  return fmt::format("ovs-vswitchd (Open vSwitch) {}\nOutrider {}\n", kOvsVersion,
                                     source->Look().version);
                }});
  commands->Add("exit", {.usage = "[--cleanup]",
                         .max_arguments = 1,
                         .run = [on_exit = std::move(on_exit)](const Arguments&) -> Text {
                           on_exit();
                           return "";
                         }});
  commands->Add("fdb/show",
                {.usage = "bridge",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .run = [source](const Arguments& a) { return ShowFdb(source, a[0]); }});
  commands->Add("fdb/stats-show",
                {.usage = "bridge",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .run = [source](const Arguments& a) { return ShowFdbStatistics(source, a[0]); }});
  commands->Add("fdb/flush", {.usage = "[bridge]",
                              .max_arguments = 1,
                              .run = [source](const Arguments& a) { return FlushFdb(source, a); }});
  commands->Add("dpif/show", {.run = [source](const Arguments&) { return ShowDpif(source); }});
  commands->Add("dpif/dump-dps",
                {.run = [source](const Arguments&) { return ListBridges(source, "system@"); }});
  commands->Add("ofproto/list",
                {.run = [source](const Arguments&) { return ListBridges(source, ""); }});
  commands->Add("coverage/show",
                {.run = [source](const Arguments&) { return ShowCoverage(source); }});
  commands->Add("coverage/read-counter",
                {.usage = "COUNTER",
                 .min_arguments = 1,
                 .max_arguments = 1,
                 .run = [source](const Arguments& a) { return ReadCounter(source, a[0]); }});
  commands->Add("memory/show", {.run = [source, database](const Arguments&) {
                  return ShowMemory(source, database);
                }});
  commands->Add("bond/show",
                {.usage = "[port]", .max_arguments = 1, .run = [](const Arguments& a) -> Text {
                   if (!a.empty()) return absl::NotFoundError("no such bond");
                   return "";
                 }});
  // Verdicts are cached with connections only, and those are judged anew when rules change.
  commands->Add("revalidator/purge", {.run = [](const Arguments&) -> Text { return ""; }});
}

}  // namespace outrider::ovs
