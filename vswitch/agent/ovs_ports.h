// What the Open_vSwitch database asks for, on this host: internal ports become devices, ports
// without a profile are switched locally, guests are OvsGuests'. Owns the devices it made and what
// is reported of every interface. Knows no OVSDB.
//
// Thread rule: any thread; work runs on an executor of its own, since attaching waits for the disk
// and for the kernel.
#ifndef OUTRIDER_VSWITCH_AGENT_OVS_PORTS_H_
#define OUTRIDER_VSWITCH_AGENT_OVS_PORTS_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/local_store.h"
#include "vswitch/agent/local_switching.h"
#include "vswitch/agent/ovs_guests.h"
#include "vswitch/agent/port_operations.h"
#include "vswitch/agent/reconciler.h"
#include "vswitch/ovs/switch_ports.h"
#include "vswitch/sys/netlink/device_counters.h"
#include "vswitch/sys/netlink/internal_device.h"

namespace outrider::agent {

class OvsPorts final : public ovs::SwitchPorts {
 public:
  // How often devices and ports are looked at without a reason.
  static constexpr auto kLookInterval = std::chrono::seconds(1);

  // All outlive the object.
  struct Dependencies {
    Executor* executor;
    PortOperations* ports;
    Executor* reconciler_executor;
    Reconciler* reconciler;
    LocalStore* store;
    std::unique_ptr<sys::InternalDevices> internal;
    std::unique_ptr<sys::DeviceCounterReader> counters;
    // Of internal ports where nobody asks for another: what guests may send through the underlay.
    uint32_t mtu = 1450;
  };
  explicit OvsPorts(Dependencies dependencies);
  ~OvsPorts() override;

  void SetObserver(Observer observer) override;
  void Apply(ovs::SwitchConfig config) override;
  void TakePortData(const PortId& id, const std::string& data) override;
  // A device came, went or changed.
  void DeviceChanged();

 private:
  using Devices = std::map<std::string, ovs::DeviceFacts>;
  // By interface name.
  using Problems = std::map<std::string, std::string>;

  void ApplyNow();
  void MakeInternalDevices();
  void ApplyGuests();
  // Ports that are plain in force: before a restart of the agent they were found to be so, and a
  // restart interrupts nobody.
  std::set<PortId> PlainInForce();
  void ApplyLocal(const Devices& devices, const Problems& problems);
  LocalPort LocalPortOf(const ovs::InterfaceConfig& interface, const Devices& devices,
                        std::set<PortId>* taken);
  // Whether it is switched among the ports of its bridge, not by a profile.
  bool IsPlain(const ovs::InterfaceConfig& interface) const;
  // What keeps interfaces that nobody is the guest of, and internal ones, from being switched.
  absl::StatusOr<Problems> FindLocalProblems(const Devices& devices);
  absl::StatusOr<Devices> ReadDevices();
  // Looks at everything, and says it.
  void Look();
  absl::Status TryToLook();
  void ScheduleLook();
  // What the reconciler knows of ports.
  struct Ports {
    std::map<PortId, PortView> views;
    std::map<PortId, std::string> local_problems;
  };
  Ports ReadPorts();
  ovs::InterfaceReport ReportOf(const ovs::InterfaceConfig& interface, const Devices& devices,
                                const Problems& problems, const Ports& ports);

  Dependencies dependencies_;
  std::atomic<bool> look_posted_ = false;
  std::mutex mutex_;
  // Guarded by mutex_.
  Observer observer_;
  std::optional<ovs::SwitchConfig> next_;
  // The rest belongs to the executor's thread.
  ovs::SwitchConfig config_;
  bool has_config_ = false;
  OvsGuests guests_;
  std::map<std::string, std::string> internal_errors_;
  LocalState local_;
  // By the names of interfaces that are switched locally.
  std::map<std::string, PortId> local_ids_;
  // What an earlier agent had in force stays until then.
  bool said_local_ = false;
  bool took_over_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_OVS_PORTS_H_
