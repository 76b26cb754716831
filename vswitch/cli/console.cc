#include "vswitch/cli/console.h"

#include <fcntl.h>
#include <signal.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace outrider::cli {
namespace {

constexpr std::array<const char*, 6> kLevelNames = {"OFF", "EMER", "ERR", "WARN", "INFO", "DBG"};
// Of the destinations only the console is ours; the others are understood and left alone.
constexpr std::array<const char*, 3> kDestinations = {"syslog", "console", "file"};
constexpr std::array<const char*, 14> kModules = {
    "vsctl",  "db_ctl_base", "ovsdb_idl",  "ovsdb_cs",     "ovsdb_error", "reconnect", "jsonrpc",
    "stream", "stream_unix", "stream_ssl", "fatal_signal", "vlog",        "poll_loop", "timeval"};

void WriteError(const std::string& line) {
  // One write, so that lines of several processes do not mix. A closed stderr is nobody's concern.
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

// "2026-11-21T21:09:36Z". Only what a signal handler may call: no locale, no time zone.
void PutTime(char* text) {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  // Days to a civil date, with years that begin in March: leap days are then last.
  const int64_t days = now.tv_sec / 86400 + 719468;
  const int64_t era = days / 146097;
  const int64_t day_of_era = days % 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const int64_t second = now.tv_sec % 86400;
  const auto put = [text](size_t at, size_t digits, int64_t value) {
    for (size_t i = digits; i-- > 0; value /= 10)
      text[at + i] = static_cast<char>('0' + value % 10);
  };
  std::memcpy(text, "0000-00-00T00:00:00Z", 20);
  put(0, 4, year);
  put(5, 2, month);
  put(8, 2, day);
  put(11, 2, second / 3600);
  put(14, 2, second / 60 % 60);
  put(17, 2, second % 60);
}

extern "C" void OnAlarm(int number) {
  std::array<char, 20> time = {};
  PutTime(time.data());
  static constexpr char kRest[] =
      "|00001|fatal_signal|WARN|terminating with signal 14 (Alarm clock)\n";
  (void)!write(STDERR_FILENO, time.data(), time.size());
  (void)!write(STDERR_FILENO, kRest, sizeof(kRest) - 1);
  // Whoever waits for us sees that we died of it.
  signal(number, SIG_DFL);
  raise(number);
}

template <size_t kSize>
int IndexOf(const std::array<const char*, kSize>& names, const std::string& word) {
  for (size_t i = 0; i < kSize; ++i) {
    if (strcasecmp(names[i], word.c_str()) == 0) return static_cast<int>(i);
  }
  return -1;
}

std::string DirectoryFrom(const char* variable, const char* otherwise) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

// What an argument of --verbose says.
struct LevelSpec {
  int level = -1;
  int destination = -1;
  int module = -1;
};

absl::Status TakeWord(const std::string& word, LevelSpec* spec) {
  const auto take = [](int found, const char* what, int* into) -> absl::Status {
    if (*into >= 0) {
      return absl::InvalidArgumentError(std::string("cannot specify multiple ") + what);
    }
    *into = found;
    return absl::OkStatus();
  };
  if (strcasecmp(word.c_str(), "any") == 0) return absl::OkStatus();
  if (const int found = IndexOf(kDestinations, word); found >= 0) {
    return take(found, "destinations", &spec->destination);
  }
  if (const int found = IndexOf(kLevelNames, word); found >= 0) {
    return take(found, "levels", &spec->level);
  }
  if (const int found = IndexOf(kModules, word); found >= 0) {
    return take(found, "modules", &spec->module);
  }
  return absl::InvalidArgumentError("no destination, level, or module \"" + word + "\"");
}

}  // namespace

void Console::Error(const std::string& message) const {
  WriteError(program_ + ": " + message + "\n");
}

LogLevel Console::LevelOf(const std::string& module) const {
  const auto it = module_levels_.find(module);
  return it == module_levels_.end() ? level_ : it->second;
}

void Console::Log(const std::string& module, LogLevel level, const std::string& message) {
  if (level > LevelOf(module)) return;
  std::array<char, 21> time = {};
  PutTime(time.data());
  std::array<char, 16> number = {};
  (void)std::snprintf(number.data(), number.size(), "|%05u|", ++lines_);
  WriteError(std::string(time.data()) + number.data() + module + "|" +
             kLevelNames.at(static_cast<size_t>(level)) + "|" + message + "\n");
}

absl::Status Console::SetLevels(const std::string& spec) {
  LevelSpec levels;
  for (size_t begin = 0; begin < spec.size();) {
    const size_t end = std::min(spec.find_first_of(" ,:\t", begin), spec.size());
    const std::string word = spec.substr(begin, end - begin);
    begin = end + 1;
    // Patterns and facilities are of destinations that are not ours.
    if (strcasecmp(word.c_str(), "pattern") == 0) return absl::OkStatus();
    if (strcasecmp(word.c_str(), "facility") == 0) return absl::OkStatus();
    if (word.empty()) continue;
    absl::Status taken = TakeWord(word, &levels);
    if (!taken.ok()) return Annotate(taken, "processing \"" + spec + "\"");
  }
  if (levels.destination >= 0 && std::string(kDestinations.at(levels.destination)) != "console") {
    return absl::OkStatus();
  }
  const LogLevel level = levels.level < 0 ? LogLevel::kDbg : static_cast<LogLevel>(levels.level);
  if (levels.module >= 0) {
    module_levels_[kModules.at(levels.module)] = level;
  } else {
    level_ = level;
    module_levels_.clear();
  }
  return absl::OkStatus();
}

bool ParseTimeout(const std::string& text, unsigned* seconds) {
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (errno != 0 || end == text.c_str() || *end != '\0') return false;
  if (value <= 0 || value > 0xffffffffLL) return false;
  *seconds = static_cast<unsigned>(value);
  return true;
}

void ArmTimeout(unsigned seconds) {
  if (seconds == 0) {
    const char* const value = std::getenv("OVS_CTL_TIMEOUT");
    if (value == nullptr || !ParseTimeout(value, &seconds)) return;
  }
  struct sigaction action = {};
  action.sa_handler = OnAlarm;
  sigaction(SIGALRM, &action, nullptr);
  alarm(seconds);
}

std::string RunDirectory() { return DirectoryFrom("OVS_RUNDIR", "/var/run/openvswitch"); }
std::string LogDirectory() { return DirectoryFrom("OVS_LOGDIR", "/var/log/openvswitch"); }

std::string ProgramName(const char* path) {
  const char* const slash = std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

bool WriteOutput(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    done += static_cast<size_t>(written);
  }
  return true;
}

}  // namespace outrider::cli
