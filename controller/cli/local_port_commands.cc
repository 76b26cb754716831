// outrider port attach|detach|paused|resumed and port list --local: this host's agent, not the
// controller.
#include <fmt/format.h>

#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/duration.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "controller/cli/table.h"
#include "controller/text/yaml_schema.h"
#include "outrider/v1/agent.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using AgentStub = v1::AgentLocalService::Stub;
using std::chrono::milliseconds;

// Long enough for the controller's answer; what still is not in force then has a reason to show.
constexpr milliseconds kDefaultWait(5000);

struct AttachOptions {
  v1::AttachPortRequest request;
  std::vector<std::string> ips;
  std::optional<milliseconds> wait;
};

// One line with what an operator checks next: device, VNI, revision, and how fast it was.
std::string AttachedLine(const v1::AttachPortResponse& response) {
  const v1::LocalPort& port = response.port();
  std::string line =
      fmt::format("port \"{}\" attached: device {}, vni {}, profile \"{}\" revision {}, {}",
                  port.attachment().port_id(), port.attachment().device(), port.vni(),
                  port.profile(), port.profile_revision(), Cell(Word(port.phase())));
  if (response.in_force_us() > 0) line += " after " + FormatMillis(response.in_force_us());
  return line + "\n";
}

// ARMED counts: the profile is in force, and the port opens when the guest arrives.
bool InForce(const v1::LocalPort& port) {
  return port.phase() == v1::PORT_PHASE_ACTIVE || port.phase() == v1::PORT_PHASE_ARMED;
}

// A port that stays blocked is an error only for those who waited: the attachment itself is
// durable.
absl::StatusOr<int> ReportBlocked(Invocation* cli, const v1::LocalPort& port, milliseconds wait) {
  const std::string problem =
      port.problem().empty() ? "its profile is not in force yet" : port.problem();
  if (wait.count() == 0) {
    if (!cli->json()) {
      cli->Print(fmt::format("port \"{}\" attached: device {}, blocked: {}\n",
                             port.attachment().port_id(), port.attachment().device(),
                             Cell(problem)));
    }
    return Done();
  }
  return absl::FailedPreconditionError(
      fmt::format("port \"{}\" is attached but blocked after {}: {}", port.attachment().port_id(),
                  FormatDuration(wait), Cell(problem)));
}

absl::StatusOr<int> Attach(Invocation* cli, const AttachOptions& options) {
  const milliseconds wait = options.wait.value_or(kDefaultWait);
  v1::AttachPortRequest request = options.request;
  for (const std::string& ip : options.ips) request.mutable_attachment()->add_ips(ip);
  request.set_wait_ms(WireMillis(wait));
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto response, client->Call(&AgentStub::AttachPort, request, wait));
  if (cli->json()) cli->Print(Json(response));
  if (!InForce(response.port())) return ReportBlocked(cli, response.port(), wait);
  if (!cli->json()) cli->Print(AttachedLine(response));
  return Done();
}

struct DetachOptions {
  std::string id;
  std::string device;
};

// Devices are names for people; the agent's key is the port id.
absl::StatusOr<std::string> PortOfDevice(Client* client, const std::string& device) {
  ASSIGN_OR_RETURN(const auto list,
                   client->Call(&AgentStub::ListPorts, v1::ListLocalPortsRequest()));
  for (const v1::LocalPort& port : list.ports()) {
    if (port.attachment().device() == device) return port.attachment().port_id();
  }
  return absl::NotFoundError(fmt::format(
      "device \"{}\" is not a port of this host; see: outrider port list --local", device));
}

absl::StatusOr<int> Detach(Invocation* cli, const DetachOptions& options) {
  if (options.id.empty() == options.device.empty()) {
    return cli->UsageError("give either ID or --dev");
  }
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  std::string id = options.id;
  if (id.empty()) {
    ASSIGN_OR_RETURN(id, PortOfDevice(client, options.device));
  }
  v1::DetachPortRequest request;
  request.set_port_id(id);
  ASSIGN_OR_RETURN(const auto response, client->Call(&AgentStub::DetachPort, request));
  return PrintObject(cli, response, fmt::format("port \"{}\" detached\n", id));
}

absl::StatusOr<int> TakeData(Invocation* cli, const v1::TakePortDataRequest& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto response, client->Call(&AgentStub::TakePortData, request));
  return PrintObject(cli, response, fmt::format("port \"{}\" open\n", request.port_id()));
}

void AddTakeData(Invocation* cli, CLI::App* group) {
  auto request = std::make_shared<v1::TakePortDataRequest>();
  CLI::App* command = cli->AddCommand(
      group, "take-data",
      "Open a port here before its migrating guest runs: the source has paused (PortData)",
      {"outrider port take-data 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001 outrider-1.mig-5f0c21aa.2"},
      [cli, request] { return TakeData(cli, *request); });
  command->add_option("ID", *request->mutable_port_id(), "uuid of the port")->required();
  command
      ->add_option("DATA", *request->mutable_port_data(),
                   "port_data of the port at the source (`outrider port list --local --json`)")
      ->required();
}

// Ports that something was done for, a line each, or why there are none.
template <typename Response, typename Ids>
absl::StatusOr<int> ReportGuest(Invocation* cli, const Response& response, const Ids& ids,
                                const char* done, const char* none) {
  std::string text;
  for (const std::string& id : ids) text += fmt::format("port \"{}\" {}\n", id, done);
  return PrintObject(cli, response, text.empty() ? none : text);
}

absl::StatusOr<int> GuestPaused(Invocation* cli, const v1::GuestPausedRequest& request) {
  if (request.port_id().empty() == request.vm_id().empty()) {
    return cli->UsageError("give either ID or --vm");
  }
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto response, client->Call(&AgentStub::GuestPaused, request));
  return ReportGuest(cli, response, response.redirected(),
                     "redirected: what comes for it is sent after its guest",
                     "nothing redirected: no armed migration takes it away from this host\n");
}

absl::StatusOr<int> GuestResumed(Invocation* cli, const v1::GuestResumedRequest& request) {
  if (request.port_id().empty() == request.vm_id().empty()) {
    return cli->UsageError("give either ID or --vm");
  }
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto response, client->Call(&AgentStub::GuestResumed, request));
  return ReportGuest(cli, response, response.changed(), "open: its guest runs here",
                     "nothing changed: no migration waits for it here\n");
}

// `paused` and `resumed`: who pauses guests by other means than libvirt or a QMP socket says so.
template <typename Request>
void AddGuestCommand(Invocation* cli, CLI::App* group, const std::string& name,
                     const std::string& description,
                     absl::StatusOr<int> (*run)(Invocation*, const Request&)) {
  auto request = std::make_shared<Request>();
  CLI::App* command =
      cli->AddCommand(group, name, description,
                      {"outrider port " + name + " 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001",
                       "outrider port " + name + " --vm web-1"},
                      [cli, request, run] { return run(cli, *request); });
  command->add_option("ID", *request->mutable_port_id(), "uuid of the port");
  command->add_option("--vm,--vm-id", *request->mutable_vm_id(), "All ports of this VM instead")
      ->type_name("ID");
}

void AddAttach(Invocation* cli, CLI::App* group) {
  auto options = std::make_shared<AttachOptions>();
  v1::PortAttachment* attachment = options->request.mutable_attachment();
  CLI::App* command = cli->AddCommand(
      group, "attach", "Make a device of this host a port, and wait until its profile is in force",
      {"outrider port attach --dev tap0 --id 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001 "
       "--mac 52:54:00:00:00:01 --profile web",
       "outrider port attach --dev tap0 --id 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001 "
       "--mac 52:54:00:00:00:01 --wait 0"},
      [cli, options] { return Attach(cli, *options); });
  command->add_option("--dev", *attachment->mutable_device(), "Network device, e.g. a tap")
      ->type_name("DEVICE")
      ->required();
  command->add_option("--id", *attachment->mutable_port_id(), "uuid of the port")
      ->type_name("UUID")
      ->required();
  command->add_option("--mac", *attachment->mutable_mac(), "MAC of the guest")
      ->type_name("MAC")
      ->required();
  command
      ->add_option("--profile", *attachment->mutable_profile(),
                   "Profile of the port (default: what the controller has)")
      ->type_name("NAME");
  Invocation::AddRepeated(command, "--ip", &options->ips, "Address hosts answer ARP and ND for")
      ->type_name("IP");
  command
      ->add_option("--vm-id,--vm", *attachment->mutable_vm_id(),
                   "The VM it belongs to: its ports migrate together")
      ->type_name("ID");
  command
      ->add_option("--qmp", *attachment->mutable_qmp(),
                   "QMP socket of its QEMU, for the agent alone: tells when the guest pauses and "
                   "runs, where no libvirt does")
      ->type_name("PATH");
  Invocation::AddDuration(command, "--wait", &options->wait,
                          "How long to wait; 0: return once it is durable (default 5s)");
}

}  // namespace

absl::StatusOr<int> ListLocalPorts(Invocation* cli) {
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto list,
                   client->Call(&AgentStub::ListPorts, v1::ListLocalPortsRequest()));
  cli->Print(cli->json() ? JsonList(list.ports()) : LocalPortTable(list));
  return Done();
}

void AddLocalPortCommands(Invocation* cli, CLI::App* port_group) {
  AddAttach(cli, port_group);
  auto options = std::make_shared<DetachOptions>();
  CLI::App* command =
      cli->AddCommand(port_group, "detach", "Take a device of this host out of the switch",
                      {"outrider port detach 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001",
                       "outrider port detach --dev tap0"},
                      [cli, options] { return Detach(cli, *options); });
  command->add_option("ID", options->id, "uuid of the port");
  command->add_option("--dev", options->device, "Its device instead")->type_name("DEVICE");
  AddTakeData(cli, port_group);
  AddGuestCommand(cli, port_group, "paused",
                  "Say that a guest of this host has paused to run elsewhere: what comes for it is "
                  "sent after it",
                  GuestPaused);
  AddGuestCommand(cli, port_group, "resumed",
                  "Say that a guest runs on this host: its port opens, or takes back what was sent "
                  "after it",
                  GuestResumed);
}

}  // namespace outrider::controller::cli
