// outrider port create|list|show|set|thaw|delete: ports as the controller knows them.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "controller/cli/table.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using PortStub = v1::PortService::Stub;

constexpr char kExampleId[] = "6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001";

// What create and set have in common. Absent options leave the field as it is.
struct PortOptions {
  std::string id;
  std::optional<std::string> mac;
  std::optional<std::string> profile;
  std::optional<std::string> vm;
  std::vector<std::string> ips;
  std::vector<std::string> allowed;
};

// Those that create needs are marked so by it.
struct PortFlags {
  CLI::Option* mac;
  CLI::Option* profile;
};

PortFlags AddOptions(CLI::App* command, PortOptions* options) {
  command->add_option("ID", options->id, "uuid of the port (libvirt's interfaceid)")->required();
  PortFlags flags;
  flags.mac = command->add_option("--mac", options->mac, "MAC of the guest")->type_name("MAC");
  flags.profile = command->add_option("--profile", options->profile, "Profile that is in force")
                      ->type_name("NAME");
  Invocation::AddRepeated(command, "--ip", &options->ips, "Address hosts answer ARP and ND for")
      ->type_name("IP");
  // Commas are between the prefixes of one MAC here.
  command->add_option("--allow", options->allowed, "Further MAC or prefixes the guest may use")
      ->allow_extra_args(false)
      ->type_name("[MAC=]PREFIX[,PREFIX] | MAC");
  command->add_option("--vm", options->vm, "The VM it belongs to: its ports migrate together")
      ->type_name("ID");
  return flags;
}

// "10.0.0.0/8,fd00::/8" of the port's MAC, "MAC=10.0.0.254" of another, "MAC" without addresses.
v1::AllowedAddress ParseAllowed(const std::string& text) {
  constexpr size_t kMacLength = 17;
  v1::AllowedAddress allowed;
  const size_t equals = text.find('=');
  const bool mac_only = equals == std::string::npos && text.size() == kMacLength &&
                        (text.find(':') == 2 || text.find('-') == 2);
  if (mac_only) {
    allowed.set_mac(text);
    return allowed;
  }
  if (equals != std::string::npos) allowed.set_mac(text.substr(0, equals));
  for (size_t at = equals == std::string::npos ? 0 : equals + 1; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    allowed.add_prefixes(text.substr(at, end - at));
    at = end + 1;
  }
  return allowed;
}

// What is given replaces what is there; --allow "" alone leaves none.
void FillAllowed(const std::vector<std::string>& texts, v1::Port* port) {
  if (texts.empty()) return;
  port->clear_allowed_addresses();
  for (const std::string& text : texts) {
    if (!text.empty()) *port->add_allowed_addresses() = ParseAllowed(text);
  }
}

void Fill(const PortOptions& options, v1::Port* port) {
  FillAllowed(options.allowed, port);
  if (options.mac.has_value()) port->set_mac(*options.mac);
  if (options.profile.has_value()) port->set_profile(*options.profile);
  if (options.vm.has_value()) port->set_vm_id(*options.vm);
  if (options.ips.empty()) return;
  // What is given replaces what is there; --ip "" alone leaves none.
  port->clear_ips();
  for (const std::string& ip : options.ips) {
    if (!ip.empty()) port->add_ips(ip);
  }
}

std::string Line(const v1::Port& port, const std::string& verb) {
  return fmt::format("port \"{}\" {}: mac {}, profile {}, vm {}\n", port.meta().name(), verb,
                     port.mac(), Cell(port.profile()), Cell(port.vm_id()));
}

absl::StatusOr<int> Create(Invocation* cli, const PortOptions& options) {
  v1::Port port;
  port.mutable_meta()->set_name(options.id);
  Fill(options, &port);
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(port, client->Call(&PortStub::Create, port));
  return PrintObject(cli, port, Line(port, "created"));
}

// As for segments: written back at the revision read, so no change in between is lost.
absl::StatusOr<int> Set(Invocation* cli, const PortOptions& options) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::GetRequest get;
  get.set_name(options.id);
  ASSIGN_OR_RETURN(v1::Port port, client->Call(&PortStub::Get, get));
  Fill(options, &port);
  ASSIGN_OR_RETURN(port, client->Call(&PortStub::Update, port));
  return PrintObject(cli, port, Line(port, "updated"));
}

struct ListOptions {
  std::string host;
  bool local = false;
};

// The API lists all ports; a host's are picked here.
absl::StatusOr<int> List(Invocation* cli, const ListOptions& options) {
  if (options.local) return ListLocalPorts(cli);
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(const auto list, client->Call(&PortStub::List, v1::ListRequest()));
  std::vector<v1::Port> ports;
  for (const v1::Port& port : list.items()) {
    if (options.host.empty() || port.location().host() == options.host) ports.push_back(port);
  }
  cli->Print(cli->json() ? JsonList(ports) : PortTable(ports));
  return Done();
}

struct PortShowOptions {
  std::string id;
  bool stats = false;
};

// Counters are asked for last: a port nobody knows is the better message of the two.
absl::StatusOr<int> Show(Invocation* cli, const PortShowOptions& options) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::GetRequest get;
  get.set_name(options.id);
  ASSIGN_OR_RETURN(const v1::Port port, client->Call(&PortStub::Get, get));
  if (!options.stats) return PrintObject(cli, port, PortText(port));
  v1::PortCountersRequest request;
  request.set_name(options.id);
  ASSIGN_OR_RETURN(const auto counters, client->Call(&PortStub::GetCounters, request));
  cli->Print(cli->json() ? JsonObject({{"port", &port}, {"counters", &counters}})
                         : PortText(port) + "\n" + PortCountersText(counters));
  return Done();
}

void AddReadCommands(Invocation* cli, CLI::App* group) {
  auto list = std::make_shared<ListOptions>();
  CLI::App* command = cli->AddCommand(
      group, "list", "List ports",
      {"outrider port list", "outrider port list --host h1", "outrider port list --local"},
      [cli, list] { return List(cli, *list); });
  CLI::Option* host =
      command->add_option("--host", list->host, "Only those on this host")->type_name("ID");
  command->add_flag("--local", list->local, "Ask this host's agent, not the controller")
      ->excludes(host);

  auto show = std::make_shared<PortShowOptions>();
  command = cli->AddCommand(group, "show", "Show one port",
                            {fmt::format("outrider port show {}", kExampleId),
                             fmt::format("outrider port show {} --stats", kExampleId)},
                            [cli, show] { return Show(cli, *show); });
  command->add_option("ID", show->id, "uuid of the port")->required();
  command->add_flag("--stats", show->stats, "Also the counters its host reported last");
}

absl::StatusOr<int> Thaw(Invocation* cli, const std::string& id) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::GetRequest request;
  request.set_name(id);
  ASSIGN_OR_RETURN(const v1::Port port, client->Call(&PortStub::Thaw, request));
  return PrintObject(cli, port,
                     fmt::format("port \"{}\" thawed: on host \"{}\", and may be claimed again\n",
                                 port.meta().name(), port.location().host()));
}

void AddThaw(Invocation* cli, CLI::App* group) {
  auto id = std::make_shared<std::string>();
  CLI::App* command = cli->AddCommand(
      group, "thaw", "Let hosts claim a port again that two of them fought for",
      {fmt::format("outrider port thaw {}", kExampleId)}, [cli, id] { return Thaw(cli, *id); });
  command->add_option("ID", *id, "uuid of the port")->required();
}

}  // namespace

void AddPortCommands(Invocation* cli, CLI::App* root) {
  CLI::App* group = cli->AddGroup(root, "port", "Ports: virtual NICs and where they are");

  auto create = std::make_shared<PortOptions>();
  CLI::App* command = cli->AddCommand(
      group, "create", "Make a port known before a host attaches it",
      {fmt::format("outrider port create {} --mac 52:54:00:00:00:01 --profile web --ip 10.0.0.1",
                   kExampleId)},
      [cli, create] { return Create(cli, *create); });
  const PortFlags flags = AddOptions(command, create.get());
  flags.mac->required();
  flags.profile->required();

  AddReadCommands(cli, group);

  auto set = std::make_shared<PortOptions>();
  command = cli->AddCommand(group, "set", "Change a port; what is not named stays",
                            {fmt::format("outrider port set {} --profile db", kExampleId),
                             fmt::format("outrider port set {} --allow 10.0.0.0/24 "
                                         "--allow 00:00:5e:00:01:01=10.0.0.254",
                                         kExampleId)},
                            [cli, set] { return Set(cli, *set); });
  AddOptions(command, set.get());
  AddThaw(cli, group);
  AddDeleteCommand(cli, group, {"port", "port", kExampleId, "ID"}, &PortStub::Delete);
  AddLocalPortCommands(cli, group);
}

}  // namespace outrider::controller::cli
