#include "controller/cli/invocation.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "controller/cli/duration.h"

namespace outrider::controller::cli {
namespace {

constexpr std::chrono::seconds kDefaultTimeout(10);

// An empty variable is as good as none.
std::string Environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

std::string Examples(const std::vector<std::string>& lines) {
  std::string out = "Examples:\n";
  for (const std::string& line : lines) out += "  " + line + "\n";
  // The formatter ends the footer with a newline of its own.
  out.pop_back();
  return out;
}

}  // namespace

Invocation::Invocation()
    : controller_address_(Environment("OUTRIDER_CONTROLLER", "unix:/run/outrider/controller.sock")),
      agent_address_(Environment("OUTRIDER_AGENT", "unix:/run/outrider/agent.sock")) {}

CLI::App* Invocation::AddGroup(CLI::App* parent, const std::string& name,
                               const std::string& about) {
  CLI::App* group = parent->add_subcommand(name, about);
  group->require_subcommand(1);
  group->footer(fmt::format("Run \"outrider {} COMMAND --help\" for a command's options.", name));
  return group;
}

CLI::App* Invocation::AddCommand(CLI::App* group, const std::string& name, const std::string& about,
                                 const std::vector<std::string>& examples, Action action) {
  CLI::App* command = group->add_subcommand(name, about);
  command->footer(Examples(examples));
  command->callback([this, command, action = std::move(action)] {
    action_ = action;
    command_ = command;
  });
  return command;
}

void Invocation::FinishTree(CLI::App* app) {
  AddGlobalOptions(app);
  app->group("Commands");
  for (CLI::Option* option : app->get_options([](CLI::Option*) { return true; })) {
    if (option->get_positional()) option->type_name("");
  }
  for (CLI::App* child : app->get_subcommands([](CLI::App*) { return true; })) FinishTree(child);
}

// The same options on every command, not CLI11's fall-through: with that, a segment that is named
// like a command could not be an argument.
void Invocation::AddGlobalOptions(CLI::App* app) {
  const char* group = "Global options";
  app->set_help_flag("-h,--help", "Print this help and exit")->group(group);
  app->add_option("--controller", controller_address_,
                  "Controller's admin socket (or OUTRIDER_CONTROLLER)")
      ->type_name("SOCKET")
      ->group(group);
  app->add_option("--agent", agent_address_, "Agent's local socket (or OUTRIDER_AGENT)")
      ->type_name("SOCKET")
      ->group(group);
  app->add_flag("--json", json_, "Print JSON for programs")->group(group);
  AddDuration(app, "--timeout", &timeout_, "Give up on a call after this long (default 10s)")
      ->group(group);
}

CLI::Option* Invocation::AddDuration(CLI::App* app, const std::string& name,
                                     std::optional<std::chrono::milliseconds>* target,
                                     const std::string& about) {
  return app
      ->add_option_function<std::string>(
          name,
          [name, target](const std::string& text) {
            const auto parsed = ParseDuration(text);
            if (!parsed.ok()) {
              throw CLI::ValidationError(name, std::string(parsed.status().message()));
            }
            *target = *parsed;
          },
          about)
      ->type_name("DURATION");
}

CLI::Option* Invocation::AddRepeated(CLI::App* app, const std::string& name,
                                     std::vector<std::string>* target, const std::string& about) {
  // Without allow_extra_args(false) the option would swallow the positional arguments after it.
  return app->add_option(name, *target, about)->allow_extra_args(false)->delimiter(',');
}

absl::StatusOr<Client*> Invocation::Connect(PeerNames names, const std::string& address,
                                            std::chrono::milliseconds timeout,
                                            std::unique_ptr<Client>* slot) {
  if (*slot == nullptr) {
    auto client = Client::Create(std::move(names), address, timeout);
    if (!client.ok()) return client.status();
    *slot = std::move(client).value();
  }
  return slot->get();
}

absl::StatusOr<Client*> Invocation::Controller(std::chrono::milliseconds patience) {
  const auto timeout = patience.count() != 0 ? patience : timeout_.value_or(kDefaultTimeout);
  return Connect({"controller", "outrider-controller", "--controller"}, controller_address_,
                 timeout, &controller_);
}

absl::StatusOr<Client*> Invocation::Agent(std::chrono::milliseconds patience) {
  const auto timeout = patience.count() != 0 ? patience : timeout_.value_or(kDefaultTimeout);
  return Connect({"agent", "outrider-agent", "--agent"}, agent_address_, timeout, &agent_);
}

int Invocation::UsageError(const std::string& problem) {
  Complain(fmt::format("{}; see: {} --help", problem, CommandPath(*command_)));
  return kExitUsage;
}

void Invocation::Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// Flushes first, so that the two streams keep their order on a terminal.
void Invocation::Complain(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "outrider: %s\n", message.c_str());
}

void Invocation::Hint(const std::string& text) {
  std::fflush(stdout);
  std::fputs(text.c_str(), stderr);
}

absl::Status Invocation::Finish() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::DataLossError("cannot write to standard output; what was printed is incomplete");
}

std::string CommandPath(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : CommandPath(*parent) + " " + command.get_name();
}

}  // namespace outrider::controller::cli
