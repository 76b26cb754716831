#include "vswitch/ovs/unixctl_log_commands.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace outrider::ovs {
namespace {

constexpr const char* kModule = "outrider";

struct Level {
  const char* name;
  spdlog::level::level_enum level;
};

// Open vSwitch's, from quiet to loud.
constexpr Level kLevels[] = {
    {"OFF", spdlog::level::off},   {"EMER", spdlog::level::critical}, {"ERR", spdlog::level::err},
    {"WARN", spdlog::level::warn}, {"INFO", spdlog::level::info},     {"DBG", spdlog::level::debug},
};

bool SameWord(const std::string& a, const std::string& b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::optional<spdlog::level::level_enum> FindLevel(const std::string& word) {
  for (const Level& level : kLevels) {
    if (SameWord(word, level.name)) return level.level;
  }
  return std::nullopt;
}

const char* NameOf(spdlog::level::level_enum level) {
  // Ours has one more, which is louder still.
  if (level == spdlog::level::trace) return "DBG";
  const auto* const found =
      std::ranges::find_if(kLevels, [level](const Level& one) { return one.level == level; });
  return found->name;
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == ' ' || c == ':' || c == ',') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  std::erase(words, "");
  return words;
}

absl::StatusOr<std::string> List() {
  std::string text = "                 console    syslog    file\n";
  text += "                 -------    ------    ------\n";
  text += fmt::format("{:<16}  {:>4}       {:>4}       {:>4}\n", kModule,
                      NameOf(spdlog::default_logger()->level()), "OFF", "OFF");
  return text;
}

absl::Status Set(const std::string& spec) {
  const std::vector<std::string> words = Words(spec);
  if (!words.empty() && (SameWord(words[0], "PATTERN") || SameWord(words[0], "FACILITY"))) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the format of Outrider's log is fixed; set levels only", words[0]));
  }
  // Without a level, as Open vSwitch has it, everything is logged.
  spdlog::level::level_enum level = spdlog::level::debug;
  for (const std::string& word : words) {
    if (const auto found = FindLevel(word)) {
      level = *found;
    } else if (SameWord(word, "syslog") || SameWord(word, "file")) {
      return absl::InvalidArgumentError(fmt::format(
          "Outrider does not log to {}; it logs to standard error, set \"console\"", word));
    } else if (!SameWord(word, "ANY") && !SameWord(word, "console") && !SameWord(word, kModule)) {
      return absl::InvalidArgumentError(
          fmt::format("no destination, level, or module \"{}\"", word));
    }
  }
  if (!words.empty()) spdlog::default_logger()->set_level(level);
  return absl::OkStatus();
}

}  // namespace

void AddLogCommands(UnixctlCommands* commands) {
  commands->Add("vlog/list", {.run = [](const UnixctlArguments&) { return List(); }});
  commands->Add("vlog/set",
                {.usage = "{spec | PATTERN:destination:pattern}",
                 .max_arguments = UnixctlCommand::kAny,
                 .run = [](const UnixctlArguments& arguments) -> absl::StatusOr<std::string> {
                   for (const std::string& spec : arguments) RETURN_IF_ERROR(Set(spec));
                   return "";
                 }});
  commands->Add("vlog/reopen", {.run = [](const UnixctlArguments&) -> absl::StatusOr<std::string> {
                  return "Logging to file not configured";
                }});
}

}  // namespace outrider::ovs
