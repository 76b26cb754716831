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
  // Up to so many are looked at one by one.
  static constexpr size_t kFewDevices = 8;

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
  using Devices = std::map<std::string, sys::CountedDevice>;
  // By interface name.
  using Problems = std::map<std::string, std::string>;

  void ApplyNow();
  // Whether it looked at any: what is there as it was asked for is left alone.
  bool MakeInternalDevices();
  void ApplyGuests();
  // Ports that are plain in force: before a restart of the agent they were found to be so, and a
  // restart interrupts nobody.
  std::set<PortId> PlainInForce();
  // Fills numbers_ for the bridges there are.
  absl::Status NumberBridges();
  void ApplyLocal(const Problems& problems);
  LocalPort LocalPortOf(const ovs::InterfaceConfig& interface, std::set<PortId>* taken);
  // Whether it is switched among the ports of its bridge, not by a profile.
  bool IsPlain(const ovs::InterfaceConfig& interface) const;
  // What keeps interfaces that nobody is the guest of, and internal ones, from being switched.
  absl::StatusOr<Problems> FindLocalProblems();
  // Fill devices_: of the whole host, or of interfaces that are not as they were.
  absl::Status ReadDevices();
  absl::Status ReadChangedDevices(const ovs::SwitchConfig& before);
  // Looks at everything, and says it.
  void Look();
  // Brings into force what follows from a look, and says all there is to say.
  void Tell(absl::Status looked);
  absl::Status ApplyAndReport();
  void ScheduleLook();
  // What the reconciler knows of ports.
  struct Ports {
    std::map<PortId, PortView> views;
    std::map<PortId, std::string> local_problems;
  };
  Ports ReadPorts();
  ovs::InterfaceReport ReportOf(const ovs::InterfaceConfig& interface, const Problems& problems,
                                const Ports& ports);

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
  // The host's, as they were at the last look.
  Devices devices_;
  // Internal ports' as they were asked for last.
  std::optional<std::map<std::string, sys::InternalDevice>> internal_;
  std::map<std::string, std::string> internal_errors_;
  LocalState local_;
  // Of bridges, by uuid: LocalStore::NumberBridges.
  std::map<std::string, uint32_t> numbers_;
  // By the names of interfaces that are switched locally.
  std::map<std::string, PortId> local_ids_;
  // What an earlier agent had in force stays until then.
  bool said_local_ = false;
  bool took_over_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_OVS_PORTS_H_
