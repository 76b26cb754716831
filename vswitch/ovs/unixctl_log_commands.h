// ovs-appctl's vlog commands over our log. There is one module ("outrider") and one destination,
// standard error, which Open vSwitch calls the console; what it has beyond that is refused by name.
//
// Thread rule: one thread; the log's level is the process's.
#ifndef OUTRIDER_VSWITCH_OVS_UNIXCTL_LOG_COMMANDS_H_
#define OUTRIDER_VSWITCH_OVS_UNIXCTL_LOG_COMMANDS_H_

#include "vswitch/ovs/unixctl_commands.h"

namespace outrider::ovs {

// vlog/list, vlog/set, vlog/reopen.
void AddLogCommands(UnixctlCommands* commands);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_UNIXCTL_LOG_COMMANDS_H_
