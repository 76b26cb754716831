#include "vswitch/agent/ovs_guests.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace outrider::agent {

std::string NoDevice(const std::string& name) {
  return fmt::format("could not open network device {} (No such device)", name);
}

void OvsGuests::Apply(const std::map<std::string, OvsGuest>& wanted) {
  DetachOthers(wanted);
  std::map<std::string, OvsGuest> fresh;
  for (const auto& [interface, guest] : wanted) {
    const auto known = guests_.find(interface);
    const bool same = known != guests_.end() && known->second.error.empty() &&
                      guest.error.empty() && known->second.attachment == guest.attachment;
    if (same) continue;
    OvsGuest& entry = fresh.emplace(interface, guest).first->second;
    if (known != guests_.end() && known->second.plain) entry.plain = guest.attachment.KnownOnly();
  }
  Attach(std::move(fresh));
}

// Also what an agent that died in between had attached for a row that is gone.
void OvsGuests::DetachOthers(const std::map<std::string, OvsGuest>& wanted) {
  std::map<PortId, std::string> stay;
  for (const auto& [interface, guest] : wanted) stay.emplace(guest.id, interface);
  const state::Attachments attached = RunOn(dependencies_.reconciler_executor, [this] {
    return dependencies_.reconciler->attachments();
  });
  for (const auto& [id, attachment] : attached) {
    if (attachment.owner != state::AttachmentOwner::kOvsdb) continue;
    const auto kept = stay.find(id);
    if (kept != stay.end() && kept->second == attachment.device) continue;
    if (const absl::Status status = dependencies_.ports->Detach(id, state::AttachmentOwner::kOvsdb);
        !status.ok()) {
      spdlog::warn("interface {}: {}", attachment.device, Message(status));
    }
  }
  std::erase_if(guests_, [&](const auto& entry) {
    const auto found = wanted.find(entry.first);
    return found == wanted.end() || found->second.id != entry.second.id;
  });
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
    guests_.insert_or_assign(interface, guest);
    if (guest.pending) WaitFor(interface, guest.id);
  }
}

void OvsGuests::WaitFor(const std::string& interface, const PortId& id) {
  const auto settle = [this, executor = dependencies_.executor, alive = alive_, interface,
                       id](const absl::Status& status) {
    executor->Post([this, alive, interface, id, status] {
      if (*alive) Settle(interface, id, status);
    });
  };
  const uint64_t token = RunOn(dependencies_.reconciler_executor,
                               [&] { return dependencies_.reconciler->WaitInForce(id, settle); });
  dependencies_.executor->PostAfter(kPatience, [this, alive = alive_, token] {
    if (!*alive) return;
    dependencies_.reconciler_executor->Post(
        [reconciler = dependencies_.reconciler, token] { reconciler->CancelWait(token); });
  });
}

void OvsGuests::Settle(const std::string& interface, const PortId& id, const absl::Status& status) {
  const auto guest = guests_.find(interface);
  if (guest == guests_.end() || guest->second.id != id || !guest->second.pending) return;
  guest->second.pending = false;
  if (absl::IsNotFound(status)) {
    guest->second.plain = true;
    const absl::Status detached = dependencies_.ports->Detach(id, state::AttachmentOwner::kOvsdb);
    if (!detached.ok()) spdlog::warn("interface {}: {}", interface, Message(detached));
  }
  dependencies_.changed();
}

}  // namespace outrider::agent
