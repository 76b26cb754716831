// One run of the CLI: the global options, the command that was chosen, and where output goes.
//
// Owns the option tree's conventions (every command has examples and the global options) and the
// clients; must not know any command. Commands register themselves (commands.h) and run after the
// whole line was parsed. Single-threaded.
#ifndef OUTRIDER_CONTROLLER_CLI_INVOCATION_H_
#define OUTRIDER_CONTROLLER_CLI_INVOCATION_H_

#include <absl/status/statusor.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/client.h"

namespace outrider::controller::cli {

enum ExitCode {
  kExitOk = 0,
  kExitError = 1,    // the server or the input said no
  kExitUsage = 2,    // the command line is not one
  kExitAborted = 3,  // `migration watch`: the migration ended ABORTED
  kExitDropped = 3,  // `trace`: the frame would be dropped
};

class Invocation {
 public:
  // The command's work; its result is the exit code.
  using Action = std::function<absl::StatusOr<int>()>;

  // Defaults of the socket options come from OUTRIDER_CONTROLLER and OUTRIDER_AGENT.
  Invocation();

  // A group of commands below `parent`.
  CLI::App* AddGroup(CLI::App* parent, const std::string& name, const std::string& about);

  // A command below `group`, with an Examples section. `action` is kept if the command line names
  // this command.
  CLI::App* AddCommand(CLI::App* group, const std::string& name, const std::string& about,
                       const std::vector<std::string>& examples, Action action);

  // Finishes the tree once all commands are there: global options on `app` and all below it, and
  // the looks of the help.
  void FinishTree(CLI::App* app);

  // An option that takes a duration like 5s.
  static CLI::Option* AddDuration(CLI::App* app, const std::string& name,
                                  std::optional<std::chrono::milliseconds>* target,
                                  const std::string& about);

  // An option that may be given several times, one value each, or separated by commas.
  static CLI::Option* AddRepeated(CLI::App* app, const std::string& name,
                                  std::vector<std::string>* target, const std::string& about);

  // The peers. Made on first use; the address is checked, nothing is sent. `patience`, when not
  // zero, takes the place of --timeout.
  absl::StatusOr<Client*> Controller(
      std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  absl::StatusOr<Client*> Agent(std::chrono::milliseconds patience = std::chrono::milliseconds(0));

  bool json() const { return json_; }
  // What --timeout said, if it was given.
  std::optional<std::chrono::milliseconds> timeout() const { return timeout_; }
  const Action& action() const { return action_; }
  // For a line that parses but makes no sense: complains, names the command's help, gives
  // kExitUsage.
  int UsageError(const std::string& problem);

  // Standard output; kept whole by Finish.
  void Print(const std::string& text);
  // Standard error, "outrider: <message>", one line.
  void Complain(const std::string& message);
  // Standard error, as it is: hints that must not end up in a pipe.
  void Hint(const std::string& text);
  // Flushes standard output. DataLoss when not everything could be written.
  absl::Status Finish();

 private:
  void AddGlobalOptions(CLI::App* app);
  absl::StatusOr<Client*> Connect(PeerNames names, const std::string& address,
                                  std::chrono::milliseconds timeout, std::unique_ptr<Client>* slot);

  std::string controller_address_;
  std::string agent_address_;
  bool json_ = false;
  std::optional<std::chrono::milliseconds> timeout_;
  std::unique_ptr<Client> controller_;
  std::unique_ptr<Client> agent_;
  Action action_;
  CLI::App* command_ = nullptr;  // the one whose action_ it is
};

// "outrider port attach": how a command is typed.
std::string CommandPath(const CLI::App& command);

// For commands that have no exit code of their own.
inline absl::StatusOr<int> Done() { return kExitOk; }

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_INVOCATION_H_
