// What the Open vSwitch surfaces show of the running switch: the bridges and ports by the names and
// numbers their clients know, beside the state in force and its counters. Values, and the interface
// they come by. Knows no protocol.
//
// Thread rule: values; SwitchFactsSource says its own.
#ifndef OUTRIDER_VSWITCH_OVS_SWITCH_FACTS_H_
#define OUTRIDER_VSWITCH_OVS_SWITCH_FACTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/packet_tracer.h"
#include "vswitch/state/host_state.h"

namespace outrider::ovs {

// The bridge's own port, OFPP_LOCAL.
inline constexpr uint16_t kLocalOfport = 0xfffe;
// Number and name of the port that stands for the tunnels of every bridge: beyond what interfaces
// get.
inline constexpr uint16_t kTunnelOfport = 65279;
inline constexpr char kTunnelName[] = "outrider-tunnel";

struct PortFacts {
  std::string name;
  // 1..65278, or kLocalOfport. Stable as long as the Interface row is there.
  uint16_t ofport = 0;
  // Interface.type: "" is a system device.
  std::string type;
  // In HostState::ports; absent: nothing is in force for it.
  std::optional<PortId> id;
  MacAddress mac;
  uint32_t ifindex = 0;
  uint32_t mtu = 0;
  bool admin_up = false;
  bool link_up = false;
  // Mbit/s, 0: not known.
  uint32_t speed_mbps = 0;
  // Of the device itself, when nothing is in force for it.
  uint64_t rx_packets = 0, rx_bytes = 0, rx_errors = 0, rx_dropped = 0;
  uint64_t tx_packets = 0, tx_bytes = 0, tx_errors = 0, tx_dropped = 0;
  // Since the row was there, nanoseconds.
  uint64_t duration_ns = 0;
};

// One station as fdb/show has it.
struct FdbFacts {
  // kTunnelOfport of one behind a VTEP.
  uint16_t ofport = 0;
  uint16_t vlan = 0;
  MacAddress mac;
  // Absent: static.
  std::optional<uint32_t> age_s;
};

struct BridgeFacts {
  std::string name;
  uint64_t datapath_id = 0;
  // By ofport.
  std::map<uint16_t, PortFacts> ports;
  std::vector<FdbFacts> fdb;
  // The VLAN by which the bridge knows a segment, where it has one.
  std::map<Vni, uint16_t> vlans;
};

struct SwitchFacts {
  // By name.
  std::map<std::string, BridgeFacts> bridges;
  std::shared_ptr<const state::HostState> in_force;
  std::map<PortId, datapath::PortCounters> counters;
  std::map<std::string, uint64_t> host_drops;
  // "0.1.0".
  std::string version;
};

class SwitchFactsSource {
 public:
  virtual ~SwitchFactsSource() = default;
  // What is so now. Any thread; takes milliseconds.
  virtual SwitchFacts Look() = 0;
  // Forgets learned stations of a bridge, or of all ("").
  virtual absl::Status FlushFdb(const std::string& bridge) = 0;
  // What the pipeline would do with an Ethernet frame from that port. NotFound: no such port.
  virtual absl::StatusOr<datapath::Trace> Trace(const std::string& bridge, uint16_t ofport,
                                                const std::vector<uint8_t>& frame) = 0;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_SWITCH_FACTS_H_
