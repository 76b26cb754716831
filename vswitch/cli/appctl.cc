#include "vswitch/cli/appctl.h"

#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "vswitch/cli/rpc_session.h"
#include "vswitch/cli/vsctl_options.h"

namespace outrider::cli {
namespace {

using ovsdb::Json;
using ovsdb::JsonRpcMessage;

// The exit code when the daemon answers with an error.
constexpr int kRefused = 2;
// Understood, and of no consequence here.
constexpr int kIgnored = UCHAR_MAX + 1;

constexpr std::array<option, 11> kOptions = {{
    {"target", required_argument, nullptr, 't'},
    {"execute", no_argument, nullptr, 'e'},
    {"help", no_argument, nullptr, 'h'},
    {"option", no_argument, nullptr, 'o'},
    {"version", no_argument, nullptr, 'V'},
    {"timeout", required_argument, nullptr, 'T'},
    {"verbose", optional_argument, nullptr, 'v'},
    {"log-file", optional_argument, nullptr, kIgnored},
    {"syslog-method", required_argument, nullptr, kIgnored},
    {"syslog-target", required_argument, nullptr, kIgnored},
    {},
}};

struct AppctlOptions {
  std::optional<std::string> target;
  unsigned timeout = 0;
  bool execute = false;
  std::vector<std::string> words;
};

std::string Help(const std::string& program) {
  return program + ": asks a running switch daemon, or tells it something\n" + "usage: " + program +
         R"( [OPTIONS] COMMAND [ARG...]

  -t, --target=TARGET   a daemon's name (default: ovs-vswitchd), or the path of its socket
  -T, --timeout=SECONDS give up after that time
  -v, --verbose[=SPEC]  more (or less) on standard error
  -h, --help  -o, --option  -V, --version

Commands are the daemon's own; list-commands prints them. Examples:
  )" + program +
         R"( version
  )" + program +
         R"( fdb/show br0
  )" + program +
         " ofproto/trace br0 in_port=1,dl_dst=52:54:00:00:00:02\n";
}

std::string PrintedOptions() {
  std::string out;
  for (const option& one : kOptions) {
    if (one.name == nullptr) continue;
    const std::string argument = one.has_arg == required_argument   ? "ARG"
                                 : one.has_arg == optional_argument ? "[ARG]"
                                                                    : "";
    out += "--" + std::string(one.name) + (argument.empty() ? "" : "=") + argument + '\n';
    if (one.val <= UCHAR_MAX) {
      out += std::string("-") + static_cast<char>(one.val) + " " + argument + '\n';
    }
  }
  return out;
}

std::optional<std::string> TextOf(int value, const Console& console) {
  if (value == 'h') return Help(console.program());
  if (value == 'o') return PrintedOptions();
  if (value == 'V') return console.program() + " (Open vSwitch) " + kOpenVSwitchVersion + "\n";
  return std::nullopt;
}

absl::Status Apply(int value, const std::string& argument, AppctlOptions* options,
                   Console* console) {
  switch (value) {
    case 't':
      if (options->target) {
        return absl::InvalidArgumentError("-t or --target may be specified only once");
      }
      options->target = argument;
      break;
    case 'e':
      // Of old, the command was its argument; now it does nothing.
      if (std::exchange(options->execute, true)) {
        return absl::InvalidArgumentError("-e or --execute may be speciifed only once");
      }
      break;
    case 'T':
      if (!ParseTimeout(argument, &options->timeout)) {
        return absl::InvalidArgumentError("value " + argument + " on -T or --timeout is invalid");
      }
      break;
    case 'v':
      return console->SetLevels(argument);
    default:
      break;
  }
  return absl::OkStatus();
}

// Absent: the program ends here with `exit_code`.
std::optional<AppctlOptions> ParseOptions(int argc, char** argv, Console* console, int* exit_code) {
  AppctlOptions options;
  *exit_code = EXIT_FAILURE;
  for (int value = 0;
       (value = getopt_long(argc, argv, "+t:ehoVT:v::", kOptions.data(), nullptr)) != -1;) {
    if (value == '?') return std::nullopt;
    if (const auto text = TextOf(value, *console)) {
      *exit_code = WriteOutput(*text) ? EXIT_SUCCESS : EXIT_FAILURE;
      return std::nullopt;
    }
    const absl::Status status = Apply(value, optarg == nullptr ? "" : optarg, &options, console);
    if (!status.ok()) {
      console->Error(Message(status));
      return std::nullopt;
    }
  }
  options.words.assign(argv + optind, argv + argc);
  if (!options.words.empty()) return options;
  console->Error("at least one non-option argument is required (use --help for help)");
  return std::nullopt;
}

// The process that wrote the pidfile and lives: it holds a lock on it. An errno when there is none.
absl::StatusOr<pid_t> ReadPidfile(int fd, const std::string& path, Console* console) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const auto failed = [](int error) { return absl::UnavailableError(std::strerror(error)); };
  if (fcntl(fd, F_GETLK, &lock) != 0) {
    const int error = errno;
    console->Warn("daemon_unix", path + ": fcntl: " + std::strerror(error));
    return failed(error);
  }
  if (lock.l_type == F_UNLCK) return failed(ESRCH);
  std::array<char, 32> text = {};
  if (read(fd, text.data(), text.size() - 1) <= 0) {
    console->Warn("daemon_unix", path + ": read: unexpected end of file");
    return failed(ESRCH);
  }
  if (std::strtol(text.data(), nullptr, 10) != lock.l_pid) {
    console->Warn("daemon_unix", path + ": stale pidfile for pid " + text.data() +
                                     " being deleted by pid " + std::to_string(lock.l_pid));
    return failed(ESRCH);
  }
  return lock.l_pid;
}

absl::StatusOr<JsonRpcMessage> Ask(std::unique_ptr<Channel> channel,
                                   const std::vector<std::string>& words) {
  RpcSession session(std::move(channel));
  const Json arguments = std::vector<std::string>(words.begin() + 1, words.end());
  const int64_t id = session.Queue(words[0], arguments);
  return session.WaitReply(id);
}

absl::StatusOr<int> Run(const AppctlOptions& options, Console* console) {
  const std::string target = options.target.value_or("ovs-vswitchd");
  ASSIGN_OR_RETURN(const std::string path, SocketOf(target, console));
  absl::StatusOr<std::unique_ptr<Channel>> channel = ConnectUnix(path);
  if (!channel.ok()) {
    console->Warn("unixctl", "failed to connect to " + path);
    return absl::UnavailableError("cannot connect to \"" + path + "\" (" +
                                  Message(channel.status()) + ")");
  }
  const absl::StatusOr<JsonRpcMessage> reply = Ask(*std::move(channel), options.words);
  if (!reply.ok()) {
    console->Warn("unixctl",
                  "error communicating with unix:" + path + ": " + Message(reply.status()));
    return absl::UnavailableError(target + ": transaction error (" + Message(reply.status()) + ")");
  }
  if (reply->error.is_string()) {
    const auto text = reply->error.get<std::string>();
    (void)!write(STDERR_FILENO, text.data(), text.size());
    console->Error(target + ": server returned an error");
    return kRefused;
  }
  if (!reply->result.is_string()) {
    return absl::InternalError(target + ": transaction error (Invalid argument)");
  }
  return WriteOutput(reply->result.get<std::string>()) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

absl::StatusOr<std::string> SocketOf(const std::string& target, Console* console) {
  if (!target.empty() && target[0] == '/') return target;
  const std::string base = RunDirectory() + "/" + target;
  const std::string path = base + ".pid";
  const auto annotated = [&path](const absl::Status& status) {
    return absl::NotFoundError("cannot read pidfile \"" + path + "\" (" + Message(status) + ")");
  };
  // A lock for writing is asked about, so it must be open for writing.
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    const std::string why = std::strerror(errno);
    console->Warn("daemon_unix", path + ": open: " + why);
    return annotated(absl::NotFoundError(why));
  }
  const absl::StatusOr<pid_t> pid = ReadPidfile(fd, path, console);
  close(fd);
  if (!pid.ok()) return annotated(pid.status());
  return base + "." + std::to_string(*pid) + ".ctl";
}

int AppctlMain(int argc, char** argv) {
  Console console(ProgramName(argv[0]));
  int exit_code = EXIT_FAILURE;
  const std::optional<AppctlOptions> options = ParseOptions(argc, argv, &console, &exit_code);
  if (!options) return exit_code;
  ArmTimeout(options->timeout);
  const absl::StatusOr<int> result = Run(*options, &console);
  if (result.ok()) return *result;
  console.Error(Message(result.status()));
  return EXIT_FAILURE;
}

}  // namespace outrider::cli
