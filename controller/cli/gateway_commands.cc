// outrider gateway create|list|show|delete
#include <fmt/format.h>

#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using GatewayStub = v1::GatewayService::Stub;

struct GatewayOptions {
  std::string name;
  std::string vtep;
  std::vector<std::string> segments;
  std::vector<std::string> stations;
};

// "blue,52:54:00:00:00:01,10.0.0.1": segment, MAC, addresses. What they hold is the controller's to
// check.
absl::Status AddStation(const std::string& text, v1::Gateway* gateway) {
  const std::vector<std::string> parts = CLI::detail::split(text, ',');
  if (parts.size() < 2 || parts[0].empty() || parts[1].empty()) {
    return absl::InvalidArgumentError(
        fmt::format("gateway \"{}\": station \"{}\": write SEGMENT,MAC or SEGMENT,MAC,IP,...",
                    gateway->meta().name(), text));
  }
  v1::Gateway::Station* station = gateway->add_stations();
  station->set_segment(parts[0]);
  station->set_mac(parts[1]);
  for (size_t i = 2; i < parts.size(); ++i) station->add_ips(parts[i]);
  return absl::OkStatus();
}

absl::StatusOr<int> Create(Invocation* cli, const GatewayOptions& options) {
  v1::Gateway gateway;
  gateway.mutable_meta()->set_name(options.name);
  gateway.set_vtep(options.vtep);
  for (const std::string& segment : options.segments) gateway.add_segments(segment);
  for (const std::string& station : options.stations) {
    RETURN_IF_ERROR(AddStation(station, &gateway));
  }
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(gateway, client->Call(&GatewayStub::Create, gateway));
  return PrintObject(cli, gateway,
                     fmt::format("gateway \"{}\" created: vtep {}, segments {}, stations {}\n",
                                 gateway.meta().name(), gateway.vtep(),
                                 fmt::join(gateway.segments(), ","), gateway.stations_size()));
}

}  // namespace

void AddGatewayCommands(Invocation* cli, CLI::App* root) {
  const KindWords kind = {"gateway", "gateway", "rack7"};
  CLI::App* group = cli->AddGroup(root, "gateway", "VTEPs that are not ours, and what is behind");

  auto create = std::make_shared<GatewayOptions>();
  CLI::App* command =
      cli->AddCommand(group, "create", "Make a foreign VTEP part of segments",
                      {"outrider gateway create rack7 --vtep 192.0.2.7 --segment blue "
                       "--station blue,52:54:00:00:07:01,10.0.0.7"},
                      [cli, create] { return Create(cli, *create); });
  command->add_option("NAME", create->name, "Name of the gateway")->required();
  command->add_option("--vtep", create->vtep, "IPv4 or IPv6 address of the VTEP")
      ->type_name("IP")
      ->required();
  Invocation::AddRepeated(command, "--segment", &create->segments, "Segment it takes part in")
      ->type_name("NAME")
      ->required();
  command->add_option("--station", create->stations, "A MAC behind it: SEGMENT,MAC[,IP...]")
      ->type_name("STATION")
      ->allow_extra_args(false);
  AddListCommand<GatewayStub, v1::ListGatewaysResponse>(cli, group, kind, &GatewayStub::List,
                                                        GatewayTable);
  AddShowCommand<GatewayStub, v1::Gateway>(cli, group, kind, &GatewayStub::Get, GatewayText);
  AddDeleteCommand(cli, group, kind, &GatewayStub::Delete);
}

}  // namespace outrider::controller::cli
