#include "vswitch/cli/vsctl_options.h"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <utility>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {
namespace {

// Values of options without a letter.
enum OptionValue : int {
  kDb = UCHAR_MAX + 1,
  kNoWait,
  kDryRun,
  kOneline,
  kRetry,
  kCommands,
  kOptions,
  // Understood, and of no consequence here: logs and clusters of servers. getopt takes options of
  // one value for one option when it says what an abbreviation could mean.
  kNoSyslog,
  kLeaderOnly,
  kNoLeaderOnly,
  kShuffle,
  kNoShuffle,
  kIgnored,
  kNoHeadings,
  kPretty,
  kBare,
  kMaxColumnWidth,
  kBootstrapCa,
  // One of a command's.
  kOfCommand,
};

constexpr std::array<option, 32> kGlobal = {{
    {"db", required_argument, nullptr, kDb},
    {"no-syslog", no_argument, nullptr, kNoSyslog},
    {"no-wait", no_argument, nullptr, kNoWait},
    {"dry-run", no_argument, nullptr, kDryRun},
    {"oneline", no_argument, nullptr, kOneline},
    {"timeout", required_argument, nullptr, 't'},
    {"retry", no_argument, nullptr, kRetry},
    {"help", no_argument, nullptr, 'h'},
    {"commands", no_argument, nullptr, kCommands},
    {"options", no_argument, nullptr, kOptions},
    {"leader-only", no_argument, nullptr, kLeaderOnly},
    {"no-leader-only", no_argument, nullptr, kNoLeaderOnly},
    {"shuffle-remotes", no_argument, nullptr, kShuffle},
    {"no-shuffle-remotes", no_argument, nullptr, kNoShuffle},
    {"version", no_argument, nullptr, 'V'},
    {"verbose", optional_argument, nullptr, 'v'},
    {"log-file", optional_argument, nullptr, kIgnored},
    {"syslog-method", required_argument, nullptr, kIgnored},
    {"syslog-target", required_argument, nullptr, kIgnored},
    {"format", required_argument, nullptr, 'f'},
    {"data", required_argument, nullptr, 'd'},
    {"no-headings", no_argument, nullptr, kNoHeadings},
    {"pretty", no_argument, nullptr, kPretty},
    {"bare", no_argument, nullptr, kBare},
    {"max-column-width", required_argument, nullptr, kMaxColumnWidth},
    {"private-key", required_argument, nullptr, 'p'},
    {"certificate", required_argument, nullptr, 'c'},
    {"ca-cert", required_argument, nullptr, 'C'},
    {"ssl-protocols", required_argument, nullptr, kIgnored},
    {"ssl-ciphers", required_argument, nullptr, kIgnored},
    {"bootstrap-ca-cert", required_argument, nullptr, kBootstrapCa},
    {"peer-ca-cert", required_argument, nullptr, kIgnored},
}};
// "+": the first word that is no option ends them.
constexpr char kShortOptions[] = "+t:hVv::f:d:p:c:C:";

// The global options and, without repetition, those of all commands; ends with an empty one. The
// names live in `names`.
std::vector<option> AllOptions(std::vector<CommandOption>* names) {
  for (const CommandSyntax& syntax : CommandTable()) {
    for (CommandOption& added : OptionsOf(syntax)) {
      const bool known = std::any_of(names->begin(), names->end(), [&](const CommandOption& one) {
        return one.name == added.name;
      });
      if (!known) names->push_back(std::move(added));
    }
  }
  std::vector<option> options;
  for (const option& global : kGlobal) {
    if (global.name != nullptr) options.push_back(global);
  }
  for (const CommandOption& name : *names) {
    options.push_back({name.name.c_str() + 2, name.has_argument ? required_argument : no_argument,
                       nullptr, kOfCommand});
  }
  options.push_back({});
  return options;
}

std::string PrintedCommands() {
  std::string out;
  for (const CommandSyntax& syntax : CommandTable()) {
    for (const CommandOption& option : OptionsOf(syntax)) {
      out += "[" + option.name + (option.has_argument ? "=] " : "] ");
    }
    out += "," + std::string(syntax.name) + "," + syntax.arguments + "\n";
  }
  return out;
}

std::string PrintedOptions() {
  std::string out;
  for (const option& one : kGlobal) {
    if (one.name == nullptr) continue;
    const bool argument = one.has_arg != no_argument;
    out += "--" + std::string(one.name) + (argument ? "=ARG\n" : "\n");
    if (one.val <= UCHAR_MAX) {
      out += std::string("-") + static_cast<char>(one.val) + (argument ? " ARG\n" : "\n");
    }
  }
  return out;
}

// Of those that end the program; nullopt: it is another.
std::optional<std::string> TextOf(int value, const Console& console) {
  switch (value) {
    case 'h':
      return VsctlHelp(console.program(), "unix:" + RunDirectory() + "/db.sock");
    case 'V':
      return console.program() + " (Open vSwitch) " + kOpenVSwitchVersion + "\nDB Schema " +
             ovsdb::OpenVSwitchSchema().version + "\n";
    case kCommands:
      return PrintedCommands();
    case kOptions:
      return PrintedOptions();
    default:
      return std::nullopt;
  }
}

absl::Status ApplyStyle(int value, const std::string& argument, TableStyle* style) {
  switch (value) {
    case 'f': {
      ASSIGN_OR_RETURN(style->format, TableFormatFromText(argument));
      break;
    }
    case 'd': {
      ASSIGN_OR_RETURN(style->cell, CellFormatFromText(argument));
      break;
    }
    case kNoHeadings:
      style->headings = false;
      break;
    case kPretty:
      style->pretty = true;
      break;
    case kBare:
      style->format = TableStyle::Format::kList;
      style->cell = TableStyle::Cell::kBare;
      style->headings = false;
      break;
    case kMaxColumnWidth:
      style->max_column_width = static_cast<size_t>(std::max(0, std::atoi(argument.c_str())));
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

void ApplyTls(int value, const std::string& argument, TlsFiles* files) {
  if (value == 'p') files->private_key = argument;
  if (value == 'c') files->certificate = argument;
  if (value == 'C' || value == kBootstrapCa) {
    files->ca_certificate = argument;
    files->bootstrap = value == kBootstrapCa;
  }
}

absl::Status Apply(int value, const std::string& argument, VsctlOptions* options,
                   Console* console) {
  switch (value) {
    case kDb:
      options->db = argument;
      break;
    case kNoWait:
      options->wait = false;
      break;
    case kDryRun:
      options->dry_run = true;
      break;
    case kOneline:
      options->oneline = true;
      break;
    case kRetry:
      options->retry = true;
      break;
    case 't':
      if (!ParseTimeout(argument, &options->timeout)) {
        return absl::InvalidArgumentError("value " + argument + " on -t or --timeout is invalid");
      }
      break;
    case 'v':
      return console->SetLevels(argument);
    default:
      ApplyTls(value, argument, &options->tls);
      return ApplyStyle(value, argument, &options->style);
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<VsctlOptions> ParseVsctlOptions(int argc, char** argv, Console* console,
                                              int* exit_code) {
  VsctlOptions options;
  options.db = "unix:" + RunDirectory() + "/db.sock";
  std::vector<CommandOption> names;
  const std::vector<option> all = AllOptions(&names);
  *exit_code = EXIT_FAILURE;
  int index = 0;
  for (int value = 0; (value = getopt_long(argc, argv, kShortOptions, all.data(), &index)) != -1;) {
    // getopt has said what is wrong.
    if (value == '?') return std::nullopt;
    if (value == kOfCommand) {
      std::optional<std::string> argument;
      if (optarg != nullptr) argument = optarg;
      options.first_command[std::string("--") + all[static_cast<size_t>(index)].name] = argument;
      continue;
    }
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
  return options;
}

}  // namespace outrider::cli
