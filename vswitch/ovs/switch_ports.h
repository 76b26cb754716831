// The seam between the Open_vSwitch view and the host: a configuration in, reports of what became
// of it out. The agent implements it over its ports, devices and datapath.
#ifndef OUTRIDER_VSWITCH_OVS_SWITCH_PORTS_H_
#define OUTRIDER_VSWITCH_OVS_SWITCH_PORTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "vswitch/ovs/switch_config.h"

namespace outrider::ovs {

// A network device as the kernel reports it.
struct DeviceFacts {
  uint32_t ifindex = 0;
  MacAddress mac;
  uint32_t mtu = 0;
  bool admin_up = false;
  bool link_up = false;
  // Bits per second; 0: not known.
  uint64_t speed_bps = 0;
  std::optional<bool> full_duplex;
  // "tun", "veth", ...
  std::string driver;
  // By the names of Interface.statistics: rx_packets, tx_bytes, ...
  std::map<std::string, int64_t> statistics;
  bool operator==(const DeviceFacts&) const = default;
};

struct InterfaceReport {
  // It is not decided yet whether it comes into force.
  bool pending = false;
  // Why it does not forward; empty when it does or is pending.
  std::string error;
  std::optional<DeviceFacts> device;
  // For Port.status: what people should know of the port.
  std::map<std::string, std::string> notes;
  // For external_ids:PortData; empty: none.
  std::string port_data;
  bool operator==(const InterfaceReport&) const = default;
};

struct SwitchReport {
  // Of the newest configuration that was handed to the datapath.
  int64_t next_cfg = 0;
  uint64_t serial = 0;
  // By name, all that the configuration has.
  std::map<std::string, InterfaceReport> interfaces;
  bool operator==(const SwitchReport&) const = default;
};

class SwitchPorts {
 public:
  virtual ~SwitchPorts() = default;

  using Observer = std::function<void(SwitchReport)>;
  // Called with all there is to say, from a thread of its own, after each Apply and whenever
  // something of it changes. Set before the first Apply; null ends it, and when that returns the
  // old one is no longer called.
  virtual void SetObserver(Observer observer) = 0;

  // Makes the host as `config` says. Returns at once; of several that come fast the last one
  // counts.
  virtual void Apply(SwitchConfig config) = 0;

  // The guest's state has come: libvirt set external_ids:PortData of the port's interface. Inside
  // the guest's blackout: must not wait behind other work.
  virtual void TakePortData(const PortId& id, const std::string& data) = 0;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_SWITCH_PORTS_H_
