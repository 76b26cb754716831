// What the Open vSwitch surfaces show of the running switch, from the database's view of it, the
// state in force and the datapath's counters. Owns nothing but the way to name things: a port by
// its OpenFlow number, a segment by a bridge's VLAN.
//
// Thread rule: the surfaces' thread; waits for the reconciler's.
#ifndef OUTRIDER_VSWITCH_AGENT_HOST_FACTS_H_
#define OUTRIDER_VSWITCH_AGENT_HOST_FACTS_H_

#include <functional>
#include <string>
#include <vector>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/reconciler.h"
#include "vswitch/datapath/packet_tracer.h"
#include "vswitch/datapath/station_table.h"
#include "vswitch/ovs/database.h"
#include "vswitch/ovs/switch_facts.h"
#include "vswitch/ovs/switch_view.h"

namespace outrider::agent {

class HostFacts final : public ovs::SwitchFactsSource {
 public:
  // All outlive the object.
  struct Dependencies {
    const ovs::Database* database;
    const ovs::SwitchView* view;
    Executor* reconciler_executor;
    Reconciler* reconciler;
    datapath::DatapathCounters* counters;
    datapath::PacketTracer* tracer;
    datapath::StationTable* stations;
    std::function<std::chrono::steady_clock::time_point()> clock;
    std::string version;
  };
  explicit HostFacts(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  // An interface's row is there: its duration counts from the first such call.
  void NoteInterface(const ovsdb::Uuid& uuid) { since_.try_emplace(uuid, dependencies_.clock()); }
  void ForgetInterface(const ovsdb::Uuid& uuid) { since_.erase(uuid); }

  ovs::SwitchFacts Look() override;
  absl::Status FlushFdb(const std::string& bridge) override;
  absl::StatusOr<datapath::Trace> Trace(const std::string& bridge, uint16_t ofport,
                                        const std::vector<uint8_t>& frame) override;

 private:
  ovs::BridgeFacts LookAtBridge(const ovs::BridgeConfig& bridge, const ovs::SwitchReport& report,
                                const state::HostState& in_force);
  ovs::PortFacts LookAtPort(const ovs::InterfaceConfig& interface,
                            const ovs::InterfaceReport* report, const state::HostState& in_force);
  void AddFdb(const state::HostState& in_force, ovs::BridgeFacts* facts);

  Dependencies dependencies_;
  // When an interface's row was noted, for durations.
  std::map<ovsdb::Uuid, std::chrono::steady_clock::time_point> since_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_HOST_FACTS_H_
