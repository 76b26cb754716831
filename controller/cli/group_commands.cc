// outrider group apply|list|show|delete
#include <memory>

#include "controller/cli/apply.h"
#include "controller/cli/commands.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {

void AddGroupCommands(Invocation* cli, CLI::App* root) {
  using Stub = v1::AddressGroupService::Stub;
  const KindWords kind = {"group", "address group", "clients"};
  CLI::App* group = cli->AddGroup(root, "group", "Address groups: sets of prefixes for ACL rules");

  auto file = std::make_shared<std::string>();
  CLI::App* command = cli->AddCommand(
      group, "apply", "Make the objects of a YAML file true; kind AddressGroup where none is named",
      {"outrider group apply -f clients.yaml"},
      [cli, file] { return ApplyFile(cli, *file, "AddressGroup"); });
  command->add_option("-f,--file", *file, "YAML file, or - for standard input")
      ->type_name("FILE")
      ->required();
  AddListCommand<Stub, v1::ListAddressGroupsResponse>(cli, group, kind, &Stub::List,
                                                      AddressGroupTable);
  AddShowCommand<Stub, v1::AddressGroup>(cli, group, kind, &Stub::Get, AddressGroupText);
  AddDeleteCommand(cli, group, kind, &Stub::Delete);
}

}  // namespace outrider::controller::cli
