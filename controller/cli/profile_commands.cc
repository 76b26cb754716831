// outrider profile apply|list|show|history|diff|delete
#include <fmt/format.h>

#include <memory>

#include "controller/cli/apply.h"
#include "controller/cli/commands.h"
#include "controller/cli/message_diff.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using Stub = v1::ProfileService::Stub;

absl::StatusOr<v1::ListProfileRevisionsResponse> Revisions(Invocation* cli,
                                                           const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::ListProfileRevisionsRequest request;
  request.set_name(name);
  return client->Call(&Stub::ListRevisions, request);
}

// The API has no call for one revision: a profile's line of them is short.
absl::StatusOr<v1::Profile> FindRevision(const v1::ListProfileRevisionsResponse& list,
                                         const std::string& name, uint32_t revision) {
  for (const v1::Profile& profile : list.revisions()) {
    if (profile.profile_revision() == revision) return profile;
  }
  return absl::NotFoundError(
      fmt::format("profile \"{0}\": there is no revision {1}; see: outrider profile history {0}",
                  name, revision));
}

struct ShowOptions {
  std::string name;
  std::optional<uint32_t> revision;
};

absl::StatusOr<int> Show(Invocation* cli, const ShowOptions& options) {
  if (options.revision.has_value()) {
    ASSIGN_OR_RETURN(const auto list, Revisions(cli, options.name));
    ASSIGN_OR_RETURN(const v1::Profile profile,
                     FindRevision(list, options.name, *options.revision));
    return PrintObject(cli, profile, ProfileText(profile));
  }
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::GetRequest request;
  request.set_name(options.name);
  ASSIGN_OR_RETURN(const v1::Profile profile, client->Call(&Stub::Get, request));
  return PrintObject(cli, profile, ProfileText(profile));
}

absl::StatusOr<int> History(Invocation* cli, const std::string& name) {
  ASSIGN_OR_RETURN(const auto list, Revisions(cli, name));
  cli->Print(cli->json() ? JsonList(list.revisions()) : ProfileHistoryTable(list));
  return Done();
}

struct DiffOptions {
  std::string name;
  uint32_t from = 0;
  uint32_t to = 0;
};

// Revisions may be given in either order; what is "+" and "-" follows.
absl::StatusOr<int> Diff(Invocation* cli, const DiffOptions& options) {
  ASSIGN_OR_RETURN(const auto list, Revisions(cli, options.name));
  ASSIGN_OR_RETURN(const v1::Profile from, FindRevision(list, options.name, options.from));
  ASSIGN_OR_RETURN(const v1::Profile to, FindRevision(list, options.name, options.to));
  const std::vector<FieldChange> changes = DiffMessages(from, to);
  if (cli->json()) {
    std::vector<JsonRow> rows;
    for (const FieldChange& change : changes) {
      rows.push_back({{"path", change.path}, {"from", change.from}, {"to", change.to}});
    }
    cli->Print(JsonRows(rows));
    return Done();
  }
  cli->Print(fmt::format("profile \"{}\": revision {} -> {}\n{}", options.name, options.from,
                         options.to, DiffText(changes)));
  return Done();
}

// Commands that look at one name's line of revisions.
void AddRevisionCommands(Invocation* cli, CLI::App* group) {
  auto show = std::make_shared<ShowOptions>();
  CLI::App* command = cli->AddCommand(
      group, "show", "Show a profile as YAML that apply accepts",
      {"outrider profile show web", "outrider profile show web --revision 2 > web-2.yaml"},
      [cli, show] { return Show(cli, *show); });
  command->add_option("NAME", show->name, "Name of the profile")->required();
  command->add_option("--revision", show->revision, "This revision, not the one in force")
      ->type_name("N");

  auto name = std::make_shared<std::string>();
  command = cli->AddCommand(group, "history", "List a profile's revisions, oldest first",
                            {"outrider profile history web"},
                            [cli, name] { return History(cli, *name); });
  command->add_option("NAME", *name, "Name of the profile")->required();

  auto diff = std::make_shared<DiffOptions>();
  command =
      cli->AddCommand(group, "diff", "Show what changed between two revisions",
                      {"outrider profile diff web 2 3"}, [cli, diff] { return Diff(cli, *diff); });
  command->add_option("NAME", diff->name, "Name of the profile")->required();
  command->add_option("REV1", diff->from, "Older revision")->required();
  command->add_option("REV2", diff->to, "Newer revision")->required();
}

}  // namespace

void AddProfileCommands(Invocation* cli, CLI::App* root) {
  const KindWords kind = {"profile", "profile", "web"};
  CLI::App* group = cli->AddGroup(root, "profile", "Port profiles: segment, ACL, QoS, security");

  auto file = std::make_shared<std::string>();
  CLI::App* command = cli->AddCommand(
      group, "apply", "Make the objects of a YAML file true; kind Profile where none is named",
      {"outrider profile apply -f web.yaml",
       "outrider profile show web | outrider profile apply -f -"},
      [cli, file] { return ApplyFile(cli, *file, "Profile"); });
  command->add_option("-f,--file", *file, "YAML file, or - for standard input")
      ->type_name("FILE")
      ->required();
  AddListCommand<Stub, v1::ListProfilesResponse>(cli, group, kind, &Stub::List, ProfileTable);
  AddRevisionCommands(cli, group);
  AddDeleteCommand(cli, group, kind, &Stub::Delete);
}

}  // namespace outrider::controller::cli
