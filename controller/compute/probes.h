// Which ports a host probes while they move, and by which addresses. Must not know when a probe is
// over: the migration's record says so. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_PROBES_H_
#define OUTRIDER_CONTROLLER_COMPUTE_PROBES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "controller/model/model.h"
#include "outrider/v1/host_state.pb.h"

namespace outrider::controller {

inline constexpr uint32_t kProbeRatePps = 200;

// Of one family, IPv4 first.
struct ProbeAddresses {
  std::string from;
  std::string to;
};

// By which `from` can ask `to` for echoes; nullopt: their addresses are in different segments, or
// of different families.
std::optional<ProbeAddresses> ProbeAddressesOf(const Model& model, const v1::Port& from,
                                               const v1::Port& to);

// The probes of a host, by port id. Of two migrations of a port the one that runs counts.
void AddProbes(const Model& model, const std::string& host_id, v1::HostState* state);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_PROBES_H_
