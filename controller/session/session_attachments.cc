// The devices of a host as its session sees them: brought into the model, refused, tried again.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "controller/model/names.h"
#include "controller/model/one_line.h"
#include "controller/pki/audit.h"
#include "controller/session/session_hub.h"

namespace outrider::controller {
namespace {

// Whether an attachment that was refused for the one may be taken for the other.
bool SameForAttachments(const v1::Port& before, const v1::Port& after) {
  return before.location().host() == after.location().host() && before.mac() == after.mac() &&
         before.profile() == after.profile() && before.frozen_us() == after.frozen_us() &&
         std::equal(before.ips().begin(), before.ips().end(), after.ips().begin(),
                    after.ips().end());
}

// The port itself, or one that may have given up its address.
bool MayHelp(const v1::Port* before, const v1::Port* after, const v1::PortAttachment& attachment) {
  if (before == nullptr) return after->meta().name() == attachment.port_id();
  if (after != nullptr && SameForAttachments(*before, *after)) return false;
  return before->meta().name() == attachment.port_id() ||
         before->mac() == CanonicalMac(attachment.mac()) ||
         (!before->ips().empty() && !attachment.ips().empty());
}

// Only its begin and its end say anything of who may have a port.
bool MayHelp(const v1::Migration* before, const v1::Migration* after,
             const v1::PortAttachment& attachment) {
  const bool ran = before != nullptr && IsRunning(*before);
  const bool runs = after != nullptr && IsRunning(*after);
  if (ran == runs) return false;
  const auto& ports = (after != nullptr ? after : before)->port_ids();
  return std::find(ports.begin(), ports.end(), attachment.port_id()) != ports.end();
}

// What the agent says of its host decides which segments it carries, itself and beside others.
bool MayHelp(const v1::Host* before, const v1::Host* after) {
  const v1::Host none;
  const v1::Host& a = before != nullptr ? *before : none;
  const v1::Host& b = after != nullptr ? *after : none;
  return a.underlay_mtu() != b.underlay_mtu() ||
         !std::equal(a.vteps().begin(), a.vteps().end(), b.vteps().begin(), b.vteps().end()) ||
         !std::equal(a.uplinks().begin(), a.uplinks().end(), b.uplinks().begin(),
                     b.uplinks().end());
}

// Whether a refused attachment may fare better after the change.
bool MayHelp(const Change& change, const v1::PortAttachment& attachment) {
  switch (change.kind) {
    case Kind::kProfile:
    case Kind::kSegment:
    case Kind::kGateway:
      return true;
    case Kind::kHost:
      return MayHelp(change.Before<v1::Host>(), change.After<v1::Host>());
    case Kind::kPort:
      return MayHelp(change.Before<v1::Port>(), change.After<v1::Port>(), attachment);
    case Kind::kMigration:
      return MayHelp(change.Before<v1::Migration>(), change.After<v1::Migration>(), attachment);
    default:
      return false;
  }
}

bool MayHelp(const std::vector<ChangeSet>& sets, const v1::PortAttachment& attachment) {
  return std::any_of(sets.begin(), sets.end(), [&](const ChangeSet& set) {
    return std::any_of(set.changes.begin(), set.changes.end(),
                       [&](const Change& change) { return MayHelp(change, attachment); });
  });
}

// The migration that this change aborts; null when it does not.
const v1::Migration* Aborted(const Change& change) {
  if (change.kind != Kind::kMigration) return nullptr;
  const auto* before = change.Before<v1::Migration>();
  const auto* after = change.After<v1::Migration>();
  const bool aborts = before != nullptr && IsRunning(*before) && after != nullptr &&
                      after->phase() == v1::MIGRATION_PHASE_ABORTED;
  return aborts ? after : nullptr;
}

// An alarm: somebody has to look after it.
void AuditFreeze(const Change& change) {
  if (change.kind != Kind::kPort) return;
  const auto* before = change.Before<v1::Port>();
  const auto* after = change.After<v1::Port>();
  const bool was = before != nullptr && before->frozen_us() != 0;
  if (was || after == nullptr || after->frozen_us() == 0) return;
  AuditRefused(fmt::format("further claims of port \"{}\"", after->meta().name()),
               absl::FailedPreconditionError(fmt::format(
                   "hosts fight for it: it is frozen on host \"{}\"; see `outrider port show {}`",
                   after->location().host(), after->meta().name())))
      .IgnoreError();
}

}  // namespace

absl::Status SessionHub::Attach(HostSession& session, const v1::PortAttachment& given,
                                int64_t time_us) {
  v1::PortAttachment attachment = given;
  const std::string port_id = ToLower(given.port_id());
  attachment.set_port_id(port_id);
  const bool unknown = attachment.known_only() && !reports_.Knows(port_id);
  std::string reason = fmt::format("port {} is not known", OneLine(port_id));
  if (!unknown) {
    ASSIGN_OR_RETURN(reason, reports_.Attach(session.host(), attachment, time_us));
  }
  // Answered: tried again, for a reason of ours, it begins no migration.
  attachment.clear_claim();
  if (reason.empty()) {
    session.Accept(attachment);
    return absl::OkStatus();
  }
  const auto known = session.refused().find(port_id);
  const bool fresh = known == session.refused().end();
  if (fresh && session.refused().size() >= kMaxRefused) {
    return AgentsFault(absl::ResourceExhaustedError(
        fmt::format("host \"{}\" has more than {} attachments that were refused; detach those of "
                    "ports that are not its own",
                    session.host(), kMaxRefused)));
  }
  // Who asks whether a port is known does nothing wrong.
  if (!unknown && (fresh || known->second.reason != reason)) {
    AuditRefused(fmt::format("attach port \"{}\" on host \"{}\"", OneLine(port_id), session.host()),
                 absl::PermissionDeniedError(reason))
        .IgnoreError();
  }
  session.Refuse(attachment, reason, unknown);
  return absl::OkStatus();
}

absl::Status SessionHub::Reconcile(HostSession& session, const v1::Hello& hello) {
  std::set<std::string> attached;
  for (const v1::PortAttachment& attachment : hello.attachments()) {
    attached.insert(ToLower(attachment.port_id()));
    RETURN_IF_ERROR(Attach(session, attachment, clock_->NowUs()));
  }
  RETURN_IF_ERROR(reports_.ReleaseMissing(session.host(), attached, clock_->NowUs()));
  session.failing_ports() = reports_.KnownFailures(session.host());
  return absl::OkStatus();
}

void SessionHub::RetryAttachments(const std::vector<ChangeSet>& changes) {
  for (const auto& [id, session] : sessions_) {
    std::vector<v1::PortAttachment> retried;
    for (const auto& [port_id, entry] : session->refused()) {
      if (MayHelp(changes, entry.attachment)) retried.push_back(entry.attachment);
    }
    for (const v1::PortAttachment& attachment : retried) AttachAgain(*session, attachment);
  }
  for (const ChangeSet& set : changes) {
    for (const Change& change : set.changes) {
      if (const v1::Migration* aborted = Aborted(change)) TellDestination(*aborted);
      AuditFreeze(change);
      if (change.kind == Kind::kPort && change.after != nullptr) AskForDevice(change.name);
    }
  }
}

void SessionHub::TellDestination(const v1::Migration& aborted) {
  const auto found = by_host_.find(aborted.destination());
  if (found == by_host_.end()) return;
  HostSession& session = *sessions_.at(found->second);
  for (const std::string& port_id : aborted.port_ids()) {
    const auto device = session.accepted().find(port_id);
    if (device == session.accepted().end()) continue;
    const v1::PortAttachment attachment = device->second;
    AttachAgain(session, attachment);
  }
}

void SessionHub::AskForDevice(const std::string& port_id) {
  const auto place = reports_.PlaceWithoutDevice(port_id);
  if (!place) return;
  for (const auto& [host, id] : by_host_) {
    HostSession& session = *sessions_.at(id);
    const auto found = session.accepted().find(port_id);
    if ((!place->empty() && host != *place) || found == session.accepted().end()) continue;
    const v1::PortAttachment attachment = found->second;
    AttachAgain(session, attachment);
    // Not at the host that the port was taken from.
    if (session.accepted().contains(port_id)) return;
  }
}

void SessionHub::AttachAgain(HostSession& session, const v1::PortAttachment& attachment) {
  const absl::Status status = Attach(session, attachment, clock_->NowUs());
  if (status.ok()) return;
  spdlog::warn("host \"{}\": attach port \"{}\": {}", session.host(), OneLine(attachment.port_id()),
               OneLine(Message(status), kMaxLogged));
}

}  // namespace outrider::controller
