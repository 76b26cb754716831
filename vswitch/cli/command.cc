#include "vswitch/cli/command.h"

#include <cstring>
#include <utility>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

const char kNoCommand[] = "missing command name (use --help for help)";

using Words = std::vector<std::string>;

absl::Status TakeOptions(const Words& words, size_t* at, CommandOptions* options) {
  for (; *at < words.size() && words[*at][0] == '-'; ++*at) {
    const std::string& word = words[*at];
    const size_t equals = word.find('=');
    std::optional<std::string> argument;
    if (equals != std::string::npos) argument = word.substr(equals + 1);
    if (!options->emplace(word.substr(0, equals), argument).second) {
      return absl::InvalidArgumentError("'" + word + "' option specified multiple times");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const CommandSyntax& syntax, const CommandOptions& options) {
  const std::string command = syntax.name;
  for (const auto& [name, argument] : options) {
    const CommandOption* found = nullptr;
    const std::vector<CommandOption> known = OptionsOf(syntax);
    for (const CommandOption& option : known) {
      if (option.name == name) found = &option;
    }
    if (found == nullptr) {
      return absl::InvalidArgumentError("'" + command + "' command has no '" + name + "' option");
    }
    if (found->has_argument && !argument) {
      return absl::InvalidArgumentError("missing argument to '" + name + "' option on '" + command +
                                        "' command");
    }
    if (!found->has_argument && argument) {
      return absl::InvalidArgumentError("'" + name + "' option on '" + command +
                                        "' does not accept an argument");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckArguments(const CommandSyntax& syntax, const Words& args) {
  const size_t count = args.size() - 1;
  const std::string command = "'" + std::string(syntax.name) + "' command ";
  if (count < syntax.min) {
    return absl::InvalidArgumentError(command + "requires at least " + std::to_string(syntax.min) +
                                      " arguments");
  }
  if (count <= syntax.max) return absl::OkStatus();
  std::string message = command + "takes at most " + std::to_string(syntax.max) + " arguments";
  for (size_t i = 1; i < args.size(); ++i) {
    if (args[i][0] == '-') {
      return absl::InvalidArgumentError(
          message + " (note that options must precede command names and follow a \"--\" argument)");
    }
  }
  return absl::InvalidArgumentError(message);
}

absl::StatusOr<Command> ParseCommand(const Words& words, CommandOptions options) {
  size_t at = 0;
  Command command;
  command.options = std::move(options);
  RETURN_IF_ERROR(TakeOptions(words, &at, &command.options));
  if (at == words.size()) return absl::InvalidArgumentError(kNoCommand);
  command.syntax = FindCommand(words[at]);
  if (command.syntax == nullptr) {
    return absl::InvalidArgumentError("unknown command '" + words[at] + "'; use --help for help");
  }
  command.args.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
  RETURN_IF_ERROR(CheckOptions(*command.syntax, command.options));
  RETURN_IF_ERROR(CheckArguments(*command.syntax, command.args));
  return command;
}

}  // namespace

std::vector<CommandOption> OptionsOf(const CommandSyntax& syntax) {
  std::vector<CommandOption> options;
  for (const char* p = syntax.options; *p != '\0';) {
    const size_t length = std::strcspn(p, ",");
    const bool has_argument = p[length - 1] == '=';
    options.push_back({std::string(p, has_argument ? length - 1 : length), has_argument});
    p += length + (p[length] == ',' ? 1 : 0);
  }
  return options;
}

absl::StatusOr<std::vector<Command>> ParseCommands(const Words& words,
                                                   const CommandOptions& first_options) {
  std::vector<Command> commands;
  CommandOptions options = first_options;
  Words part;
  for (size_t i = 0; i <= words.size(); ++i) {
    if (i < words.size() && words[i] != "--") {
      part.push_back(words[i]);
      continue;
    }
    if (part.empty()) {
      // "--" may be repeated, but not between a command and its options.
      if (!options.empty()) return absl::InvalidArgumentError(kNoCommand);
      continue;
    }
    ASSIGN_OR_RETURN(Command command, ParseCommand(part, std::exchange(options, {})));
    commands.push_back(std::move(command));
    part.clear();
  }
  if (commands.empty()) return absl::InvalidArgumentError(kNoCommand);
  return commands;
}

}  // namespace outrider::cli
