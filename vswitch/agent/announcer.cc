#include "vswitch/agent/announcer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace outrider::agent {
namespace {

using NeighborIps = Announcer::NeighborIps;

NeighborIps NeighborsOf(const state::Port& port, const state::HostState& in_force) {
  NeighborIps ips;
  for (const Vni& vni : state::SegmentsOf(port)) {
    const state::NeighborKey first{.vni = vni, .ip = IpAddress()};
    for (auto row = in_force.neighbors.lower_bound(first);
         row != in_force.neighbors.end() && row->first.vni == vni; ++row) {
      if (row->second == port.mac) ips[{vni, port.mac}].insert(row->first.ip);
    }
  }
  return ips;
}

NeighborIps AllNeighbors(const state::HostState& in_force) {
  NeighborIps ips;
  for (const auto& [key, mac] : in_force.neighbors) ips[{key.vni, mac}].insert(key.ip);
  return ips;
}

// Addresses of the port in one of its segments.
std::set<IpAddress> AddressesIn(const Vni& vni, const state::Port& port,
                                const NeighborIps& neighbors, const std::set<IpAddress>& ips) {
  std::set<IpAddress> addresses;
  // Addresses live where untagged frames go.
  if (port.vni == vni) addresses = ips;
  if (const auto known = neighbors.find({vni, port.mac}); known != neighbors.end()) {
    addresses.insert(known->second.begin(), known->second.end());
  }
  // An advertisement says of its sender that it is no router (RFC 4861, 7.2.5): not of one that may
  // be.
  if (!port.ra_guard) std::erase_if(addresses, [](const IpAddress& ip) { return !ip.IsV4(); });
  return addresses;
}

}  // namespace

void Announcer::Announce(const PortId& id, const state::HostState& in_force,
                         const std::set<IpAddress>& ips) {
  Forget(id);
  const auto port = in_force.ports.find(id);
  if (port == in_force.ports.end()) return;
  Begin(id, FramesOf(port->second, in_force, NeighborsOf(port->second, in_force), ips));
}

void Announcer::AnnounceBehind(const std::string& device, const std::map<PortId, Ips>& ports,
                               const state::HostState& in_force) {
  const NeighborIps neighbors = AllNeighbors(in_force);
  for (const auto& [id, ips] : ports) {
    const auto port = in_force.ports.find(id);
    if (port == in_force.ports.end() || !IsBehind(device, port->second, in_force)) continue;
    Forget(id);
    Begin(id, FramesOf(port->second, in_force, neighbors, ips));
  }
}

void Announcer::Begin(const PortId& id, const Round& round) {
  if (round->empty()) return;
  rounds_[id] = round;
  for (const Executor::Duration time : kTimes) {
    executor_->PostAfter(time, [this, id, round] { Enqueue(id, round); });
  }
}

const std::string* Announcer::DeviceOf(const Vni& vni, const state::HostState& in_force) const {
  const auto segment = in_force.segments.find(vni);
  if (segment == in_force.segments.end() || !segment->second.provider) return nullptr;
  const auto device = uplinks_.find(segment->second.provider->uplink);
  return device == uplinks_.end() ? nullptr : &device->second;
}

bool Announcer::IsBehind(const std::string& device, const state::Port& port,
                         const state::HostState& in_force) const {
  const std::set<Vni> segments = state::SegmentsOf(port);
  return std::any_of(segments.begin(), segments.end(), [&](const Vni& vni) {
    const std::string* const uplink = DeviceOf(vni, in_force);
    return uplink != nullptr && *uplink == device;
  });
}

Announcer::Round Announcer::FramesOf(const state::Port& port, const state::HostState& in_force,
                                     const NeighborIps& neighbors, const Ips& ips) const {
  auto frames = std::make_shared<std::vector<Addressed>>();
  // Whoever is behind it speaks for himself.
  if (port.mac.IsZero()) return frames;
  for (const Vni& vni : state::SegmentsOf(port)) {
    const std::string* const device = DeviceOf(vni, in_force);
    if (device == nullptr) continue;
    const uint16_t vlan = in_force.segments.at(vni).provider->vlan;
    frames->push_back({*device, ReverseArp(port.mac, vlan)});
    for (const IpAddress& ip : AddressesIn(vni, port, neighbors, ips)) {
      frames->push_back({*device, AddressAnnouncement(port.mac, ip, vlan)});
    }
  }
  return frames;
}

void Announcer::Enqueue(const PortId& id, const Round& round) {
  queue_.push_back({.id = id, .round = round});
  SendQueued();
}

void Announcer::SendQueued() {
  while (left_ > 0 && !queue_.empty()) {
    Pending& pending = queue_.front();
    const auto present = rounds_.find(pending.id);
    const bool wanted = present != rounds_.end() && present->second == pending.round;
    if (!wanted || pending.next == pending.round->size()) {
      queue_.pop_front();
      continue;
    }
    Send((*pending.round)[pending.next++]);
    --left_;
  }
  if (left_ == kBurst || refilling_) return;
  refilling_ = true;
  executor_->PostAfter(kBurstGap, [this] {
    refilling_ = false;
    left_ = kBurst;
    SendQueued();
  });
}

// There are more rounds, and the guest's own frames: a lost one is no reason for more.
void Announcer::Send(const Addressed& frame) {
  const absl::Status status = sender_->Send(frame.device, frame.frame);
  if (!status.ok()) spdlog::debug("announcement: {}", Message(status));
}

}  // namespace outrider::agent
