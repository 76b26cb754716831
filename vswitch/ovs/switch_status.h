// Status columns of the Open_vSwitch database from what the host reports: pure, as the operations
// of one transaction that writes only what is different. Owns the choice of OpenFlow port numbers.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_SWITCH_STATUS_H_
#define OUTRIDER_VSWITCH_OVS_SWITCH_STATUS_H_

#include <cstdint>
#include <map>
#include <string>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/switch_config.h"
#include "vswitch/ovs/switch_ports.h"

namespace outrider::ovs {

// Who answers; shown in the Open_vSwitch row.
struct SwitchIdentity {
  // external_ids:system-id.
  std::string system_id;
  std::string hostname;
  // Of Outrider, "0.1.0".
  std::string version;
};

// Version of Open vSwitch whose database and tools are served.
inline constexpr char kOvsVersion[] = "3.1.0";

// A bridge's 64-bit id: what other_config says, or made of its uuid.
uint64_t DatapathIdOf(const BridgeConfig& bridge);
// Address of a bridge's own device: hwaddr, or made of its uuid, locally administered.
MacAddress AddressOf(const BridgeConfig& bridge);

// Numbers for a bridge's interfaces, by name: those in `present` (positive ones) stay, a free
// ofport_request is granted, others get the least free one. The bridge's own is kLocalOfport.
std::map<std::string, int64_t> NumberPorts(const BridgeConfig& bridge,
                                           const std::map<std::string, int64_t>& present);

// Operations ("update" each) that bring the status columns to what is so; empty: nothing differs.
// Without `with_statistics` Interface.statistics stays as it is.
ovsdb::Json StatusOperations(const Database& database, const SwitchConfig& config,
                             const SwitchReport& report, bool with_statistics);

// The same for cur_cfg alone.
ovsdb::Json CurCfgOperations(const Database& database, int64_t cur_cfg);

// Operations that make the one row of Open_vSwitch, or bring its facts up to date.
ovsdb::Json IdentityOperations(const Database& database, const SwitchIdentity& identity);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_SWITCH_STATUS_H_
