// outrider profile activate|rollback|retire|dry-run
#include <fmt/format.h>

#include <memory>

#include "controller/cli/apply.h"
#include "controller/cli/commands.h"
#include "controller/cli/dry_run_text.h"
#include "controller/cli/object_commands.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using ProfileStub = v1::ProfileService::Stub;

absl::StatusOr<int> Activate(Invocation* cli, const v1::ProfileRevisionRequest& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(const v1::Profile after, client->Call(&ProfileStub::Activate, request));
  return PrintObject(cli, after,
                     fmt::format("profile \"{}\" revision {} in force\n", after.meta().name(),
                                 after.profile_revision()));
}

// What is in force is asked for only to say "unchanged".
absl::StatusOr<int> Rollback(Invocation* cli, const v1::ProfileRevisionRequest& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::GetRequest get;
  get.set_name(request.name());
  const absl::StatusOr<v1::Profile> before = client->Call(&ProfileStub::Get, get);
  if (!before.ok() && !absl::IsNotFound(before.status())) return before.status();
  ASSIGN_OR_RETURN(const v1::Profile after, client->Call(&ProfileStub::Rollback, request));
  const bool same = before.ok() && before->profile_revision() == after.profile_revision();
  const std::string content =
      request.profile_revision() == 0
          ? ""
          : fmt::format(", with the content of revision {}", request.profile_revision());
  return PrintObject(cli, after,
                     fmt::format("profile \"{}\" {}revision {} in force{}\n", after.meta().name(),
                                 same ? "unchanged, " : "", after.profile_revision(), content));
}

absl::StatusOr<int> Retire(Invocation* cli, const v1::GetRequest& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(const v1::Profile after, client->Call(&ProfileStub::Retire, request));
  return PrintObject(cli, after,
                     fmt::format("profile \"{}\" retired; revision {} was the last in force\n",
                                 request.name(), after.profile_revision()));
}

absl::StatusOr<int> DryRun(Invocation* cli, const std::string& path) {
  ASSIGN_OR_RETURN(const auto documents, ReadDocuments(path, "Profile"));
  if (documents.size() != 1 || documents[0].kind != "Profile") {
    return absl::InvalidArgumentError(
        fmt::format("{}: dry-run takes one profile; split the file", InputName(path)));
  }
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  const auto& profile = static_cast<const v1::Profile&>(*documents[0].object);
  const auto response = client->Call(&ProfileStub::DryRun, profile);
  if (!response.ok()) {
    return Annotate(response.status(), fmt::format("{}:{}", InputName(path), documents[0].line));
  }
  return PrintObject(cli, *response, DryRunText(*response));
}

void AddActivate(Invocation* cli, CLI::App* group) {
  auto request = std::make_shared<v1::ProfileRevisionRequest>();
  auto revision = std::make_shared<uint32_t>(0);
  CLI::App* command = cli->AddCommand(
      group, "activate", "Put a draft in force, on every port of the profile at once",
      {"outrider profile activate web", "outrider profile activate web --revision 4"},
      [cli, request, revision] {
        request->set_profile_revision(*revision);
        return Activate(cli, *request);
      });
  command->add_option("NAME", *request->mutable_name(), "Name of the profile")->required();
  command->add_option("--revision", *revision, "Only if this is the draft")->type_name("N");
}

void AddRollback(Invocation* cli, CLI::App* group) {
  auto request = std::make_shared<v1::ProfileRevisionRequest>();
  auto to = std::make_shared<uint32_t>(0);
  CLI::App* command = cli->AddCommand(
      group, "rollback", "Put an older revision's content in force, as a new revision",
      {"outrider profile rollback web", "outrider profile rollback web --to 2"},
      [cli, request, to] {
        request->set_profile_revision(*to);
        return Rollback(cli, *request);
      });
  command->add_option("NAME", *request->mutable_name(), "Name of the profile")->required();
  command->add_option("--to", *to, "This revision (default: the one in force before)")
      ->type_name("N");
}

}  // namespace

void AddProfileLifeCommands(Invocation* cli, CLI::App* profile_group) {
  AddActivate(cli, profile_group);
  AddRollback(cli, profile_group);

  auto retired = std::make_shared<v1::GetRequest>();
  CLI::App* command = cli->AddCommand(
      profile_group, "retire", "Withdraw a profile nobody uses; its revisions stay",
      {"outrider profile retire web"}, [cli, retired] { return Retire(cli, *retired); });
  command->add_option("NAME", *retired->mutable_name(), "Name of the profile")->required();

  auto file = std::make_shared<std::string>();
  command = cli->AddCommand(
      profile_group, "dry-run", "Show which ports on which hosts a profile would change, and how",
      {"outrider profile dry-run -f web.yaml", "outrider profile dry-run -f web.yaml --json"},
      [cli, file] { return DryRun(cli, *file); });
  command->add_option("-f,--file", *file, "YAML file, or - for standard input")
      ->type_name("FILE")
      ->required();
}

}  // namespace outrider::controller::cli
