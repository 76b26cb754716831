#include "controller/cli/app.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/cli/command_line.h"
#include "controller/cli/commands.h"
#include "controller/cli/completion.h"
#include "controller/cli/suggest.h"
#include "controller/model/status.h"

namespace outrider::controller::cli {
namespace {

constexpr char kAbout[] = "Operate Outrider: segments, port profiles, ports, hosts and migrations";
constexpr char kExamples[] =
    "Examples:\n"
    "  outrider segment create blue --vni 100\n"
    "  outrider profile apply -f web.yaml\n"
    "  outrider host enroll h1\n"
    "  outrider port attach --dev tap0 --id UUID --mac MAC --profile web\n"
    "  outrider migration prepare --vm web-1 --to h2 --wait armed\n"
    "\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong command line,\n"
    "3 migration aborted (watch) or frame dropped (trace).";

// CLI11's help with the field's words and without double blank lines.
class HelpText : public CLI::Formatter {
 public:
  HelpText() {
    label("REQUIRED", "(required)");
    label("SUBCOMMAND", "COMMAND");
    label("Positionals", "Arguments");
  }

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, name, mode), "\n\n\n",
                                         "\n\n");
  }
};

// "unknown command" says more than CLI11's "not expected"; empty when all commands are known.
std::string UnknownCommand(CLI::App* root, const std::vector<std::string>& words) {
  const WalkedLine line = WalkLine(root, words);
  if (line.unknown.empty()) return "";
  const std::string near = Suggest(line.unknown, CommandNames(*line.command));
  return fmt::format("unknown command \"{}\"; {}", line.unknown,
                     near.empty() ? fmt::format("see: {} --help", CommandPath(*line.command))
                                  : fmt::format("did you mean \"{}\"?", near));
}

int UsageFailure(Invocation* cli, CLI::App* root, const std::vector<std::string>& words,
                 const CLI::ParseError& error) {
  const std::string unknown = UnknownCommand(root, words);
  if (!unknown.empty()) {
    cli->Complain(unknown);
    return kExitUsage;
  }
  CLI::App* command = WalkLine(root, words).command;
  const bool missing = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
  if (missing && !CommandNames(*command).empty()) {
    cli->Complain(fmt::format("a command is missing; see: {} --help", CommandPath(*command)));
    return kExitUsage;
  }
  std::string what = error.what();
  // CLI11 ends some messages with a newline.
  what.erase(std::min(what.size(), what.find_last_not_of("\n ") + 1));
  cli->Complain(fmt::format("{}; see: {} --help", what, CommandPath(*command)));
  return kExitUsage;
}

// The exit code when the line is complete as it is (help, version) or wrong; nothing when an action
// is to run. CLI11 reports by exception; none leaves this function.
std::optional<int> Parse(Invocation* cli, CLI::App* root, const std::vector<std::string>& words) {
  try {
    // CLI11 takes its arguments last first.
    root->parse(std::vector<std::string>(words.rbegin(), words.rend()));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    cli->Print(root->help());
    return kExitOk;
  } catch (const CLI::CallForVersion& version) {
    cli->Print(std::string(version.what()) + "\n");
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    return UsageFailure(cli, root, words, error);
  }
}

int Act(Invocation* cli) {
  const absl::StatusOr<int> code = cli->action()();
  if (code.ok()) return *code;
  cli->Complain(Message(code.status()));
  return kExitError;
}

}  // namespace

void AddAllCommands(Invocation* cli, CLI::App* root) {
  root->formatter(std::make_shared<HelpText>());
  root->set_version_flag("--version", "outrider " OUTRIDER_VERSION, "Print the version and exit")
      ->group("Global options");
  root->require_subcommand(1);
  root->footer(kExamples);
  AddSegmentCommands(cli, root);
  AddProfileCommands(cli, root);
  AddGroupCommands(cli, root);
  AddPortGroupCommands(cli, root);
  AddPortCommands(cli, root);
  AddHostCommands(cli, root);
  AddGatewayCommands(cli, root);
  AddMigrationCommands(cli, root);
  AddConntrackCommands(cli, root);
  AddStationCommands(cli, root);
  AddStateCommands(cli, root);
  AddTraceCommand(cli, root);
  AddCaptureCommand(cli, root);
  AddStatusCommand(cli, root);
  AddCompletionCommands(cli, root);
  cli->FinishTree(root);
}

int RunCommandLine(const std::vector<std::string>& words) {
  Invocation cli;
  CLI::App root(kAbout, "outrider");
  AddAllCommands(&cli, &root);
  int code = kExitOk;
  if (!words.empty() && words[0] == kCompleteCommand) {
    cli.Print(Complete(&cli, &root, std::vector<std::string>(words.begin() + 1, words.end())));
  } else {
    const std::optional<int> parsed = Parse(&cli, &root, words);
    code = parsed.has_value() ? *parsed : Act(&cli);
  }
  const absl::Status written = cli.Finish();
  if (written.ok()) return code;
  cli.Complain(Message(written));
  return kExitError;
}

}  // namespace outrider::controller::cli
