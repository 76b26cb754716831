#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "vswitch/cli/value_text.h"
#include "vswitch/cli/vsctl.h"

namespace outrider::cli {
namespace {

// The program that called us, as it was called; "" when it cannot be told.
std::string ParentProgram() {
  const std::string path = "/proc/" + std::to_string(getppid()) + "/cmdline";
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::array<char, 256> line = {};
  // Arguments are apart by NUL; what does not fit is not missed.
  (void)!read(fd, line.data(), line.size() - 1);
  close(fd);
  const std::string text = line.data();
  return text.substr(0, text.find('\n'));
}

bool MayWrite(const std::vector<Command>& commands) {
  return std::any_of(commands.begin(), commands.end(),
                     [](const Command& command) { return command.syntax->writes; });
}

}  // namespace

int VsctlMain(int argc, char** argv) {
  Console console(ProgramName(argv[0]));
  const std::string line = QuotedArguments(std::vector<std::string>(argv, argv + argc));
  int exit_code = EXIT_FAILURE;
  std::optional<VsctlOptions> options = ParseVsctlOptions(argc, argv, &console, &exit_code);
  if (!options) return exit_code;
  absl::StatusOr<std::vector<Command>> commands =
      ParseCommands(options->words, options->first_command);
  if (!commands.ok()) {
    console.Error(Message(commands.status()));
    return EXIT_FAILURE;
  }
  const bool writes = MayWrite(*commands);
  if (writes) console.CountSilentLine();
  if (!writes) console.Log("vsctl", LogLevel::kDbg, "Called as " + line);
  ArmTimeout(options->timeout);
  const std::string comment = "ovs-vsctl (invoked by " + ParentProgram() + "): " + line;
  Vsctl vsctl(*std::move(options), *std::move(commands), comment, &console);
  const absl::StatusOr<int> result = vsctl.Run();
  if (result.ok()) return *result;
  console.Error(Message(result.status()));
  return EXIT_FAILURE;
}

}  // namespace outrider::cli
