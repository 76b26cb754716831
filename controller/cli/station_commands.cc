// outrider station list: who this host heard on the physical networks it has an uplink to, and
// behind ports of its local segments, from its agent.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/duration.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "controller/cli/table.h"
#include "outrider/v1/agent.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using Stub = v1::AgentLocalService::Stub;

std::string HeardText(uint32_t seconds) {
  if (seconds == 0) return "now";
  return FormatDuration(std::chrono::seconds(seconds)) + " ago";
}

// As in the agent's own texts.
std::string VniText(uint32_t vni) {
  constexpr uint32_t kFirstLocal = 1 << 24;
  return vni < kFirstLocal ? std::to_string(vni) : fmt::format("local/{}", vni - kFirstLocal);
}

std::string BehindText(const v1::Station& station) {
  if (station.port_id().empty()) return ProviderText(station.uplink(), station.vlan());
  return "port " + (station.device().empty() ? station.port_id() : station.device());
}

std::string StationTable(const v1::ListStationsResponse& list) {
  Table table({"VNI", "MAC", "BEHIND", "HEARD"});
  for (const v1::Station& station : list.stations()) {
    table.AddRow(
        {VniText(station.vni()), station.mac(), BehindText(station), HeardText(station.heard_s())});
  }
  return table.Render();
}

absl::StatusOr<int> List(Invocation* cli, const v1::ListStationsRequest& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto list, client->Call(&Stub::ListStations, request));
  cli->Print(cli->json() ? JsonList(list.stations()) : StationTable(list));
  const auto shown = static_cast<uint64_t>(list.stations_size());
  if (shown < list.total()) {
    cli->Hint(fmt::format("{} of {} stations; more of them: --limit N, or one VNI\n", shown,
                          list.total()));
  }
  return Done();
}

}  // namespace

void AddStationCommands(Invocation* cli, CLI::App* root) {
  CLI::App* group =
      cli->AddGroup(root, "station", "Stations of physical networks that this host heard");
  auto request = std::make_shared<v1::ListStationsRequest>();
  CLI::App* command = cli->AddCommand(
      group, "list",
      "List who was heard behind this host's uplinks and local ports in the last five minutes",
      {"outrider station list", "outrider station list 300 --json"},
      [cli, request] { return List(cli, *request); });
  command
      ->add_option_function<uint32_t>(
          "VNI", [request](uint32_t vni) { request->set_vni(vni); },
          "VNI of the segment that the VLAN carries (default: all)")
      ->check(CLI::Range(1, (1 << 24) - 1).description(""));
  command
      ->add_option_function<uint32_t>(
          "--limit", [request](uint32_t limit) { request->set_limit(limit); },
          "Show so many at most, 1..20000 (default 10000)")
      ->type_name("N");
}

}  // namespace outrider::controller::cli
