// Tells agents that claim one host id apart.
#ifndef OUTRIDER_VSWITCH_AGENT_AGENT_INSTANCE_H_
#define OUTRIDER_VSWITCH_AGENT_AGENT_INSTANCE_H_

#include <string>

#include "vswitch/types/status.h"

namespace outrider::agent {

// For Hello.instance_id: the same after a restart of the agent, another for a copy of its state
// directory on another machine or in another network namespace. `directory_id` is
// LocalStore::instance_id(); the rest is the kernel's boot id and the inode of the calling thread's
// network namespace. Under 128 bytes of [0-9a-f-].
absl::StatusOr<std::string> AgentInstance(const std::string& directory_id);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_AGENT_INSTANCE_H_
