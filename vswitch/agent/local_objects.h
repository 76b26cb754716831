// This host's local segments and ports as the reconciler holds them: what was said last, what
// became of it, and how the controller is kept from hearing of it. Owns the rule that what was in
// force at the start stays until somebody speaks.
//
// Thread rule: one thread, the reconciler's.
#ifndef OUTRIDER_VSWITCH_AGENT_LOCAL_OBJECTS_H_
#define OUTRIDER_VSWITCH_AGENT_LOCAL_OBJECTS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "vswitch/agent/local_state.h"
#include "vswitch/datapath/datapath.h"

namespace outrider::agent {

class LocalObjects {
 public:
  // At the start: what is in force stays. A rate where the controller's port has none was given
  // here.
  void Hold(const state::HostState& applied, const state::HostState& controller);
  void Set(LocalState local);

  // Adds them to what the controller wants.
  void Merge(const state::HostState& applied, state::HostState* desired);

  // Why local ports are not in force as they were asked for: by rule, or as the datapath says.
  std::map<PortId, std::string> ProblemsAmong(
      const std::vector<datapath::ObjectFailure>& failures) const;
  // Whether the port is local, by the last Merge.
  bool Has(const PortId& id) const { return ports_.contains(id); }

  // ---- What the controller hears ----
  // `port` without the rates it was given here.
  state::Port AsProfiled(const PortId& id, state::Port port) const;
  // The same of all ports of the controller's; nothing but ports.
  state::HostState AsProfiled(const state::HostState& applied) const;
  // Failures of what is not local.
  std::vector<datapath::ObjectFailure> NotLocal(
      const std::vector<datapath::ObjectFailure>& failures) const;

 private:
  LocalState local_;
  LocalOutcome outcome_;
  // Local ports, and those that were and may not be gone yet.
  std::set<PortId> ports_;
  std::set<std::string> port_keys_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_LOCAL_OBJECTS_H_
