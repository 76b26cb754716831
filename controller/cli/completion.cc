#include "controller/cli/completion.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "controller/cli/command_line.h"
#include "controller/cli/commands.h"
#include "controller/cli/table.h"
#include "controller/model/status.h"
#include "outrider/v1/agent.grpc.pb.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

struct Candidate {
  std::string word;
  std::string about;
};
using Candidates = std::vector<Candidate>;

// A shell waits for this on every <TAB>.
constexpr std::chrono::milliseconds kPatience(500);

// All names of a kind; none when the controller is silent or says no.
template <typename Service>
Candidates NamesOf(Client* client) {
  Candidates names;
  const auto list = client->Call(&Service::Stub::List, v1::ListRequest());
  if (!list.ok()) return names;
  for (const auto& object : list->items()) names.push_back({object.meta().name(), ""});
  return names;
}

// What an argument holds: by the option's name, or for a first positional by its command group.
const std::map<std::string, Candidates (*)(Client*)>& Sources() {
  static const auto* const kSources = new std::map<std::string, Candidates (*)(Client*)>{
      {"segment", NamesOf<v1::SegmentService>},    {"profile", NamesOf<v1::ProfileService>},
      {"group", NamesOf<v1::AddressGroupService>}, {"port-group", NamesOf<v1::PortGroupService>},
      {"gateway", NamesOf<v1::GatewayService>},    {"port", NamesOf<v1::PortService>},
      {"host", NamesOf<v1::HostService>},          {"to", NamesOf<v1::HostService>},
      {"probe", NamesOf<v1::PortService>},         {"migration", NamesOf<v1::MigrationService>}};
  return *kSources;
}

// Connections are those of this host's ports.
Candidates LocalPorts(Invocation* cli) {
  Candidates ports;
  auto client = cli->Agent(kPatience);
  if (!client.ok()) return ports;
  const auto list =
      (*client)->Call(&v1::AgentLocalService::Stub::ListPorts, v1::ListLocalPortsRequest());
  if (!list.ok()) return ports;
  for (const v1::LocalPort& port : list->ports()) {
    ports.push_back({port.attachment().port_id(), port.attachment().device()});
  }
  return ports;
}

Candidates ObjectNames(Invocation* cli, const std::string& source) {
  if (source == "conntrack" || source == "trace" || source == "capture") return LocalPorts(cli);
  const auto found = Sources().find(source);
  if (found == Sources().end()) return {};
  auto client = cli->Controller(kPatience);
  if (!client.ok()) return {};
  return found->second(*client);
}

// "drop|flood" as a type name is a list of the words the option takes.
Candidates OptionValues(Invocation* cli, const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type.find('|') != std::string::npos || type == "armed") {
    Candidates words;
    for (const std::string& word : CLI::detail::split(type, '|')) words.push_back({word, ""});
    return words;
  }
  // A number is nobody's name: `--to` of a rollback is a revision, of a migration a host.
  if (type == "N") return {};
  return option.get_lnames().empty() ? Candidates() : ObjectNames(cli, option.get_lnames()[0]);
}

// Long names only: they explain themselves.
Candidates Options(const CLI::App& command) {
  Candidates options;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      options.push_back({"--" + name, option->get_description()});
    }
  }
  return options;
}

// Commands, or the name of an object as the first argument.
Candidates Words(Invocation* cli, const WalkedLine& line) {
  Candidates words;
  for (const CLI::App* child : line.command->get_subcommands({})) {
    words.push_back({child->get_name(), child->get_description()});
  }
  if (!words.empty() || line.positionals > 0) return words;
  // New names cannot be completed, and local devices are not the controller's.
  const std::string& verb = line.command->get_name();
  const CLI::App* group = line.command->get_parent();
  if (group == nullptr || verb == "create" || verb == "enroll" || verb == "attach") return words;
  const bool alone = group->get_parent() == nullptr;
  return ObjectNames(cli, alone ? verb : group->get_name());
}

CLI::App* AddScript(Invocation* cli, CLI::App* group, const std::string& shell,
                    const std::string& example, const char* script) {
  return cli->AddCommand(group, shell, "Print the completion script for " + shell, {example},
                         [cli, script]() -> absl::StatusOr<int> {
                           cli->Print(script);
                           return Done();
                         });
}

}  // namespace

std::string Complete(Invocation* cli, CLI::App* root, const std::vector<std::string>& words) {
  if (words.empty()) return "";
  const std::string& typed = words.back();
  const WalkedLine line = WalkLine(root, {words.begin(), words.end() - 1});
  if (!line.unknown.empty()) return "";
  Candidates candidates;
  if (line.pending != nullptr) {
    candidates = OptionValues(cli, *line.pending);
  } else if (!typed.empty() && typed[0] == '-') {
    candidates = Options(*line.command);
  } else {
    candidates = Words(cli, line);
  }
  std::string out;
  for (const Candidate& candidate : candidates) {
    if (candidate.word.compare(0, typed.size(), typed) != 0) continue;
    out += Cell(candidate.word);
    if (!candidate.about.empty()) out += "\t" + Cell(candidate.about);
    out += "\n";
  }
  return out;
}

void AddCompletionCommands(Invocation* cli, CLI::App* root) {
  CLI::App* group = cli->AddGroup(root, "completion", "Shell completion scripts");
  AddScript(cli, group, "bash", "outrider completion bash > /etc/bash_completion.d/outrider",
            kBashCompletion);
  AddScript(cli, group, "zsh",
            "outrider completion zsh > /usr/local/share/zsh/site-functions/_outrider",
            kZshCompletion);
  AddScript(cli, group, "fish",
            "outrider completion fish > ~/.config/fish/completions/outrider.fish", kFishCompletion);
}

}  // namespace outrider::controller::cli
