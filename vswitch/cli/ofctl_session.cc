// What the commands of ovs-ofctl share.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "vswitch/cli/ofctl_commands.h"

namespace outrider::cli {

using openflow::Message;

absl::StatusOr<std::unique_ptr<OfctlConnection>> Ofctl::Open(const std::string& target) {
  return OfctlConnection::Open(target, options_.versions, &next_xid_);
}

absl::StatusOr<openflow::PortDescList> Ofctl::AskPorts(const std::string& target) {
  ASSIGN_OR_RETURN(const auto connection, Open(target));
  openflow::Body request = openflow::Plain::kFeaturesRequest;
  if (connection->version() != openflow::kVersion10) {
    request = openflow::StatsRequest{.type = openflow::kStatsPortDesc};
  }
  ASSIGN_OR_RETURN(const std::vector<Message> parts, connection->Transact(std::move(request)));
  openflow::PortDescList ports;
  for (const Message& part : parts) {
    const openflow::PortDescList* list = std::get_if<openflow::PortDescList>(&part.body);
    const auto* features = std::get_if<openflow::FeaturesReply>(&part.body);
    if (features != nullptr) list = &features->ports;
    if (list != nullptr) ports.insert(ports.end(), list->begin(), list->end());
  }
  return ports;
}

absl::StatusOr<openflow::TableList> Ofctl::AskTables(const std::string& target) {
  ASSIGN_OR_RETURN(const auto connection, Open(target));
  openflow::StatsRequest request{.type = openflow::kStatsTable};
  // Only these have names in 1.3.
  if (connection->version() != openflow::kVersion10) request.type = openflow::kStatsTableFeatures;
  ASSIGN_OR_RETURN(const std::vector<Message> parts, connection->Transact(request));
  openflow::TableList tables;
  for (const Message& part : parts) {
    if (const auto* list = std::get_if<openflow::TableList>(&part.body)) {
      tables.insert(tables.end(), list->begin(), list->end());
    }
    const auto* features = std::get_if<openflow::TableFeaturesList>(&part.body);
    if (features == nullptr) continue;
    for (const auto& table : *features)
      tables.push_back({.table = table.table, .name = table.name});
  }
  return tables;
}

absl::StatusOr<openflow::PortDescList> Ofctl::Ports(const std::string& target) {
  if (!ports_.contains(target)) {
    ASSIGN_OR_RETURN(ports_[target], AskPorts(target));
  }
  return ports_[target];
}

absl::StatusOr<openflow::TableList> Ofctl::Tables(const std::string& target) {
  if (!tables_.contains(target)) {
    ASSIGN_OR_RETURN(tables_[target], AskTables(target));
  }
  return tables_[target];
}

namespace {

// Open vSwitch calls unnamed tables "table5" or by their number alone.
bool IsName(const openflow::TableStats& table) {
  return !table.name.empty() && table.name != fmt::format("table{}", table.table) &&
         table.name != "classifier";
}

}  // namespace

absl::StatusOr<OfNumbers> Ofctl::Numbers(const std::string& target) {
  OfNumbers numbers;
  if (options_.names == false) return numbers;
  ASSIGN_OR_RETURN(const openflow::TableList tables, Tables(target));
  for (const auto& table : tables) {
    if (IsName(table)) numbers.tables[table.name] = table.table;
  }
  ASSIGN_OR_RETURN(const openflow::PortDescList ports, Ports(target));
  for (const auto& port : ports) numbers.ports[port.name] = port.port;
  return numbers;
}

bool Ofctl::ShowsNames() const { return options_.names.value_or(isatty(STDOUT_FILENO) == 1); }

absl::StatusOr<OfNames> Ofctl::Names(const std::string& target, bool with_tables) {
  OfNames names;
  if (!ShowsNames()) return names;
  if (with_tables) {
    ASSIGN_OR_RETURN(const openflow::TableList tables, Tables(target));
    for (const auto& table : tables) {
      if (IsName(table)) names.tables[table.table] = table.name;
    }
  }
  ASSIGN_OR_RETURN(const openflow::PortDescList ports, Ports(target));
  for (const auto& port : ports) names.ports[port.port] = port.name;
  return names;
}

absl::Status Ofctl::Print(const std::string& target, openflow::Body request, const OfNames& names) {
  ASSIGN_OR_RETURN(const auto connection, Open(target));
  ASSIGN_OR_RETURN(const std::vector<Message> parts, connection->Transact(std::move(request)));
  for (const Message& part : parts) {
    std::fputs(MessageText(part, names).c_str(), stdout);
  }
  return absl::OkStatus();
}

void Ofctl::Log(const char* module, const char* level, const std::string& message) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char time[32];
  std::strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &utc);
  std::fputs(fmt::format("{}|{:05}|{}|{}|{}\n", time, ++lines_, module, level, message).c_str(),
             stderr);
}

void Ofctl::TellNormalized(const ParsedFlow& flow) {
  if (!flow.normalized) return;
  const auto text = [](const openflow::Match& match) {
    return MatchText(match, 0x8000, 0x8000, {});
  };
  Log("ofp_match", "INFO", "normalization changed ofp_match, details:");
  Log("ofp_match", "INFO", " pre: " + text(flow.written));
  Log("ofp_match", "INFO", "post: " + text(flow.mod.match));
}

absl::Status Refused() { return absl::CancelledError(); }

}  // namespace outrider::cli
