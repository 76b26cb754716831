// The token by which the source of a migration tells the destination that the guest is about to run
// there; libvirt carries it from one to the other as Open vSwitch's external_ids:PortData. Owns its
// form, "outrider-1.<migration>.<epoch>": letters, digits, '-' and '.' only, so that OVSDB clients
// print it without quotes and it survives whatever quoting is on its way. Whoever can show it has
// it from the source's agent, or has guessed a migration id: it names a move, it is no secret.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_PORT_DATA_H_
#define OUTRIDER_VSWITCH_AGENT_PORT_DATA_H_

#include <absl/status/statusor.h>

#include <string>

#include "vswitch/types/ids.h"

namespace outrider::agent {

struct PortData {
  std::string migration_id;
  // Under which the destination is to hold the port.
  Epoch epoch{};
  bool operator==(const PortData&) const = default;
};

std::string ToString(const PortData& data);

// InvalidArgument: not of that form, as what another switch left there.
absl::StatusOr<PortData> ParsePortData(const std::string& text);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PORT_DATA_H_
