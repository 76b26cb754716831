// outrider profile apply|list|show|history|diff|delete; the others: profile_life_commands.cc
#include <fmt/format.h>

#include <memory>

#include "controller/cli/apply.h"
#include "controller/cli/commands.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "controller/text/message_diff.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using ProfileStub = v1::ProfileService::Stub;

absl::StatusOr<v1::ListProfileRevisionsResponse> Revisions(Invocation* cli,
                                                           const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::ListProfileRevisionsRequest request;
  request.set_name(name);
  return client->Call(&ProfileStub::ListRevisions, request);
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

struct ProfileShowOptions {
  std::string name;
  std::optional<uint32_t> revision;
  bool effective = false;
};

absl::StatusOr<int> Show(Invocation* cli, const ProfileShowOptions& options) {
  if (options.revision.has_value()) {
    ASSIGN_OR_RETURN(const auto list, Revisions(cli, options.name));
    ASSIGN_OR_RETURN(const v1::Profile profile,
                     FindRevision(list, options.name, *options.revision));
    return PrintObject(cli, profile, ProfileText(profile));
  }
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::GetRequest request;
  request.set_name(options.name);
  if (options.effective) {
    ASSIGN_OR_RETURN(const v1::Profile profile, client->Call(&ProfileStub::GetEffective, request));
    return PrintObject(cli, profile, EffectiveProfileText(profile));
  }
  ASSIGN_OR_RETURN(const v1::Profile profile, client->Call(&ProfileStub::Get, request));
  return PrintObject(cli, profile, ProfileText(profile));
}

absl::StatusOr<int> History(Invocation* cli, const std::string& name) {
  ASSIGN_OR_RETURN(const auto list, Revisions(cli, name));
  cli->Print(cli->json() ? JsonList(list.revisions()) : ProfileHistoryTable(list));
  return Done();
}

struct DiffOptions {
  std::string name;
  std::optional<uint32_t> from;
  std::optional<uint32_t> to;
};

// The newest revision in that state.
absl::StatusOr<uint32_t> NewestRevision(const v1::ListProfileRevisionsResponse& list,
                                        const std::string& name, v1::Profile::State state) {
  for (int i = list.revisions_size() - 1; i >= 0; --i) {
    if (list.revisions(i).state() == state) return list.revisions(i).profile_revision();
  }
  return absl::NotFoundError(fmt::format(
      "profile \"{0}\": no revision is {1}; name two, see: outrider profile history {0}", name,
      state == v1::Profile::STATE_ACTIVE ? "in force" : "older than the one in force"));
}

// Revisions may be given in either order; what is "+" and "-" follows. What is not given is the
// revision in force, and the one in force before it.
absl::StatusOr<int> Diff(Invocation* cli, DiffOptions options) {
  ASSIGN_OR_RETURN(const auto list, Revisions(cli, options.name));
  if (!options.to) {
    ASSIGN_OR_RETURN(options.to, NewestRevision(list, options.name, v1::Profile::STATE_ACTIVE));
  }
  if (!options.from) {
    ASSIGN_OR_RETURN(options.from, NewestRevision(list, options.name, v1::Profile::STATE_RETIRED));
  }
  ASSIGN_OR_RETURN(const v1::Profile from, FindRevision(list, options.name, *options.from));
  ASSIGN_OR_RETURN(const v1::Profile to, FindRevision(list, options.name, *options.to));
  const std::vector<FieldChange> changes = DiffMessages(from, to);
  if (cli->json()) {
    std::vector<JsonRow> rows;
    for (const FieldChange& change : changes) {
      rows.push_back({{"path", change.path}, {"from", change.from}, {"to", change.to}});
    }
    cli->Print(JsonRows(rows));
    return Done();
  }
  cli->Print(fmt::format("profile \"{}\": revision {} -> {}\n{}", options.name, *options.from,
                         *options.to, DiffText(changes)));
  return Done();
}

// Commands that look at one name's line of revisions.
void AddRevisionCommands(Invocation* cli, CLI::App* group) {
  auto show = std::make_shared<ProfileShowOptions>();
  CLI::App* command = cli->AddCommand(
      group, "show", "Show a profile as YAML that apply accepts",
      {"outrider profile show web", "outrider profile show web --revision 2 > web-2.yaml",
       "outrider profile show web --effective"},
      [cli, show] { return Show(cli, *show); });
  command->add_option("NAME", show->name, "Name of the profile")->required();
  auto* revision =
      command->add_option("--revision", show->revision, "This revision, not the one in force")
          ->type_name("N");
  command->add_flag("--effective", show->effective, "With what it inherits from its parent")
      ->excludes(revision);

  auto name = std::make_shared<std::string>();
  command = cli->AddCommand(
      group, "history", "List a profile's revisions and its draft, oldest first",
      {"outrider profile history web"}, [cli, name] { return History(cli, *name); });
  command->add_option("NAME", *name, "Name of the profile")->required();

  auto diff = std::make_shared<DiffOptions>();
  command = cli->AddCommand(
      group, "diff", "Show what changed between two revisions",
      {"outrider profile diff web", "outrider profile diff web 2", "outrider profile diff web 2 3"},
      [cli, diff] { return Diff(cli, *diff); });
  command->add_option("NAME", diff->name, "Name of the profile")->required();
  command->add_option("REV1", diff->from, "Older revision (default: the one in force before)");
  command->add_option("REV2", diff->to, "Newer revision (default: the one in force)");
}

}  // namespace

void AddProfileCommands(Invocation* cli, CLI::App* root) {
  const KindWords kind = {"profile", "profile", "web"};
  CLI::App* group = cli->AddGroup(root, "profile", "Port profiles: segment, ACL, QoS, security");

  auto file = std::make_shared<std::string>();
  auto draft = std::make_shared<bool>(false);
  CLI::App* command = cli->AddCommand(
      group, "apply", "Make the objects of a YAML file true; kind Profile where none is named",
      {"outrider profile apply -f web.yaml", "outrider profile apply --draft -f web.yaml",
       "outrider profile show web | outrider profile apply -f -"},
      [cli, file, draft] {
        return *draft ? SaveDrafts(cli, *file) : ApplyFile(cli, *file, "Profile");
      });
  command->add_option("-f,--file", *file, "YAML file, or - for standard input")
      ->type_name("FILE")
      ->required();
  command->add_flag("--draft", *draft, "Keep it for \"profile activate\", put nothing in force");
  AddListCommand<ProfileStub, v1::ListProfilesResponse>(cli, group, kind, &ProfileStub::List,
                                                        ProfileTable);
  AddRevisionCommands(cli, group);
  AddProfileLifeCommands(cli, group);
  AddDeleteCommand(cli, group, kind, &ProfileStub::Delete);
}

}  // namespace outrider::controller::cli
