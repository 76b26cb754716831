#include "vswitch/ovs/unixctl_commands.h"

#include <fmt/format.h>

#include <utility>

namespace outrider::ovs {
namespace {

absl::Status Refused(const std::string& text) { return absl::InvalidArgumentError(text); }

}  // namespace

UnixctlCommands::UnixctlCommands() {
  const auto list = [this](const UnixctlArguments&) -> absl::StatusOr<std::string> {
    return List();
  };
  Add("list-commands", {.run = list});
  Add("help", {.run = list});
}

void UnixctlCommands::Add(const std::string& name, UnixctlCommand command) {
  commands_[name] = std::move(command);
}

std::string UnixctlCommands::List() const {
  std::string text = "The available commands are:\n";
  for (const auto& [name, command] : commands_) {
    text += fmt::format("  {:<23} {}\n", name, command.usage);
  }
  return text;
}

absl::StatusOr<std::string> UnixctlCommands::Run(const std::string& name,
                                                 const UnixctlArguments& arguments) const {
  const auto found = commands_.find(name);
  if (found == commands_.end()) {
    return Refused(fmt::format(
        "\"{}\" is not a valid command (use \"list-commands\" to see a list of valid commands)",
        name));
  }
  const UnixctlCommand& command = found->second;
  if (arguments.size() < command.min_arguments) {
    return Refused(
        fmt::format("\"{}\" command requires at least {} arguments", name, command.min_arguments));
  }
  if (arguments.size() > command.max_arguments) {
    return Refused(
        fmt::format("\"{}\" command takes at most {} arguments", name, command.max_arguments));
  }
  ASSIGN_OR_RETURN(std::string text, command.run(arguments));
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

}  // namespace outrider::ovs
