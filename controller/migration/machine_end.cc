// How a migration ends that does not commit by itself: abort, leases, a destination that is gone.
#include <fmt/format.h>

#include <algorithm>

#include "controller/migration/step.h"

namespace outrider::controller {

// Whether anything says that the guest runs at the destination.
bool Step::GuestSeen() const {
  const v1::Migration& now = outcome_.next;
  if (!now.first_frame_us().empty()) return true;
  return std::any_of(now.timeline().begin(), now.timeline().end(), [&](const auto& event) {
    if (event.host() != now.destination()) return false;
    if (event.kind() == "activated") return IsGuest(event.detail());
    return event.kind() == "switchover" && event.detail() == kGuestDetail;
  });
}

bool Step::DestinationHasIt() const {
  const std::string& destination = outcome_.next.destination();
  return HasAcked(destination) || GuestSeen() ||
         HasEvent(outcome_.next, "activated", destination, "");
}

absl::Status Step::operator()(const AbortEvent& input) {
  if (Is(v1::MIGRATION_PHASE_COMMITTED) || Drains()) {
    return absl::FailedPreconditionError(fmt::format(
        "migration \"{}\" is {}; migrate back to host \"{}\" instead", before_.meta().name(),
        Drains() ? "about to be committed, the guest has moved" : "committed", before_.source()));
  }
  if (!Is(v1::MIGRATION_PHASE_ABORTED)) AbortNow(input.reason);
  return absl::OkStatus();
}

void Step::AbortNow(const std::string& reason) {
  // Before that the ports never left.
  if (Is(v1::MIGRATION_PHASE_SWITCHING)) outcome_.relocation = Relocation::kToSource;
  Record(now_us_, kController, "abort", "", reason);
  next().set_phase(v1::MIGRATION_PHASE_ABORTED);
  next().set_reason(reason);
  Record(now_us_, kController, "aborted", "",
         fmt::format("host \"{}\" {} the ports{}", before_.source(),
                     outcome_.relocation == Relocation::kToSource ? "regains" : "keeps",
                     HasEvent(before_, "detached", before_.source(), "")
                         ? ", but those it has detached"
                         : ""));
}

// A destination opens a port on the guest's first frame without asking: it must have had its say
// before a lease ends a migration. One that does not come back in time has none.
bool Step::LeaseIsOver(const TickEvent& tick) const {
  const HostPresence& destination = tick.destination;
  const int64_t lease_us = before_.lease_expires_us();
  if (now_us_ < lease_us) return false;
  const bool has_had_its_say =
      destination.connected &&
      destination.heard_us >= std::max(lease_us, destination.since_us + tick.times.report_us());
  return has_had_its_say || now_us_ >= std::max(lease_us, tick.started_us) + tick.times.grace_us;
}

// Words of a source overtake those of a destination, and its old ones may come late, in a row, when
// it connects: the last one must have had the time to come. A guest that came back before the
// switchover was known of may have paused once more, and that be the switchover.
bool Step::RunsAtSource(const TickEvent& tick) const {
  if (!SaidToRunAtSource() || !tick.source.connected) return false;
  const int64_t resumed_us = RecordedAt(before_, "resumed");
  const int64_t switched_us = RecordedAt(before_, "switchover");
  const int64_t settle_us =
      resumed_us > switched_us ? kRollbackSettleUs : tick.times.commit_grace_us();
  return now_us_ - std::max({resumed_us, switched_us, tick.source.since_us}) >= settle_us;
}

// Whether a guest that nobody has seen may have come back to a source that has not been able to say
// so yet. One that stays away has no guest.
bool Step::MayRunAtSource(const TickEvent& tick) const {
  if (GuestSeen() || SourceIsGone()) return false;
  const int64_t switched_us = RecordedAt(before_, "switchover");
  const HostPresence& source = tick.source;
  const bool has_had_its_say =
      source.connected
          ? source.heard_us >= std::max(switched_us, source.since_us) + tick.times.report_us()
          : now_us_ - std::max(switched_us, source.since_us) >= tick.times.absence_us;
  return !has_had_its_say || SaidToRunAtSource();
}

// The hypervisor copies memory for as long as it takes; the device it keeps at the destination says
// that it still means to move. Its end is an abort.
bool Step::RenewLease(const TickEvent& tick) {
  const bool wanted = before_.detected() && tick.destination.connected &&
                      now_us_ - tick.destination.heard_us < tick.times.absence_us &&
                      HasEvent(before_, "attached", before_.destination(), "") &&
                      now_us_ - RecordedAt(before_, "intent") < kMaxDetectedUs;
  if (!wanted || before_.lease_expires_us() - now_us_ > tick.times.lease_us / 2) return false;
  next().set_lease_expires_us(now_us_ + tick.times.lease_us);
  outcome_.changed = true;
  return true;
}

absl::Status Step::operator()(const TickEvent& input) {
  if (Is(v1::MIGRATION_PHASE_SWITCHING)) {
    TickSwitching(input);
  } else if (!Expecting()) {
    EndProbes();
  } else if (!RenewLease(input) && LeaseIsOver(input)) {
    Record(now_us_, kController, "lease-expired", "", "");
    AbortNow("lease expired");
  }
  return absl::OkStatus();
}

void Step::TickSwitching(const TickEvent& tick) {
  const HostPresence& destination = tick.destination;
  const int64_t switched_us = RecordedAt(before_, "switchover");
  if (RunsAtSource(tick)) {
    return AbortNow(fmt::format("the guest runs on host \"{}\" again", before_.source()));
  }
  if (Drains()) return CommitWhenDone();
  if (!destination.connected && !GuestSeen()) {
    // Dead before it was activated, as far as anybody knows: the source has the guest.
    if (now_us_ - std::max(destination.since_us, switched_us) < tick.times.absence_us) return;
    return AbortNow(fmt::format("host \"{}\" is gone, and the guest was not seen there",
                                before_.destination()));
  }
  if (now_us_ - switched_us < tick.times.commit_grace_us()) return;
  // A session that is only thought to live says nothing: one that died with its host is noticed
  // late.
  const bool lives = GuestSeen() || destination.heard_us >= switched_us + tick.times.report_us();
  if (HasDrained() && lives && !MayRunAtSource(tick)) {
    return Commit("without a first frame of every port");
  }
  if (now_us_ < before_.lease_expires_us()) return;
  if (DestinationHasIt() && !SaidToRunAtSource()) {
    // The ports have moved; hosts that are silent get the state when they come back.
    Record(now_us_, kController, "lease-expired", "", "");
    Commit("without the acknowledgement of every peer");
  } else if (LeaseIsOver(tick)) {
    Record(now_us_, kController, "lease-expired", "", "");
    AbortNow(fmt::format("host \"{}\" did not put the ports in force", before_.destination()));
  }
}

}  // namespace outrider::controller
