// What a tool says on standard error: its own errors, and log lines in Open vSwitch's form, of
// which warnings show unless -v says otherwise. Owns the number of the next log line.
//
// Thread rule: one thread; ArmTimeout's handler only reads what was set before.
#ifndef OUTRIDER_VSWITCH_CLI_CONSOLE_H_
#define OUTRIDER_VSWITCH_CLI_CONSOLE_H_

#include <map>
#include <string>

#include "vswitch/types/status.h"

namespace outrider::cli {

enum class LogLevel { kOff, kEmer, kErr, kWarn, kInfo, kDbg };

class Console {
 public:
  // `program` begins every error: the tool's name as it was called.
  explicit Console(std::string program) : program_(std::move(program)) {}

  const std::string& program() const { return program_; }

  // "ovs-vsctl: message".
  void Error(const std::string& message) const;
  // "<time>|00001|module|WARN|message" when the module's level on the console lets it through.
  void Log(const std::string& module, LogLevel level, const std::string& message);
  void Warn(const std::string& module, const std::string& message) {
    Log(module, LogLevel::kWarn, message);
  }

  // An argument of --verbose, "MODULE:DESTINATION:LEVEL" in any order and each optional; empty: all
  // of it. InvalidArgument names the word.
  absl::Status SetLevels(const std::string& spec);
  // Lines that go to the log only have numbers, too.
  void CountSilentLine() { ++lines_; }

 private:
  LogLevel LevelOf(const std::string& module) const;

  const std::string program_;
  LogLevel level_ = LogLevel::kWarn;
  std::map<std::string, LogLevel> module_levels_;
  unsigned lines_ = 0;
};

// After that many seconds the process says so and ends by SIGALRM (a shell shows 142). 0: the
// environment's OVS_CTL_TIMEOUT, or never.
void ArmTimeout(unsigned seconds);

// A positive number of seconds; false: it is none.
bool ParseTimeout(const std::string& text, unsigned* seconds);

// $OVS_RUNDIR, $OVS_LOGDIR or where Debian has them.
std::string RunDirectory();
std::string LogDirectory();

// The last part of argv[0].
std::string ProgramName(const char* path);

// Writes all of it to standard output; false: nobody reads it.
bool WriteOutput(const std::string& text);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_CONSOLE_H_
