#include "vswitch/cli/ofctl.h"

#include <fmt/format.h>
#include <getopt.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "vswitch/cli/ofctl_commands.h"

namespace outrider::cli {
namespace {

// What ovs-ofctl of Open vSwitch says of itself; callers read the version.
constexpr char kVersionText[] = "{} (Open vSwitch) 3.1.0\nOpenFlow versions 0x1:0x4\n";

enum LongOption {
  kStrict = 256,
  kSort,
  kRsort,
  kNames,
  kNoNames,
  kStats,
  kNoStats,
  kVersion,
  kIgnored,
};
constexpr option kLong[] = {{"timeout", required_argument, nullptr, 't'},
                            {"protocols", required_argument, nullptr, 'O'},
                            {"flow-format", required_argument, nullptr, 'F'},
                            {"packet-in-format", required_argument, nullptr, 'P'},
                            {"more", no_argument, nullptr, 'm'},
                            {"strict", no_argument, nullptr, kStrict},
                            {"sort", optional_argument, nullptr, kSort},
                            {"rsort", optional_argument, nullptr, kRsort},
                            {"names", no_argument, nullptr, kNames},
                            {"no-names", no_argument, nullptr, kNoNames},
                            {"stats", no_argument, nullptr, kStats},
                            {"no-stats", no_argument, nullptr, kNoStats},
                            {"timestamp", no_argument, nullptr, kIgnored},
                            {"readd", no_argument, nullptr, kIgnored},
                            {"read-only", no_argument, nullptr, kIgnored},
                            {"color", optional_argument, nullptr, kIgnored},
                            {"verbose", optional_argument, nullptr, 'v'},
                            {"help", no_argument, nullptr, 'h'},
                            {"version", no_argument, nullptr, 'V'},
                            {nullptr, 0, nullptr, 0}};

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

// "OpenFlow10,OpenFlow13".
absl::StatusOr<uint32_t> ParseVersions(const std::string& text) {
  uint32_t versions = 0;
  for (const auto& [word, nothing] : KeyValues(text)) {
    uint32_t version = 0;
    for (uint32_t i = 0; i < 6; ++i) {
      if (word == fmt::format("OpenFlow1{}", i)) version = i + 1;
    }
    if (version == 0) return Invalid(fmt::format("Unknown OpenFlow version: \"{}\"", word));
    versions |= 1u << version;
  }
  constexpr uint32_t kOurs = 1u << openflow::kVersion10 | 1u << openflow::kVersion13;
  if ((versions & kOurs) == 0) {
    return Invalid(fmt::format("{}: this ovs-ofctl speaks OpenFlow10 and OpenFlow13 only", text));
  }
  return versions & kOurs;
}

absl::Status AddSort(const char* argument, bool ascending, OfctlOptions* options) {
  SortKey key{.field = nullptr, .ascending = ascending};
  const std::string name = argument == nullptr ? "priority" : argument;
  if (strcasecmp(name.c_str(), "priority") != 0) {
    key.field = openflow::FindField(name);
    if (key.field == nullptr) return Invalid(name + ": unknown field name");
  }
  options->sort.push_back(key);
  return absl::OkStatus();
}

// As Open vSwitch's tools end: one line, and death by the signal.
void OnAlarm(int signal) {
  char text[96];
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  constexpr char kRest[] = "|00001|fatal_signal|WARN|terminating with signal 14 (Alarm clock)\n";
  std::memcpy(text + size, kRest, sizeof(kRest) - 1);
  const auto written = write(STDERR_FILENO, text, size + sizeof(kRest) - 1);
  static_cast<void>(written);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

absl::Status SetTimeout(const std::string& text) {
  uint64_t seconds = 0;
  if (!ParseNumber(text, 0x7fffffff, &seconds) || seconds == 0) {
    return Invalid(fmt::format("value {} on -t or --timeout is invalid", text));
  }
  std::signal(SIGALRM, OnAlarm);
  alarm(static_cast<unsigned>(seconds));
  return absl::OkStatus();
}

struct Parsed {
  OfctlOptions options = {};
  OfctlArgs words = {};
  // Set: nothing is left to do, with this exit status.
  std::optional<int> done = std::nullopt;
};

absl::Status TakeOption(int choice, Parsed* parsed) {
  switch (choice) {
    case 't':
      return SetTimeout(optarg);
    case 'O': {
      ASSIGN_OR_RETURN(parsed->options.versions, ParseVersions(optarg));
      return absl::OkStatus();
    }
    case 'F': {
      ASSIGN_OR_RETURN(parsed->options.formats, ParseFlowFormats(optarg));
      return absl::OkStatus();
    }
    case kStrict:
      parsed->options.strict = true;
      return absl::OkStatus();
    case kSort:
    case kRsort:
      return AddSort(optarg, choice == kSort, &parsed->options);
    case kNames:
    case kNoNames:
      parsed->options.names = choice == kNames;
      return absl::OkStatus();
    case kStats:
    case kNoStats:
      parsed->options.stats = choice == kStats;
      return absl::OkStatus();
    case 'h':
      std::fputs(OfctlHelp(parsed->options.program).c_str(), stdout);
      parsed->done = EXIT_SUCCESS;
      return absl::OkStatus();
    case 'V':
      std::fputs(fmt::format(fmt::runtime(kVersionText), parsed->options.program).c_str(), stdout);
      parsed->done = EXIT_SUCCESS;
      return absl::OkStatus();
    case '?':
      // getopt has said why.
      parsed->done = EXIT_FAILURE;
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::StatusOr<Parsed> ParseOptions(int argc, char** argv) {
  Parsed parsed;
  parsed.options.program = argv[0];
  parsed.options.program.erase(0, parsed.options.program.rfind('/') + 1);
  optind = 1;
  while (!parsed.done) {
    const int choice = getopt_long(argc, argv, "t:O:F:P:mv::hV", kLong, nullptr);
    if (choice < 0) break;
    RETURN_IF_ERROR(TakeOption(choice, &parsed));
  }
  if (!parsed.done) {
    RETURN_IF_ERROR(MatchVersions(&parsed.options.versions, &parsed.options.formats));
  }
  parsed.words.assign(argv + optind, argv + argc);
  return parsed;
}

absl::Status Run(const Parsed& parsed) {
  if (parsed.words.empty()) return Invalid("missing command name; use --help for help");
  const std::string& name = parsed.words[0];
  const OfctlArgs args(parsed.words.begin() + 1, parsed.words.end());
  for (const auto* commands : {&ReadCommands(), &FlowCommands()}) {
    for (const OfctlCommand& command : *commands) {
      if (name != command.name) continue;
      if (args.size() < command.least) {
        return Invalid(
            fmt::format("'{}' command requires at least {} arguments", name, command.least));
      }
      if (args.size() > command.most) {
        return Invalid(fmt::format("'{}' command takes at most {} arguments", name, command.most));
      }
      Ofctl ofctl(parsed.options);
      return command.run(ofctl, args);
    }
  }
  return Invalid(fmt::format("unknown command '{}'; use --help for help", name));
}

}  // namespace

std::string OfctlHelp(const std::string& program) {
  std::string text = fmt::format(
      "{0}: OpenFlow switch management utility\nusage: {0} [OPTIONS] COMMAND [ARG...]\n\nFor "
      "OpenFlow switches:\n",
      program);
  for (const auto* commands : {&ReadCommands(), &FlowCommands()}) {
    for (const OfctlCommand& command : *commands) {
      text += fmt::format("  {} {}\n", command.name, command.usage);
    }
  }
  return text +
         "SWITCH or TARGET is the name of a bridge, or unix:FILE or tcp:HOST[:PORT].\n"
         "\nOpenFlow version options:\n"
         "  -O, --protocols             set allowed OpenFlow versions: OpenFlow10, OpenFlow13\n"
         "                              (default: OpenFlow10)\n"
         "\nOther options:\n"
         "  --strict                    use strict match for flow commands\n"
         "  -F, --flow-format=FORMAT    force particular flow format\n"
         "  -t, --timeout=SECS          give up after SECS seconds\n"
         "  --sort[=field]              sort in ascending order\n"
         "  --rsort[=field]             sort in descending order\n"
         "  --names                     show port names instead of numbers\n"
         "  --no-names                  show port numbers, but not names\n"
         "  --no-stats                  show flows without statistics\n"
         "  -h, --help                  display this help message\n"
         "  -V, --version               display version information\n";
}

int OfctlMain(int argc, char** argv) {
  std::string program = argv[0];
  program = program.substr(program.rfind('/') + 1);
  const auto fail = [&program](const absl::Status& status) {
    if (status.code() != absl::StatusCode::kCancelled) {
      std::fflush(stdout);
      std::fputs(fmt::format("{}: {}\n", program, Message(status)).c_str(), stderr);
    }
    return EXIT_FAILURE;
  };
  const absl::StatusOr<Parsed> parsed = ParseOptions(argc, argv);
  if (!parsed.ok()) return fail(parsed.status());
  if (parsed->done) return *parsed->done;
  const absl::Status status = Run(*parsed);
  return status.ok() ? EXIT_SUCCESS : fail(status);
}

}  // namespace outrider::cli
