// What agents report of ports that move, as inputs of their migrations.
#include <set>
#include <utility>

#include "controller/migration/admission.h"
#include "controller/migration/driver.h"
#include "controller/migration/fights.h"
#include "controller/model/names.h"
#include "controller/store/unplanned_moves.h"

namespace outrider::controller {
namespace {

// What an activation says of the guest; from a peer, so only what is known.
std::string TriggerOf(const v1::PortEvent& event) {
  static const std::set<std::string> kKnown{
      "first-frame", kPortDataTrigger, "qmp",      "libvirt",
      "api",         "frame",          "departed", "tap-features"};
  return kKnown.contains(event.trigger()) ? event.trigger() : std::string();
}

SourceEvent::Kind SourceKindOf(v1::PortEvent::Kind kind) {
  if (kind == v1::PortEvent::KIND_PAUSED) return SourceEvent::Kind::kPaused;
  return kind == v1::PortEvent::KIND_RESUMED ? SourceEvent::Kind::kResumed
                                             : SourceEvent::Kind::kRedirected;
}

std::vector<MigrationInput> InputsOf(const std::string& host, const std::string& port,
                                     const v1::PortEvent& event, const Peers& peers) {
  switch (event.kind()) {
    case v1::PortEvent::KIND_ATTACHED:
      return {AttachedEvent{host, port, event.time_us()}};
    case v1::PortEvent::KIND_DETACHED:
      return {DetachedEvent{host, port, event.time_us(), peers}};
    case v1::PortEvent::KIND_FIRST_FRAME:
      return {ActivationEvent{host, port, event.epoch(), event.time_us(), true, peers}};
    case v1::PortEvent::KIND_ACTIVATED:
      return {ActivationEvent{host, port, event.epoch(), event.time_us(), false, peers,
                              TriggerOf(event)}};
    case v1::PortEvent::KIND_PAUSED:
    case v1::PortEvent::KIND_RESUMED:
    case v1::PortEvent::KIND_REDIRECTED:
      return {SourceEvent{SourceKindOf(event.kind()), host, port, event.migration_id(),
                          event.time_us(), TriggerOf(event)}};
    case v1::PortEvent::KIND_LOADED:
      return {
          LoadedEvent{host, port, event.migration_id(), event.time_us(), TriggerOf(event), peers}};
    default:
      return {};
  }
}

}  // namespace

absl::Status MigrationDriver::OnReceipt(const std::string& host, const v1::PortReceipt& given) {
  v1::PortReceipt receipt = given;
  receipt.set_host(host);
  const std::string id = repository_->Read([&](const Model& model) {
    const v1::Migration* migration = model.RunningMigrationOf(receipt.port_id());
    const bool concerned = migration != nullptr && migration->destination() == host;
    return concerned ? migration->meta().name() : std::string();
  });
  if (id.empty()) return absl::OkStatus();
  {
    const std::lock_guard lock(mutex_);
    receipts_[id].insert_or_assign(receipt.port_id(), receipt);
  }
  // A profile may have changed a moment ago: judge the receipt by what holds now.
  return Feed(id, [this](const Model& model,
                         const v1::Migration& migration) { return Reassess(model, migration); })
      .status();
}

absl::Status MigrationDriver::OnPortEvent(const std::string& host, const v1::PortEvent& event) {
  const std::string port =
      ToLower(event.port_id().empty() ? event.attachment().port_id() : event.port_id());
  RETURN_IF_ERROR(ForgiveFormer(host, port, event.kind()));
  return FeedPort(port, [&](const Model& model, const v1::Migration& migration) {
    return InputsOf(host, port, event, ConnectedPeers(model, migration));
  });
}

absl::Status MigrationDriver::OnMoveReport(const std::string& host, const v1::MoveReport& report) {
  const std::string port = ToLower(report.port_id());
  const bool concerns = repository_->Read([&](const Model& model) {
    return model.index().moves_of_port_at.Get(PairKey(port, host)).contains(report.migration_id());
  });
  if (!concerns) return absl::OkStatus();
  const auto fed = Feed(report.migration_id(), [&](const Model&, const v1::Migration&) {
    return std::vector<MigrationInput>{MoveCountsEvent{host, port, report.counters()}};
  });
  // It may be deleted at any moment once it has ended.
  return absl::IsNotFound(fed.status()) ? absl::OkStatus() : fed.status();
}

absl::Status MigrationDriver::OnProbeReport(const std::string& host,
                                            const v1::ProbeReport& report) {
  const std::string& id = report.migration_id();
  const bool concerns = repository_->Read([&](const Model& model) {
    const v1::Migration* migration = model.Find<v1::Migration>(id);
    return migration != nullptr && migration->probe_host() == host;
  });
  if (!concerns) return absl::OkStatus();
  v1::ProbeResult result = report.result();
  result.set_port_id(ToLower(result.port_id()));
  result.set_from_port_id(ToLower(result.from_port_id()));
  const auto fed = Feed(id, [&](const Model&, const v1::Migration&) {
    return std::vector<MigrationInput>{ProbeEvent{host, result}};
  });
  // It may be deleted at any moment once it has ended.
  return absl::IsNotFound(fed.status()) ? absl::OkStatus() : fed.status();
}

// A hypervisor takes the source's device out when the move is long over.
absl::Status MigrationDriver::ForgiveFormer(const std::string& host, const std::string& port_id,
                                            v1::PortEvent::Kind kind) {
  if (kind != v1::PortEvent::KIND_DETACHED && kind != v1::PortEvent::KIND_PAUSED) {
    return absl::OkStatus();
  }
  const auto times = repository_->Read([&](const Model& model) {
    const v1::Port* port = model.Find<v1::Port>(port_id);
    const bool counted = port != nullptr && !port->unplanned_moves_us().empty();
    return counted ? MovesFrom(model, host, port_id) : std::vector<int64_t>();
  });
  return times.empty() ? absl::OkStatus() : ForgiveMoves(repository_, port_id, times);
}

}  // namespace outrider::controller
