// outrider port-group apply|list|show|delete
#include <memory>

#include "controller/cli/apply.h"
#include "controller/cli/commands.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {

void AddPortGroupCommands(Invocation* cli, CLI::App* root) {
  using Stub = v1::PortGroupService::Stub;
  const KindWords kind = {"port-group", "port group", "web-servers"};
  CLI::App* group =
      cli->AddGroup(root, "port-group", "Port groups: the addresses of ports for ACL rules");

  auto file = std::make_shared<std::string>();
  CLI::App* command = cli->AddCommand(
      group, "apply", "Make the objects of a YAML file true; kind PortGroup where none is named",
      {"outrider port-group apply -f web-servers.yaml"},
      [cli, file] { return ApplyFile(cli, *file, "PortGroup"); });
  command->add_option("-f,--file", *file, "YAML file, or - for standard input")
      ->type_name("FILE")
      ->required();
  AddListCommand<Stub, v1::ListPortGroupsResponse>(cli, group, kind, &Stub::List, PortGroupTable);
  AddShowCommand<Stub, v1::PortGroup>(cli, group, kind, &Stub::Get, PortGroupText);
  AddDeleteCommand(cli, group, kind, &Stub::Delete);
}

}  // namespace outrider::controller::cli
