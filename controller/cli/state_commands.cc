// outrider state show
#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "outrider/v1/agent.grpc.pb.h"

namespace outrider::controller::cli {

void AddStateCommands(Invocation* cli, CLI::App* root) {
  CLI::App* group = cli->AddGroup(root, "state", "What this host's agent holds");
  auto desired = std::make_shared<bool>(false);
  auto applied = std::make_shared<bool>(false);
  CLI::App* command = cli->AddCommand(
      group, "show", "Show segments, FDB, neighbours, rule sets and ports of this host",
      {"outrider state show", "outrider state show --desired --json"},
      [cli, desired]() -> absl::StatusOr<int> {
        v1::GetHostStateRequest request;
        request.set_view(*desired ? v1::GetHostStateRequest::VIEW_DESIRED
                                  : v1::GetHostStateRequest::VIEW_APPLIED);
        ASSIGN_OR_RETURN(Client * client, cli->Agent());
        ASSIGN_OR_RETURN(const auto response,
                         client->Call(&v1::AgentLocalService::Stub::GetHostState, request));
        return PrintObject(cli, response, HostStateText(response));
      });
  CLI::Option* flag = command->add_flag("--desired", *desired, "What the controller asks for");
  command->add_flag("--applied", *applied, "What is in the datapath (the default)")->excludes(flag);
}

}  // namespace outrider::controller::cli
