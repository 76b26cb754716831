#include "vswitch/agent/port_reports.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <tuple>

#include "vswitch/agent/desired_state.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

const char* Name(state::PortPhase phase) {
  switch (phase) {
    case state::PortPhase::kArmed:
      return "armed";
    case state::PortPhase::kActive:
      return "active";
    case state::PortPhase::kDeparted:
      return "departed";
    case state::PortPhase::kBlocked:
      break;
  }
  return "blocked";
}

bool SameStatement(const PortReceipt& a, const PortReceipt& b) {
  return std::tie(a.profile_revision, a.digest, a.phase, a.epoch, a.migration_id) ==
         std::tie(b.profile_revision, b.digest, b.phase, b.epoch, b.migration_id);
}

bool SameFailures(const std::vector<datapath::ObjectFailure>& a,
                  const std::vector<datapath::ObjectFailure>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.kind == y.kind && x.key == y.key && x.status == y.status;
  });
}

}  // namespace

void PortReports::Tell(const PortEvent& event) {
  if (observer_ != nullptr) observer_->OnPortEvent(event);
}

void PortReports::Attached(const PortId& id, const state::Attachment& attachment, bool claim) {
  departed_.erase(id);
  Tell({.kind = PortEvent::Kind::kAttached,
        .port = id,
        .attachment = attachment,
        .epoch = {},
        .time_us = clock_(),
        .ether_type = 0,
        .claim = claim});
}

void PortReports::Detached(const PortId& id, const std::string& migration_id) {
  const PortEvent event{.kind = PortEvent::Kind::kDetached,
                        .port = id,
                        .attachment = std::nullopt,
                        .epoch = {},
                        .time_us = clock_(),
                        .ether_type = 0};
  if (!migration_id.empty()) departed_.insert_or_assign(id, Departed{migration_id, event});
  Tell(event);
}

PortReceipt PortReports::MakeReceipt(const PortId& id, const state::Port& port,
                                     Generation generation) const {
  return {.port = id,
          .profile = port.profile,
          .profile_revision = port.profile_revision,
          .digest = convert::ReceiptDigest(id, port),
          .phase = port.phase,
          .epoch = port.epoch,
          .migration_id = port.migration_id,
          .generation = generation,
          .time_us = clock_()};
}

void PortReports::InForce(const PortId& id, const state::Port& port, Generation generation,
                          bool known) {
  PortReceipt receipt = MakeReceipt(id, port, generation);
  const auto last = receipts_.find(id);
  if (last != receipts_.end() && SameStatement(last->second, receipt)) return;
  spdlog::info("port {}: {} on {}, {}", id.ToString(), Name(port.phase),
               port.device.value_or("no device yet"),
               state::IsLocal(port) ? "switched among this host's ports"
                                    : fmt::format("epoch {}, profile \"{}\" revision {}",
                                                  static_cast<uint64_t>(port.epoch), port.profile,
                                                  port.profile_revision));
  if (const auto seen = first_frames_.find(id);
      seen != first_frames_.end() && seen->second.epoch != port.epoch) {
    first_frames_.erase(seen);
  }
  receipts_.insert_or_assign(id, receipt);
  if (observer_ != nullptr && known) observer_->OnReceipt(receipt);
}

void PortReports::Gone(const PortId& id) {
  if (receipts_.erase(id) != 0) spdlog::info("port {} removed", id.ToString());
  first_frames_.erase(id);
  openings_.erase(id);
  departed_.erase(id);
}

void PortReports::FirstFrame(const datapath::FirstFrameEvent& frame, Epoch epoch) {
  spdlog::info("port {}: first frame of the guest, ethertype {:#06x}", frame.port.ToString(),
               frame.ether_type);
  const Seen seen{.frame = frame, .epoch = epoch};
  first_frames_.insert_or_assign(frame.port, seen);
  TellFirstFrame(seen);
}

void PortReports::TellFirstFrame(const Seen& seen) {
  Tell({.kind = PortEvent::Kind::kFirstFrame,
        .port = seen.frame.port,
        .attachment = std::nullopt,
        .epoch = seen.epoch,
        .time_us = seen.frame.time_us,
        .ether_type = seen.frame.ether_type});
}

void PortReports::Activated(const PortId& id, Epoch epoch, int64_t time_us,
                            const std::string& trigger) {
  const Opening opening{.epoch = epoch, .time_us = time_us, .trigger = trigger};
  openings_.insert_or_assign(id, opening);
  TellActivated(id, opening);
}

bool PortReports::IsActivated(const PortId& id, Epoch epoch) const {
  const auto opened = openings_.find(id);
  return opened != openings_.end() && opened->second.epoch == epoch;
}

void PortReports::TellActivated(const PortId& id, const Opening& opening) {
  Tell({.kind = PortEvent::Kind::kActivated,
        .port = id,
        .attachment = std::nullopt,
        .epoch = opening.epoch,
        .time_us = opening.time_us,
        .ether_type = 0,
        .trigger = opening.trigger});
}

void PortReports::Applied(Generation generation,
                          const std::vector<datapath::ObjectFailure>& failures) {
  if (acknowledged_ && acknowledged_->generation == generation &&
      SameFailures(acknowledged_->failures, failures)) {
    return;
  }
  acknowledged_ = {.generation = generation, .failures = failures, .time_us = clock_()};
  if (observer_ != nullptr) observer_->OnAcknowledgement(*acknowledged_);
}

void PortReports::Repeat(const state::HostState& controller, const state::HostState& applied,
                         Generation generation) {
  if (observer_ == nullptr) return;
  for (const auto& [id, port] : controller.ports) {
    // That a session begins without the device says nothing of one that is still to come.
    const auto departed = departed_.find(id);
    if (departed != departed_.end() && departed->second.migration_id == port.migration_id) {
      Tell(departed->second.event);
    }
    const auto in_force = applied.ports.find(id);
    if (in_force == applied.ports.end()) continue;
    const auto seen = first_frames_.find(id);
    const bool has_frame = seen != first_frames_.end() && seen->second.epoch == port.epoch;
    if (OpenedItself(port, applied, id)) {
      TellActivated(
          id, IsActivated(id, port.epoch) ? openings_.at(id) : Opening{port.epoch, clock_(), ""});
    }
    if (has_frame && (port.report_first_frame || port.phase == state::PortPhase::kArmed)) {
      TellFirstFrame(seen->second);
    }
    const PortReceipt receipt = MakeReceipt(id, in_force->second, generation);
    receipts_.insert_or_assign(id, receipt);
    observer_->OnReceipt(receipt);
  }
  acknowledged_.reset();
}

}  // namespace outrider::agent
