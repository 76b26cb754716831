// The commands of ovs-ofctl and what they share: options, names of ports and tables. One thread.
#ifndef OUTRIDER_VSWITCH_CLI_OFCTL_COMMANDS_H_
#define OUTRIDER_VSWITCH_CLI_OFCTL_COMMANDS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/cli/ofctl_connection.h"
#include "vswitch/cli/ofctl_parse.h"
#include "vswitch/cli/ofctl_text.h"

namespace outrider::cli {

struct SortKey {
  // nullptr: the priority.
  const openflow::FieldInfo* field = nullptr;
  bool ascending = true;
};

struct OfctlOptions {
  std::string program = "ovs-ofctl";
  // Bit n: version n may be spoken.
  uint32_t versions = 1u << openflow::kVersion10;
  // Names instead of numbers in what is printed; absent: on a terminal.
  std::optional<bool> names = {};
  bool stats = true;
  bool strict = false;
  // -F, of those that `versions` can carry.
  uint32_t formats = kFormatAny;
  std::vector<SortKey> sort = {};
};

class Ofctl {
 public:
  explicit Ofctl(OfctlOptions options) : options_(std::move(options)) {}

  const OfctlOptions& options() const { return options_; }
  absl::StatusOr<std::unique_ptr<OfctlConnection>> Open(const std::string& target);

  // Asked for once, each by a connection of its own, as ovs-ofctl does it: callers see it by the
  // transaction numbers that are printed.
  absl::StatusOr<openflow::PortDescList> Ports(const std::string& target);
  absl::StatusOr<openflow::TableList> Tables(const std::string& target);
  // Names people may write; both are asked for.
  absl::StatusOr<OfNumbers> Numbers(const std::string& target);
  // For what is printed; empty unless names are wanted.
  absl::StatusOr<OfNames> Names(const std::string& target, bool tables);
  bool ShowsNames() const;

  // Asks, and prints every part of the answer.
  absl::Status Print(const std::string& target, openflow::Body request, const OfNames& names);

  // "<time>|00001|module|INFO|message" on standard error.
  void Log(const char* module, const char* level, const std::string& message);
  // Tells what ParseFlow took out.
  void TellNormalized(const ParsedFlow& flow);

 private:
  const OfctlOptions options_;
  absl::StatusOr<openflow::PortDescList> AskPorts(const std::string& target);
  absl::StatusOr<openflow::TableList> AskTables(const std::string& target);

  OfctlConnection::Xid next_xid_ = 1;
  // By target.
  std::map<std::string, openflow::PortDescList> ports_;
  std::map<std::string, openflow::TableList> tables_;
  int lines_ = 0;
};

using OfctlArgs = std::vector<std::string>;
struct OfctlCommand {
  const char* name;
  const char* usage;
  size_t least, most;
  // InvalidArgument and others: printed behind the program's name, exit status 1.
  absl::Status (*run)(Ofctl& ofctl, const OfctlArgs& args);
};
const std::vector<OfctlCommand>& ReadCommands();
const std::vector<OfctlCommand>& FlowCommands();

// The switch refused, and that was printed: nothing more to say.
absl::Status Refused();

std::string OfctlHelp(const std::string& program);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_OFCTL_COMMANDS_H_
