#include "vswitch/agent/guest_watch.h"

#include <utility>

namespace outrider::agent {

absl::StatusOr<std::unique_ptr<GuestWatch>> GuestWatch::Create(const std::string& libvirt,
                                                               Tell tell, WallClock clock) {
  std::unique_ptr<GuestWatch> watch(new GuestWatch(libvirt, std::move(tell), std::move(clock)));
  ASSIGN_OR_RETURN(watch->loop_, stream::PollLoop::Create());
  watch->loop_->Start("guest-watch");
  return watch;
}

GuestWatch::~GuestWatch() {
  if (loop_ == nullptr) return;
  loop_->RunOn([this] {
    domains_.reset();
    qmp_.clear();
  });
  loop_->Stop();
}

void GuestWatch::Follow(const state::Attachments& attachments) {
  {
    const std::lock_guard lock(mutex_);
    attachments_ = attachments;
  }
  loop_->Post([this] {
    FollowSockets();
    // Not before: it tells at once how its domains are, and nobody would be concerned.
    if (libvirt_.empty() || domains_ != nullptr) return;
    domains_ = libvirt::DomainWatch::Create(
        libvirt_, [this](const libvirt::DomainEvent& event) { OnDomain(event); });
  });
}

void GuestWatch::AskWhoPaused() {
  loop_->Post([this] {
    if (domains_ != nullptr) domains_->AskWhoPaused();
  });
}

void GuestWatch::AskUsedIndex(const PortId& id, UsedIndexDone done) {
  loop_->Post([this, id, done = std::move(done)]() mutable {
    const auto attachment = AttachmentOf(id);
    if (!attachment) return;
    const auto guest = qmp_.find(attachment->qmp);
    if (guest != qmp_.end()) guest->second->AskUsedIndex(attachment->mac, std::move(done));
  });
}

void GuestWatch::AskAnew(const PortId& id) {
  loop_->Post([this, id] {
    const auto attachment = AttachmentOf(id);
    if (!attachment) return;
    const auto guest = qmp_.find(attachment->qmp);
    if (guest != qmp_.end()) guest->second->AskAnew();
    if (domains_ != nullptr && !attachment->vm_id.empty()) domains_->TellAnew();
  });
}

std::optional<state::Attachment> GuestWatch::AttachmentOf(const PortId& id) {
  const std::lock_guard lock(mutex_);
  const auto attachment = attachments_.find(id);
  if (attachment == attachments_.end()) return std::nullopt;
  return attachment->second;
}

void GuestWatch::FollowSockets() {
  std::set<std::string> paths;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, attachment] : attachments_) {
      if (!attachment.qmp.empty()) paths.insert(attachment.qmp);
    }
  }
  std::erase_if(qmp_, [&](const auto& entry) { return !paths.contains(entry.first); });
  for (const std::string& path : paths) {
    if (qmp_.contains(path)) continue;
    const auto tell = [this, path](bool runs, const GuestWord& word) {
      TellOf([&path](const state::Attachment& attachment) { return attachment.qmp == path; }, runs,
             word);
    };
    qmp_.emplace(path, std::make_unique<QmpGuest>(loop_.get(), path, tell, clock_));
  }
}

// libvirt's own add-port names a VM by its uuid, people by its name.
void GuestWatch::OnDomain(const libvirt::DomainEvent& event) {
  TellOf(
      [&event](const state::Attachment& attachment) {
        return !attachment.vm_id.empty() &&
               (attachment.vm_id == event.uuid || attachment.vm_id == event.name);
      },
      event.kind == libvirt::DomainEvent::Kind::kRuns, {kLibvirtTrigger, clock_()});
}

void GuestWatch::TellOf(const std::function<bool(const state::Attachment&)>& concerns, bool runs,
                        const GuestWord& word) {
  std::set<PortId> ports;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, attachment] : attachments_) {
      if (concerns(attachment)) ports.insert(id);
    }
  }
  if (!ports.empty()) tell_(ports, runs, word);
}

}  // namespace outrider::agent
