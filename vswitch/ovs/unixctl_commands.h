// The commands that ovs-appctl reaches: names, arity, and what they do. Knows no socket.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_OVS_UNIXCTL_COMMANDS_H_
#define OUTRIDER_VSWITCH_OVS_UNIXCTL_COMMANDS_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "vswitch/types/status.h"

namespace outrider::ovs {

using UnixctlArguments = std::vector<std::string>;

struct UnixctlCommand {
  static constexpr size_t kAny = std::numeric_limits<size_t>::max();
  // As list-commands shows them.
  std::string usage = {};
  size_t min_arguments = 0;
  size_t max_arguments = 0;
  // The reply; of an error its message is shown, the code is not.
  std::function<absl::StatusOr<std::string>(const UnixctlArguments& arguments)> run = nullptr;
};

class UnixctlCommands {
 public:
  // With list-commands, and help, which is the same.
  UnixctlCommands();
  UnixctlCommands(const UnixctlCommands&) = delete;
  UnixctlCommands& operator=(const UnixctlCommands&) = delete;

  void Add(const std::string& name, UnixctlCommand command);
  // The texts of wrong names and arity are ovs-vswitchd's. What comes back ends with a new line
  // unless it is empty.
  absl::StatusOr<std::string> Run(const std::string& name, const UnixctlArguments& arguments) const;

 private:
  std::string List() const;
  std::map<std::string, UnixctlCommand> commands_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_UNIXCTL_COMMANDS_H_
