// outrider conntrack list|flush: the connections of this host's ports, from its agent.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/duration.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/protocol_numbers.h"
#include "controller/cli/table.h"
#include "outrider/v1/agent.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using AgentStub = v1::AgentLocalService::Stub;

bool HasPorts(uint32_t protocol) {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

// The words of rules where they have one; of ICMP with the id, which takes the ports' place.
std::string ProtocolText(const v1::Connection& connection) {
  switch (connection.protocol()) {
    case kTcp:
      return "tcp";
    case kUdp:
      return "udp";
    case kSctp:
      return "sctp";
    case kIcmp:
      return fmt::format("icmp id {}", connection.src_port());
    case kIcmpv6:
      return fmt::format("icmpv6 id {}", connection.src_port());
    default:
      return std::to_string(connection.protocol());
  }
}

std::string EndText(const std::string& address, uint32_t port, uint32_t protocol) {
  if (!HasPorts(protocol)) return address;
  if (address.find(':') != std::string::npos) return fmt::format("[{}]:{}", address, port);
  return fmt::format("{}:{}", address, port);
}

std::string ConnectionTable(const v1::ListConnectionsResponse& list) {
  Table table({"PORT", "VNI", "PROTOCOL", "FROM", "TO", "BEGUN", "STATE", "EXPIRES"});
  for (const v1::Connection& c : list.connections()) {
    table.AddRow({c.port_id(), std::to_string(c.vni()), ProtocolText(c),
                  EndText(c.src(), c.src_port(), c.protocol()),
                  EndText(c.dst(), c.dst_port(), c.protocol()),
                  c.from_guest() ? "by guest" : "outside", c.state(),
                  FormatDuration(std::chrono::seconds(c.expires_s()))});
  }
  return table.Render();
}

absl::StatusOr<int> List(Invocation* cli, const v1::ListConnectionsRequest& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto list, client->Call(&AgentStub::ListConnections, request));
  cli->Print(cli->json() ? JsonList(list.connections()) : ConnectionTable(list));
  const auto shown = static_cast<uint64_t>(list.connections_size());
  if (shown < list.total()) {
    cli->Hint(fmt::format("{} of {} connections; more of them: --limit N, or one PORT\n", shown,
                          list.total()));
  }
  return Done();
}

absl::StatusOr<int> Flush(Invocation* cli, const v1::FlushConnectionsRequest& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Agent());
  ASSIGN_OR_RETURN(const auto response, client->Call(&AgentStub::FlushConnections, request));
  const std::string of = request.port_id().empty() ? std::string("all ports")
                                                   : fmt::format("port \"{}\"", request.port_id());
  return PrintObject(cli, response,
                     fmt::format("{} connections of {} forgotten\n", response.flushed(), of));
}

}  // namespace

void AddConntrackCommands(Invocation* cli, CLI::App* root) {
  CLI::App* group = cli->AddGroup(root, "conntrack", "Connections that this host's ports remember");
  auto list = std::make_shared<v1::ListConnectionsRequest>();
  CLI::App* command =
      cli->AddCommand(group, "list", "List the connections of a port, or of all",
                      {"outrider conntrack list",
                       "outrider conntrack list 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001 --json"},
                      [cli, list] { return List(cli, *list); });
  command->add_option("PORT", *list->mutable_port_id(), "uuid of the port (default: all)");
  command
      ->add_option_function<uint32_t>(
          "--limit", [list](uint32_t limit) { list->set_limit(limit); },
          "Show so many at most, 1..20000 (default 10000)")
      ->type_name("N");
  auto flush = std::make_shared<v1::FlushConnectionsRequest>();
  command = cli->AddCommand(
      group, "flush", "Forget connections: rules decide on what comes next",
      {"outrider conntrack flush 6f1c7a52-0e0b-4d53-9d59-3c8f4f4f0001", "outrider conntrack flush"},
      [cli, flush] { return Flush(cli, *flush); });
  command->add_option("PORT", *flush->mutable_port_id(), "uuid of the port (default: all)");
}

}  // namespace outrider::controller::cli
