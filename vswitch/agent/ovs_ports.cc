#include "vswitch/agent/ovs_ports.h"

#include <spdlog/spdlog.h>

#include <algorithm>
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
  OvsGuest guest{.id = interface.Id(), .row = interface.uuid.ToString(), .attachment = {}};
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
                                     const std::map<std::string, sys::CountedDevice>& devices) {
  const auto found = devices.find(interface.name);
  return found == devices.end() ? std::nullopt : std::optional(found->second.link.mac);
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
  ovs::SwitchConfig before;
  {
    const std::lock_guard lock(mutex_);
    std::swap(before, config_);
    config_ = *std::exchange(next_, std::nullopt);
    has_config_ = true;
  }
  const bool made = MakeInternalDevices();
  ApplyGuests();
  Tell(made ? ReadDevices() : ReadChangedDevices(before));
}

bool OvsPorts::MakeInternalDevices() {
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
  const bool made = std::all_of(wanted.begin(), wanted.end(), [this](const auto& device) {
    return devices_.contains(device.first);
  });
  if (internal_errors_.empty() && made && wanted == internal_) return false;
  internal_ = wanted;
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
  return true;
}

void OvsPorts::ApplyGuests() {
  const bool first = !std::exchange(took_over_, true);
  const std::set<PortId> plain = first ? PlainInForce() : std::set<PortId>();
  std::map<std::string, OvsGuest> wanted;
  ForServed(config_, [&](const BridgeConfig&, const InterfaceConfig& interface) {
    if (!interface.IsGuest()) return;
    OvsGuest& guest = wanted.emplace(interface.name, GuestOf(interface)).first->second;
    guest.plain = guest.attachment.KnownOnly() && plain.contains(guest.id);
  });
  // At first what an earlier agent had attached may have to go.
  if (first || !wanted.empty() || !guests_.empty()) guests_.Apply(wanted);
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

absl::StatusOr<OvsPorts::Problems> OvsPorts::FindLocalProblems() {
  Problems problems;
  std::vector<sys::Link> checked;
  ForServed(config_, [&](const BridgeConfig&, const InterfaceConfig& interface) {
    // An internal guest's pair is the switch's affair, too.
    const bool internal = interface.type == kInternal;
    if (!internal && !IsPlain(interface)) return;
    const std::string& name = interface.name;
    const auto failed = internal_errors_.find(name);
    if (failed != internal_errors_.end()) {
      problems[name] = failed->second;
    } else if (const auto device = devices_.find(DeviceOf(interface)); device == devices_.end()) {
      problems[name] = NoDevice(name);
    } else if (!internal) {
      checked.push_back(device->second.link);
    }
  });
  ASSIGN_OR_RETURN(const PortDevices links, dependencies_.ports->LookAtDevices(checked));
  for (const sys::Link& link : checked) {
    if (const absl::Status status = links.Check(link.name); !status.ok()) {
      problems[link.name] = Message(status);
    }
  }
  return problems;
}

absl::Status OvsPorts::NumberBridges() {
  std::set<std::string> uuids;
  for (const auto& [name, bridge] : config_.bridges) uuids.insert(bridge.uuid.ToString());
  const bool same = uuids.size() == numbers_.size() &&
                    std::all_of(uuids.begin(), uuids.end(), [this](const std::string& uuid) {
                      return numbers_.contains(uuid);
                    });
  if (same) return absl::OkStatus();
  ASSIGN_OR_RETURN(numbers_, dependencies_.store->NumberBridges(uuids, kMaxBridgeNumber + 1));
  return absl::OkStatus();
}

// What is not there is left out and comes with its device.
void OvsPorts::ApplyLocal(const Problems& problems) {
  if (const absl::Status status = NumberBridges(); !status.ok()) {
    spdlog::warn("local ports: {}", Message(status));
    return;
  }
  LocalState local;
  std::set<PortId> taken;
  local_ids_.clear();
  for (const auto& [bridge_name, bridge] : config_.bridges) {
    std::vector<LocalPort> ports;
    for (const auto& [name, interface] : bridge.interfaces) {
      if (!RefusalOf(interface).empty()) continue;
      if (!IsPlain(interface)) {
        local.limits[interface.Id()] = {.ingress = interface.policer, .egress = interface.shaper};
      } else if (!problems.contains(name)) {
        ports.push_back(LocalPortOf(interface, &taken));
      }
    }
    AddLocalBridge(numbers_.at(bridge.uuid.ToString()), bridge, ports, &local);
  }
  if (said_local_ && local == local_) return;
  said_local_ = true;
  local_ = std::move(local);
  RunOn(dependencies_.reconciler_executor, [this] { dependencies_.reconciler->SetLocal(local_); });
}

// An iface-id without a profile is a label, which several interfaces may have.
LocalPort OvsPorts::LocalPortOf(const InterfaceConfig& interface, std::set<PortId>* taken) {
  const PortId id = taken->insert(interface.Id()).second ? interface.Id() : interface.RowId();
  local_ids_.emplace(interface.name, id);
  const bool internal = interface.type == kInternal;
  return {.id = id,
          .interface = &interface,
          .device = DeviceOf(interface),
          .mac = internal ? HostEndMac(interface, devices_) : std::nullopt};
}

// Devices come by the hundred: one look for all that changed before it.
void OvsPorts::DeviceChanged() {
  if (look_posted_.exchange(true)) return;
  dependencies_.executor->Post([this, alive = alive_] {
    if (!*alive) return;
    look_posted_ = false;
    if (!has_config_) return;
    guests_.Retry();
    Look();
  });
}

void OvsPorts::ScheduleLook() {
  dependencies_.executor->PostAfter(kLookInterval, [this, alive = alive_] {
    if (!*alive) return;
    if (has_config_ && !config_.bridges.empty()) {
      // What kept a device from being a port may be gone without a word.
      guests_.Retry();
      Look();
    }
    ScheduleLook();
  });
}

absl::Status OvsPorts::ReadDevices() {
  ASSIGN_OR_RETURN(const auto listed, dependencies_.counters->Read());
  devices_.clear();
  for (const sys::CountedDevice& device : listed) devices_.emplace(device.link.name, device);
  return absl::OkStatus();
}

// A host has more devices than a client plugs at once, and somebody waits for the answer.
absl::Status OvsPorts::ReadChangedDevices(const ovs::SwitchConfig& before) {
  std::set<std::string> names;
  for (const auto& [bridge_name, bridge] : config_.bridges) {
    const auto known = before.bridges.find(bridge_name);
    for (const auto& [name, interface] : bridge.interfaces) {
      if (known != before.bridges.end()) {
        const auto same = known->second.interfaces.find(name);
        if (same != known->second.interfaces.end() && same->second == interface) continue;
      }
      names.insert({name, DeviceOf(interface)});
    }
  }
  if (devices_.empty() || names.size() > kFewDevices) return ReadDevices();
  for (const std::string& name : names) {
    const auto device = dependencies_.counters->Read(name);
    if (device.ok()) {
      devices_.insert_or_assign(name, *device);
    } else if (absl::IsNotFound(device.status())) {
      devices_.erase(name);
    } else {
      return device.status();
    }
  }
  return absl::OkStatus();
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

void OvsPorts::Look() { Tell(ReadDevices()); }

// A look that fails changes nothing.
void OvsPorts::Tell(absl::Status looked) {
  if (looked.ok()) looked = ApplyAndReport();
  if (!looked.ok()) spdlog::warn("ports of the Open_vSwitch database: {}", Message(looked));
}

absl::Status OvsPorts::ApplyAndReport() {
  ASSIGN_OR_RETURN(const Problems problems, FindLocalProblems());
  ApplyLocal(problems);
  const Ports ports = ReadPorts();
  ovs::SwitchReport report;
  report.next_cfg = config_.next_cfg;
  report.serial = config_.serial;
  for (const auto& [bridge_name, bridge] : config_.bridges) {
    for (const auto& [name, interface] : bridge.interfaces) {
      report.interfaces.emplace(name, ReportOf(interface, problems, ports));
    }
  }
  const std::lock_guard lock(mutex_);
  if (observer_) observer_(std::move(report));
  return absl::OkStatus();
}

// Of what is not served there is no device to show, nor a number (as Open vSwitch has it).
InterfaceReport OvsPorts::ReportOf(const InterfaceConfig& interface, const Problems& problems,
                                   const Ports& ports) {
  InterfaceReport report;
  report.error = RefusalOf(interface);
  if (!report.error.empty()) return report;
  if (const auto device = devices_.find(interface.name); device != devices_.end()) {
    report.device = FactsOf(device->second);
  }
  if (!interface.qos_note.empty()) report.notes["qos"] = interface.qos_note;
  const OvsGuest* const guest = guests_.Find(interface.name);
  if (IsPlain(interface)) {
    const auto problem = problems.find(interface.name);
    if (problem != problems.end()) report.error = problem->second;
    const auto id = local_ids_.find(interface.name);
    if (id != local_ids_.end() && ports.local_problems.contains(id->second)) {
      report.error = ports.local_problems.at(id->second);
    }
  } else if (guest != nullptr) {
    const auto view = ports.views.find(guest->id);
    const bool here = view != ports.views.end() && guest->error.empty();
    DescribeGuest(*guest, here ? &view->second : nullptr, interface, &report);
    const auto problem = problems.find(interface.name);
    if (problem != problems.end()) report.error = problem->second;
    if (here) report.port_data = dependencies_.ports->PortDataOf(guest->id);
  }
  const bool refused = IsPlain(interface) || (guest != nullptr && !guest->error.empty());
  if (refused && !report.error.empty()) report.device.reset();
  return report;
}

void OvsPorts::TakePortData(const PortId& id, const std::string& data) {
  dependencies_.reconciler_executor->Post([reconciler = dependencies_.reconciler, id, data] {
    const absl::Status status = reconciler->TakePortData(id, data);
    if (!status.ok()) spdlog::info("port {}: {}", id.ToString(), Message(status));
  });
}

}  // namespace outrider::agent
