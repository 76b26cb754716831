#include "vswitch/agent/announcer.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace outrider::agent {
namespace {

// Addresses of the port in one of its segments.
std::set<IpAddress> AddressesIn(const Vni& vni, const state::Port& port,
                                const state::HostState& in_force, const std::set<IpAddress>& ips) {
  std::set<IpAddress> addresses;
  // Addresses live where untagged frames go.
  if (port.vni == vni) addresses = ips;
  const state::NeighborKey first{.vni = vni, .ip = IpAddress()};
  for (auto row = in_force.neighbors.lower_bound(first);
       row != in_force.neighbors.end() && row->first.vni == vni; ++row) {
    if (row->second == port.mac) addresses.insert(row->first.ip);
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
  const Round round = FramesOf(port->second, in_force, ips);
  if (round->empty()) return;
  rounds_[id] = round;
  for (const Executor::Duration time : kTimes) {
    executor_->PostAfter(time, [this, id, round] { Enqueue(id, round); });
  }
}

Announcer::Round Announcer::FramesOf(const state::Port& port, const state::HostState& in_force,
                                     const std::set<IpAddress>& ips) const {
  auto frames = std::make_shared<std::vector<Addressed>>();
  for (const Vni& vni : state::SegmentsOf(port)) {
    const auto segment = in_force.segments.find(vni);
    if (segment == in_force.segments.end() || !segment->second.provider) continue;
    const state::Provider& provider = *segment->second.provider;
    const auto device = uplinks_.find(provider.uplink);
    if (device == uplinks_.end()) continue;
    frames->push_back({device->second, ReverseArp(port.mac, provider.vlan)});
    for (const IpAddress& ip : AddressesIn(vni, port, in_force, ips)) {
      frames->push_back({device->second, AddressAnnouncement(port.mac, ip, provider.vlan)});
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
