#include "vswitch/agent/ovs_ports.h"

#include <spdlog/spdlog.h>

#include <set>
#include <utility>

#include "vswitch/agent/ovs_report.h"
#include "vswitch/ovs/switch_status.h"

namespace outrider::agent {
namespace {

using ovs::BridgeConfig;
using ovs::InterfaceConfig;
using ovs::InterfaceReport;

constexpr char kInternal[] = "internal";

// The switch's end of an internal interface, whose own name is that of the host's.
std::string PortDeviceOf(const InterfaceConfig& interface) {
  return sys::PortDeviceName(static_cast<uint32_t>(interface.uuid.low));
}

// What its programs sit on.
std::string DeviceOf(const InterfaceConfig& interface) {
  return interface.type == kInternal ? PortDeviceOf(interface) : interface.name;
}

// What somebody asked for.
std::optional<MacAddress> AskedAddressOf(const BridgeConfig& bridge,
                                         const InterfaceConfig& interface) {
  if (interface.mac) return interface.mac;
  return interface.name == bridge.name ? bridge.hwaddr : std::nullopt;
}

// The first one, where nobody asks for another: made of a uuid.
MacAddress FirstAddressOf(const BridgeConfig& bridge, const InterfaceConfig& interface) {
  BridgeConfig named;
  named.uuid = interface.name == bridge.name ? bridge.uuid : interface.uuid;
  return ovs::AddressOf(named);
}

OvsGuest GuestOf(const InterfaceConfig& interface) {
  OvsGuest guest{.id = interface.Id(), .attachment = {}};
  guest.attachment.device = DeviceOf(interface);
  guest.attachment.profile = interface.profile;
  guest.attachment.vm_id = interface.vm_id;
  guest.attachment.owner = state::AttachmentOwner::kOvsdb;
  if (interface.attached_mac) {
    guest.attachment.mac = *interface.attached_mac;
  } else {
    guest.error = "external_ids:attached-mac is missing: the guest's MAC address";
  }
  return guest;
}

// Of the host's end of an internal interface; absent: it is in another network namespace.
std::optional<MacAddress> HostEndMac(const InterfaceConfig& interface,
                                     const std::map<std::string, ovs::DeviceFacts>& devices) {
  const auto found = devices.find(interface.name);
  return found == devices.end() ? std::nullopt : std::optional(found->second.mac);
}

// Calls `each` with every interface that can be served as it is written.
template <typename Each>
void ForServed(const ovs::SwitchConfig& config, Each each) {
  for (const auto& [bridge_name, bridge] : config.bridges) {
    for (const auto& [name, interface] : bridge.interfaces) {
      if (RefusalOf(interface).empty()) each(bridge, interface);
    }
  }
}

}  // namespace

OvsPorts::OvsPorts(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      guests_({.executor = dependencies_.executor,
               .ports = dependencies_.ports,
               .reconciler_executor = dependencies_.reconciler_executor,
               .reconciler = dependencies_.reconciler,
               .changed = [this] { Look(); }}) {
  ScheduleLook();
}

OvsPorts::~OvsPorts() {
  SetObserver(nullptr);
  RunOn(dependencies_.executor, [this] { *alive_ = false; });
}

void OvsPorts::SetObserver(Observer observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
}

void OvsPorts::Apply(ovs::SwitchConfig config) {
  {
    const std::lock_guard lock(mutex_);
    const bool posted = next_.has_value();
    next_ = std::move(config);
    if (posted) return;
  }
  dependencies_.executor->Post([this, alive = alive_] {
    if (*alive) ApplyNow();
  });
}

void OvsPorts::ApplyNow() {
  {
    const std::lock_guard lock(mutex_);
    config_ = *std::exchange(next_, std::nullopt);
    has_config_ = true;
  }
  MakeInternalDevices();
  ApplyGuests();
  Look();
}

void OvsPorts::MakeInternalDevices() {
  // By the switch's end: the host's may be in another network namespace.
  std::map<std::string, sys::InternalDevice> wanted;
  ForServed(config_, [&](const BridgeConfig& bridge, const InterfaceConfig& interface) {
    if (interface.type != kInternal) return;
    const std::optional<MacAddress> mac = AskedAddressOf(bridge, interface);
    wanted[PortDeviceOf(interface)] = {.name = interface.name,
                                       .port_device = PortDeviceOf(interface),
                                       .mac = mac ? *mac : FirstAddressOf(bridge, interface),
                                       .mtu = interface.mtu_request.value_or(dependencies_.mtu),
                                       .keep_mac = mac.has_value(),
                                       .keep_mtu = interface.mtu_request.has_value()};
  });
  internal_errors_.clear();
  const auto present = dependencies_.internal->List();
  if (!present.ok()) spdlog::warn("internal ports: {}", Message(present.status()));
  if (present.ok()) {
    for (const auto& [port_device, name] : *present) {
      if (wanted.contains(port_device)) continue;
      if (const absl::Status status = dependencies_.internal->Remove(port_device); !status.ok()) {
        spdlog::warn("internal port {}: {}", name, Message(status));
      }
    }
  }
  for (const auto& [port_device, device] : wanted) {
    const absl::Status status = dependencies_.internal->Ensure(device);
    if (!status.ok()) internal_errors_[device.name] = Message(status);
  }
}

void OvsPorts::ApplyGuests() {
  const std::set<PortId> plain = PlainInForce();
  std::map<std::string, OvsGuest> wanted;
  ForServed(config_, [&](const BridgeConfig&, const InterfaceConfig& interface) {
    if (!interface.IsGuest()) return;
    OvsGuest& guest = wanted.emplace(interface.name, GuestOf(interface)).first->second;
    guest.plain = guest.attachment.KnownOnly() && plain.contains(guest.id);
  });
  guests_.Apply(wanted);
}

std::set<PortId> OvsPorts::PlainInForce() {
  return RunOn(dependencies_.reconciler_executor, [this] {
    std::set<PortId> plain;
    for (const auto& [id, port] : dependencies_.reconciler->applied().ports) {
      if (state::IsLocal(port)) plain.insert(id);
    }
    return plain;
  });
}

bool OvsPorts::IsPlain(const InterfaceConfig& interface) const {
  if (!interface.IsGuest()) return true;
  const OvsGuest* const guest = guests_.Find(interface.name);
  return guest != nullptr && guest->plain;
}

std::string OvsPorts::ProblemOfLocal(const InterfaceConfig& interface, const Devices& devices) {
  const auto failed = internal_errors_.find(interface.name);
  if (failed != internal_errors_.end()) return failed->second;
  if (!devices.contains(DeviceOf(interface))) return NoDevice(interface.name);
  if (interface.type == kInternal) return "";
  return Message(dependencies_.ports->CheckDevice(interface.name));
}

// What is not there is left out and comes with its device.
void OvsPorts::ApplyLocal(const Devices& devices) {
  std::set<std::string> uuids;
  for (const auto& [name, bridge] : config_.bridges) uuids.insert(bridge.uuid.ToString());
  const auto numbers = dependencies_.store->NumberBridges(uuids, kMaxBridgeNumber + 1);
  if (!numbers.ok()) {
    spdlog::warn("local ports: {}", Message(numbers.status()));
    return;
  }
  LocalState local;
  for (const auto& [bridge_name, bridge] : config_.bridges) {
    std::vector<LocalPort> ports;
    for (const auto& [name, interface] : bridge.interfaces) {
      if (!RefusalOf(interface).empty()) continue;
      if (!IsPlain(interface)) {
        local.limits[interface.Id()] = {.ingress = interface.policer, .egress = interface.shaper};
        continue;
      }
      if (!ProblemOfLocal(interface, devices).empty()) continue;
      const bool internal = interface.type == kInternal;
      ports.push_back({.interface = &interface,
                       .device = DeviceOf(interface),
                       .mac = internal ? HostEndMac(interface, devices) : std::nullopt});
    }
    AddLocalBridge(numbers->at(bridge.uuid.ToString()), bridge, ports, &local);
  }
  if (said_local_ && local == local_) return;
  said_local_ = true;
  local_ = std::move(local);
  RunOn(dependencies_.reconciler_executor, [this] { dependencies_.reconciler->SetLocal(local_); });
}

void OvsPorts::DeviceChanged() {
  dependencies_.executor->Post([this, alive = alive_] {
    if (!*alive || !has_config_) return;
    guests_.Retry();
    Look();
  });
}

void OvsPorts::ScheduleLook() {
  dependencies_.executor->PostAfter(kLookInterval, [this, alive = alive_] {
    if (!*alive) return;
    if (has_config_ && !config_.bridges.empty()) Look();
    ScheduleLook();
  });
}

OvsPorts::Devices OvsPorts::ReadDevices() {
  Devices devices;
  const auto listed = dependencies_.counters->Read();
  if (!listed.ok()) {
    spdlog::warn("devices: {}", Message(listed.status()));
    return devices;
  }
  for (const sys::CountedDevice& device : *listed) {
    devices.emplace(device.link.name, FactsOf(device));
  }
  return devices;
}

OvsPorts::Ports OvsPorts::ReadPorts() {
  return RunOn(dependencies_.reconciler_executor, [this] {
    Ports ports{.views = {}, .local_problems = dependencies_.reconciler->LocalProblems()};
    for (PortView& view : dependencies_.reconciler->ListPorts()) {
      ports.views.emplace(view.id, std::move(view));
    }
    return ports;
  });
}

void OvsPorts::Look() {
  const Devices devices = ReadDevices();
  ApplyLocal(devices);
  const Ports ports = ReadPorts();
  ovs::SwitchReport report;
  report.next_cfg = config_.next_cfg;
  for (const auto& [bridge_name, bridge] : config_.bridges) {
    for (const auto& [name, interface] : bridge.interfaces) {
      report.interfaces.emplace(name, ReportOf(interface, devices, ports));
    }
  }
  const std::lock_guard lock(mutex_);
  if (observer_) observer_(std::move(report));
}

InterfaceReport OvsPorts::ReportOf(const InterfaceConfig& interface, const Devices& devices,
                                   const Ports& ports) {
  InterfaceReport report;
  if (const auto device = devices.find(interface.name); device != devices.end()) {
    report.device = device->second;
  }
  report.error = RefusalOf(interface);
  if (!report.error.empty()) return report;
  if (IsPlain(interface)) {
    report.error = ProblemOfLocal(interface, devices);
    const auto problem = ports.local_problems.find(interface.Id());
    if (report.error.empty() && problem != ports.local_problems.end()) {
      report.error = problem->second;
    }
    return report;
  }
  const OvsGuest* const guest = guests_.Find(interface.name);
  if (guest == nullptr) return report;
  const auto view = ports.views.find(guest->id);
  DescribeGuest(*guest, view == ports.views.end() ? nullptr : &view->second, interface, &report);
  if (interface.type == kInternal) {
    const std::string problem = ProblemOfLocal(interface, devices);
    if (!problem.empty()) report.error = problem;
  }
  report.port_data = dependencies_.ports->PortDataOf(guest->id);
  return report;
}

void OvsPorts::TakePortData(const PortId& id, const std::string& data) {
  dependencies_.reconciler_executor->Post([reconciler = dependencies_.reconciler, id, data] {
    const absl::Status status = reconciler->TakePortData(id, data);
    if (!status.ok()) spdlog::info("port {}: {}", id.ToString(), Message(status));
  });
}

}  // namespace outrider::agent
