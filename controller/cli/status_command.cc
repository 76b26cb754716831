// outrider status: the controller and the agent, whichever answer.
#include <fmt/format.h>

#include "controller/cli/commands.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "outrider/v1/agent.grpc.pb.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

template <typename Response>
const google::protobuf::Message* Pointer(const absl::StatusOr<Response>& response) {
  return response.ok() ? &*response : nullptr;
}

// A host may run only one of the two, so that one is silent is worth a line and no failure.
absl::StatusOr<int> Status(Invocation* cli) {
  ASSIGN_OR_RETURN(Client * controller, cli->Controller());
  ASSIGN_OR_RETURN(Client * agent, cli->Agent());
  const auto controller_status =
      controller->Call(&v1::ControllerService::Stub::GetStatus, v1::GetControllerStatusRequest());
  const auto agent_status =
      agent->Call(&v1::AgentLocalService::Stub::GetStatus, v1::GetAgentStatusRequest());
  if (cli->json()) {
    cli->Print(
        JsonObject({{"controller", Pointer(controller_status)}, {"agent", Pointer(agent_status)}}));
  } else {
    if (controller_status.ok()) {
      cli->Print(fmt::format("Controller at {}\n{}", controller->address(),
                             ControllerStatusText(*controller_status)));
    }
    if (controller_status.ok() && agent_status.ok()) cli->Print("\n");
    if (agent_status.ok()) {
      cli->Print(fmt::format("Agent at {}\n{}", agent->address(), AgentStatusText(*agent_status)));
    }
  }
  if (!controller_status.ok()) cli->Complain(Message(controller_status.status()));
  if (!agent_status.ok()) cli->Complain(Message(agent_status.status()));
  return controller_status.ok() || agent_status.ok() ? kExitOk : kExitError;
}

}  // namespace

void AddStatusCommand(Invocation* cli, CLI::App* root) {
  cli->AddCommand(root, "status", "Show how the controller and this host's agent are",
                  {"outrider status", "outrider status --json"}, [cli] { return Status(cli); });
}

}  // namespace outrider::controller::cli
