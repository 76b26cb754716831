#include "vswitch/agent/ovs_guests.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <set>
#include <utility>

namespace outrider::agent {
namespace {

// Whether there is nothing to do for a guest of the same row.
bool IsAsBefore(const OvsGuest& known, const OvsGuest& guest, const state::Attachments& attached) {
  if (!known.error.empty() || !guest.error.empty()) return false;
  if (!(known.attachment == guest.attachment)) return false;
  const auto held = attached.find(guest.id);
  return known.plain || (held != attached.end() && held->second.device == guest.attachment.device);
}

}  // namespace

std::string NoDevice(const std::string& name) {
  return fmt::format("could not open network device {} (No such device)", name);
}

void OvsGuests::Apply(const std::map<std::string, OvsGuest>& wanted) {
  const state::Attachments attached = DetachOthers(wanted);
  std::map<std::string, OvsGuest> fresh;
  for (const auto& [interface, guest] : wanted) {
    const auto known = guests_.find(interface);
    const bool same_row = known != guests_.end() && known->second.row == guest.row;
    if (same_row && IsAsBefore(known->second, guest, attached)) continue;
    OvsGuest& entry = fresh.emplace(interface, guest).first->second;
    if (same_row && known->second.plain) entry.plain = guest.attachment.KnownOnly();
  }
  Attach(std::move(fresh));
}

// Also what an agent that died in between had attached for a row that is gone.
state::Attachments OvsGuests::DetachOthers(const std::map<std::string, OvsGuest>& wanted) {
  std::set<std::pair<PortId, std::string>> stay;
  for (const auto& [interface, guest] : wanted) stay.emplace(guest.id, guest.attachment.device);
  state::Attachments attached = RunOn(dependencies_.reconciler_executor,
                                      [this] { return dependencies_.reconciler->attachments(); });
  std::erase_if(attached, [&](const auto& entry) {
    const auto& [id, attachment] = entry;
    if (attachment.owner != state::AttachmentOwner::kOvsdb) return true;
    if (stay.contains({id, attachment.device})) return false;
    const absl::Status status = dependencies_.ports->Detach(id, state::AttachmentOwner::kOvsdb);
    if (!status.ok()) spdlog::warn("interface {}: {}", attachment.device, Message(status));
    return true;
  });
  std::erase_if(guests_, [&](const auto& entry) {
    const auto found = wanted.find(entry.first);
    return found == wanted.end() || found->second.id != entry.second.id;
  });
  return attached;
}

void OvsGuests::Retry() {
  std::map<std::string, OvsGuest> failed;
  for (const auto& [interface, guest] : guests_) {
    if (guest.error.empty() || guest.attachment.mac.IsZero()) continue;
    failed.emplace(interface, guest).first->second.error.clear();
  }
  Attach(std::move(failed));
}

const OvsGuest* OvsGuests::Find(const std::string& interface) const {
  const auto found = guests_.find(interface);
  return found == guests_.end() ? nullptr : &found->second;
}

void OvsGuests::Attach(std::map<std::string, OvsGuest> guests) {
  state::Attachments attachments;
  for (const auto& [interface, guest] : guests) {
    if (guest.error.empty() && !guest.plain) attachments.emplace(guest.id, guest.attachment);
  }
  const auto results = attachments.empty() ? std::map<PortId, absl::Status>()
                                           : dependencies_.ports->AttachAll(attachments);
  for (auto& [interface, guest] : guests) {
    const auto result = results.find(guest.id);
    if (result == results.end() || !(attachments.at(guest.id) == guest.attachment)) {
      if (guest.error.empty() && !guest.plain) guest.error = "its iface-id is another interface's";
    } else if (!result->second.ok()) {
      guest.error =
          absl::IsNotFound(result->second) ? NoDevice(interface) : Message(result->second);
    }
    guest.pending = guest.error.empty() && !guest.plain;
    OvsGuest& entry = guests_[interface];
    if (entry.wait != 0) CancelWait(entry.wait);
    entry = guest;
    entry.attempt = next_attempt_++;
    entry.wait = 0;
    if (entry.pending) StartWaiting(interface, &entry);
  }
}

void OvsGuests::StartWaiting(const std::string& interface, OvsGuest* guest) {
  Listen(interface, guest);
  dependencies_.executor->PostAfter(dependencies_.patience,
                                    [this, alive = alive_, token = guest->wait] {
                                      if (*alive) CancelWait(token);
                                    });
}

void OvsGuests::CancelWait(uint64_t token) {
  dependencies_.reconciler_executor->Post(
      [reconciler = dependencies_.reconciler, token] { reconciler->CancelWait(token); });
}

void OvsGuests::Listen(const std::string& interface, OvsGuest* guest) {
  const auto settle = [this, executor = dependencies_.executor, alive = alive_, interface,
                       attempt = guest->attempt](const absl::Status& status) {
    executor->Post([this, alive, interface, attempt, status] {
      if (*alive) Settle(interface, attempt, status);
    });
  };
  guest->wait = RunOn(dependencies_.reconciler_executor, [this, id = guest->id, &settle] {
    return dependencies_.reconciler->WaitInForce(id, settle);
  });
}

void OvsGuests::Settle(const std::string& interface, uint64_t attempt, const absl::Status& status) {
  const auto found = guests_.find(interface);
  if (found == guests_.end() || found->second.attempt != attempt) return;
  OvsGuest& guest = found->second;
  guest.pending = false;
  guest.wait = 0;
  // The controller may answer yet, and say that it does not know the port.
  if (absl::IsDeadlineExceeded(status)) Listen(interface, &guest);
  if (absl::IsNotFound(status)) {
    guest.plain = true;
    const absl::Status detached =
        dependencies_.ports->Detach(guest.id, state::AttachmentOwner::kOvsdb);
    if (!detached.ok()) spdlog::warn("interface {}: {}", interface, Message(detached));
  }
  dependencies_.changed();
}

}  // namespace outrider::agent
