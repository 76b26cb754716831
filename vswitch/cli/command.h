// One command of an ovs-vsctl command line, and how a line is taken apart into commands. Knows the
// form of commands, not what they do.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_CLI_COMMAND_H_
#define OUTRIDER_VSWITCH_CLI_COMMAND_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/status.h"

namespace outrider::cli {

struct Command;
class Plan;
struct Step;

// A command's form: how many arguments it takes, and its options.
struct CommandSyntax {
  static constexpr size_t kAny = static_cast<size_t>(-1);
  const char* name;
  size_t min;
  size_t max;
  // As --commands prints it: ! one, ? at most one, * any number, + at least one.
  const char* arguments;
  // "--if-exists,--id=".
  const char* options;
  // It may change the database.
  bool writes;
  // What must be fetched for it; null: nothing. Errors end the program before anything is asked of
  // the server.
  absl::Status (*plan)(const Command& command, Plan* plan);
  // Null: nothing to do.
  absl::Status (*run)(Step* step);
};

// The name and argument of each option; absent: it has none.
using CommandOptions = std::map<std::string, std::optional<std::string>>;

struct Command {
  const CommandSyntax* syntax = nullptr;
  // Begins with the command's name.
  std::vector<std::string> args;
  CommandOptions options;

  bool Has(const std::string& option) const { return options.count(option) > 0; }
  // Null: it is not there.
  const std::string* Option(const std::string& option) const {
    const auto it = options.find(option);
    return it == options.end() || !it->second ? nullptr : &*it->second;
  }
};

// One option of a CommandSyntax: its name with the dashes, and whether an argument follows "=".
struct CommandOption {
  std::string name;
  bool has_argument = false;
};
std::vector<CommandOption> OptionsOf(const CommandSyntax& syntax);

// `words` are what follows the global options; `first_options` belong to the first command.
absl::StatusOr<std::vector<Command>> ParseCommands(const std::vector<std::string>& words,
                                                   const CommandOptions& first_options);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_COMMAND_H_
