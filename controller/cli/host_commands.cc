// outrider host list|show|enroll|evacuate|delete
#include <fmt/format.h>

#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/duration.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using HostStub = v1::HostService::Stub;

struct EnrollOptions {
  v1::EnrollHostRequest request;
  std::optional<std::chrono::milliseconds> ttl;
};

// The token alone goes to standard output, so that it can be piped to the host; what to do with it
// goes to standard error.
absl::StatusOr<int> Enroll(Invocation* cli, const EnrollOptions& options) {
  v1::EnrollHostRequest request = options.request;
  if (options.ttl.has_value()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*options.ttl);
    if (seconds.count() == 0) {
      return absl::InvalidArgumentError(
          fmt::format("host \"{}\": --ttl {} is too short; give at least 10s", request.host_id(),
                      FormatDuration(*options.ttl)));
    }
    request.set_ttl_s(static_cast<uint32_t>(seconds.count()));
  }
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(const auto response, client->Call(&HostStub::Enroll, request));
  cli->Print(cli->json() ? Json(response) : response.token() + "\n");
  if (!cli->json()) {
    cli->Hint(
        fmt::format("The token works once, for host \"{}\" only, until {}.\n"
                    "On that host: outrider-agent --join-file - --vtep IP, and paste it.\n",
                    request.host_id(), FormatTime(response.expires_us())));
  }
  return Done();
}

// One line for people, then what it speaks of.
std::string EvacuatedText(const std::string& host, const v1::EvacuateHostResponse& response) {
  std::string text =
      fmt::format("host \"{}\" evacuated: {} port(s) let go of, {} migration(s) ended\n", host,
                  response.ports_size(), response.migrations_size());
  for (const std::string& port : response.ports()) text += fmt::format("  port {}\n", port);
  for (const std::string& id : response.migrations()) text += fmt::format("  migration {}\n", id);
  return text;
}

absl::StatusOr<int> Evacuate(Invocation* cli, const v1::EvacuateHostRequest& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(const auto response, client->Call(&HostStub::Evacuate, request));
  cli->Print(cli->json() ? Json(response) : EvacuatedText(request.name(), response));
  if (!cli->json() && response.ports_size() != 0) {
    cli->Hint("Start the guests elsewhere: where a port is attached next, it is.\n");
  }
  return Done();
}

void AddEvacuate(Invocation* cli, CLI::App* group) {
  auto request = std::make_shared<v1::EvacuateHostRequest>();
  CLI::App* command =
      cli->AddCommand(group, "evacuate", "A host has failed: let other hosts have its ports",
                      {"outrider host evacuate h1", "outrider host evacuate h1 --force"},
                      [cli, request] { return Evacuate(cli, *request); });
  command->add_option("ID", *request->mutable_name(), "Id of the host")->required();
  command->add_flag_callback(
      "--force", [request] { request->set_force(true); },
      "Also a host that is connected, or was heard lately: its guests do not run any more");
}

}  // namespace

void AddHostCommands(Invocation* cli, CLI::App* root) {
  const KindWords kind = {"host", "host", "h1", "ID"};
  CLI::App* group = cli->AddGroup(root, "host", "Hosts: who runs an agent, and invitations");
  AddListCommand<HostStub, v1::ListHostsResponse>(cli, group, kind, &HostStub::List, HostTable);
  AddShowCommand<HostStub, v1::Host>(cli, group, kind, &HostStub::Get, HostText);

  auto enroll = std::make_shared<EnrollOptions>();
  CLI::App* command = cli->AddCommand(
      group, "enroll", "Invite a host: print a token that lets its agent join once",
      {"outrider host enroll h1", "outrider host enroll h1 --ttl 10m --endpoint 192.0.2.1:7443",
       "outrider host enroll h1 | ssh h1 outrider-agent --join-file - --vtep 10.0.1.1"},
      [cli, enroll] { return Enroll(cli, *enroll); });
  command->add_option("ID", *enroll->request.mutable_host_id(), "Id of the host")->required();
  Invocation::AddDuration(command, "--ttl", &enroll->ttl, "How long the token works (default 1h)");
  command
      ->add_option("--endpoint", *enroll->request.mutable_endpoint(),
                   "Where agents reach the controller (default: its --advertise)")
      ->type_name("HOST:PORT");
  AddEvacuate(cli, group);
  AddDeleteCommand(cli, group, kind, &HostStub::Delete);
}

}  // namespace outrider::controller::cli
