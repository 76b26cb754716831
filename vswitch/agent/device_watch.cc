#include "vswitch/agent/device_watch.h"

#include <spdlog/spdlog.h>

namespace outrider::agent {

std::vector<DeviceChange> DeviceNames::Update(const sys::LinkEvent& event) {
  using Kind = sys::LinkEvent::Kind;
  std::vector<DeviceChange> changes;
  const auto known = seen_.find(event.link.ifindex);
  if (event.kind == Kind::kLinkRemoved && known != seen_.end()) {
    changes.push_back({.device = known->second.name, .kind = DeviceChange::Kind::kGone});
    seen_.erase(known);
  }
  if (event.kind == Kind::kLinkChanged) {
    const Seen now{
        .name = event.link.name, .up = event.link.admin_up, .carrier = event.link.carrier};
    if (known != seen_.end() && known->second.name != now.name) {
      changes.push_back({.device = known->second.name, .kind = DeviceChange::Kind::kGone});
    }
    if (known == seen_.end() || !(known->second == now)) {
      changes.push_back({.device = now.name, .kind = DeviceChange::Kind::kAppeared});
    }
    if (event.features) {
      changes.push_back({.device = now.name, .kind = DeviceChange::Kind::kFeatures});
    }
    seen_[event.link.ifindex] = now;
  }
  return changes;
}

std::vector<DeviceChange> DeviceNames::Replace(const std::vector<sys::Link>& links) {
  std::map<int, Seen> present;
  for (const sys::Link& link : links) {
    present[link.ifindex] = {.name = link.name, .up = link.admin_up, .carrier = link.carrier};
  }
  std::vector<DeviceChange> changes;
  for (const auto& [ifindex, old] : seen_) {
    const auto found = present.find(ifindex);
    if (found == present.end() || found->second.name != old.name) {
      changes.push_back({.device = old.name, .kind = DeviceChange::Kind::kGone});
    }
  }
  for (const auto& [ifindex, now] : present) {
    const auto found = seen_.find(ifindex);
    if (found == seen_.end() || !(found->second == now)) {
      changes.push_back({.device = now.name, .kind = DeviceChange::Kind::kAppeared});
    }
  }
  seen_ = std::move(present);
  return changes;
}

DeviceWatch::DeviceWatch(std::unique_ptr<sys::NetlinkSocket> socket, OnChange on_change)
    : socket_(std::move(socket)), on_change_(std::move(on_change)) {}

absl::StatusOr<std::unique_ptr<DeviceWatch>> DeviceWatch::Create(OnChange on_change) {
  ASSIGN_OR_RETURN(auto socket, sys::NetlinkSocket::Create());
  std::unique_ptr<DeviceWatch> watch(new DeviceWatch(std::move(socket), std::move(on_change)));
  // Events first, then the list: nothing falls between them.
  ASSIGN_OR_RETURN(watch->monitor_,
                   sys::LinkMonitor::Create(
                       [raw = watch.get()](const sys::LinkEvent& event) { raw->Handle(event); }));
  const std::lock_guard lock(watch->mutex_);
  RETURN_IF_ERROR(watch->Resync());
  return watch;
}

void DeviceWatch::Handle(const sys::LinkEvent& event) {
  const std::lock_guard lock(mutex_);
  if (event.kind == sys::LinkEvent::Kind::kResync) {
    if (const absl::Status status = Resync(); !status.ok()) {
      spdlog::error("link events were lost, and the links cannot be listed: {}", Message(status));
    }
    return;
  }
  for (const DeviceChange& change : names_.Update(event)) on_change_(change);
}

absl::Status DeviceWatch::Resync() {
  ASSIGN_OR_RETURN(const std::vector<sys::Link> links, socket_->ListLinks());
  for (const DeviceChange& change : names_.Replace(links)) on_change_(change);
  return absl::OkStatus();
}

}  // namespace outrider::agent
