#include "controller/session/port_reports.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <vector>

#include "controller/pki/audit.h"
#include "controller/store/port_location.h"

namespace outrider::controller {
namespace {

// Whether a refusal is about the attachment, and so the agent's to show; else the store failed.
bool IsVerdict(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<std::string> PortReports::Attach(const std::string& host,
                                                const v1::PortAttachment& attachment,
                                                int64_t time_us) {
  const auto binding = BindPort(repository_, host, attachment);
  if (!binding.ok()) {
    if (IsVerdict(binding.status())) return Message(binding.status());
    return binding.status();
  }
  v1::PortEvent event;
  event.set_kind(v1::PortEvent::KIND_ATTACHED);
  event.set_port_id(binding->port.meta().name());
  *event.mutable_attachment() = attachment;
  event.set_time_us(time_us);
  RETURN_IF_ERROR(driver_->OnPortEvent(host, event));
  return std::string();
}

absl::Status PortReports::ReleaseMissing(const std::string& host,
                                         const std::set<std::string>& attached) {
  const auto missing = repository_->Read([&](const Model& model) {
    std::vector<std::string> ports;
    for (const std::string& port_id : model.index().ports_located_at.Get(host)) {
      // A migration moves a port before its device may be there, and decides about it itself.
      if (attached.count(port_id) == 0 && model.RunningMigrationOf(port_id) == nullptr) {
        ports.push_back(port_id);
      }
    }
    return ports;
  });
  for (const std::string& port_id : missing) {
    spdlog::info("host \"{}\": port \"{}\" is no longer attached there; released", host, port_id);
    RETURN_IF_ERROR(UnbindPort(repository_, host, port_id).status());
  }
  return absl::OkStatus();
}

bool PortReports::Holds(const std::string& host, const std::string& port_id) const {
  return repository_->Read([&](const Model& model) {
    const v1::Port* port = model.Find<v1::Port>(port_id);
    return port != nullptr && port->location().host() == host;
  });
}

bool PortReports::MaySpeakOf(const std::string& host, const std::string& port_id) const {
  return repository_->Read([&](const Model& model) {
    const v1::Port* port = model.Find<v1::Port>(port_id);
    if (port == nullptr) return false;
    if (port->location().host() == host) return true;
    const v1::Migration* migration = model.RunningMigrationOf(port_id);
    return migration != nullptr && migration->destination() == host;
  });
}

bool PortReports::IsForeign(const std::string& host, const std::string& port_id,
                            const std::string& what) const {
  if (MaySpeakOf(host, port_id)) return false;
  // After a move the source may still have news of the port under way; that is no offence. A host
  // that is in no migration of it has no business with it.
  const bool former = repository_->Read([&](const Model& model) {
    if (model.Find<v1::Port>(port_id) == nullptr) return true;
    for (const auto& [id, migration] : model.All<v1::Migration>()) {
      if (migration->source() != host && migration->destination() != host) continue;
      for (const std::string& moved : migration->port_ids()) {
        if (moved == port_id) return true;
      }
    }
    return false;
  });
  if (!former) {
    AuditRefused(fmt::format("{} of port \"{}\" by host \"{}\"", what, port_id, host),
                 absl::PermissionDeniedError("the port is not at that host; ignored"))
        .IgnoreError();
  }
  return true;
}

absl::Status PortReports::PortEvent(const std::string& host, const v1::PortEvent& event) {
  if (event.kind() == v1::PortEvent::KIND_DETACHED) {
    // Only the host that holds the port loses it by this, so there is nothing to forge.
    RETURN_IF_ERROR(driver_->OnPortEvent(host, event));
    return UnbindPort(repository_, host, event.port_id()).status();
  }
  if (IsForeign(host, event.port_id(), "event")) return absl::OkStatus();
  return driver_->OnPortEvent(host, event);
}

absl::Status PortReports::Receipt(const std::string& host, v1::PortReceipt receipt) {
  if (!receipt.host().empty() && receipt.host() != host) {
    AuditRefused(fmt::format("receipt of port \"{}\" by host \"{}\"", receipt.port_id(), host),
                 absl::PermissionDeniedError(
                     fmt::format("it speaks for host \"{}\"; ignored", receipt.host())))
        .IgnoreError();
    return absl::OkStatus();
  }
  if (IsForeign(host, receipt.port_id(), "receipt")) return absl::OkStatus();
  receipt.set_host(host);
  RETURN_IF_ERROR(RecordReceipt(repository_, receipt));
  return driver_->OnReceipt(host, receipt);
}

std::set<std::string> PortReports::KnownFailures(const std::string& host) const {
  return repository_->Read([&](const Model& model) {
    std::set<std::string> failing;
    for (const std::string& port_id : model.index().ports_located_at.Get(host)) {
      const v1::Port* port = model.Find<v1::Port>(port_id);
      if (!port->problem().empty() && port->has_receipt()) failing.insert(port_id);
    }
    return failing;
  });
}

absl::Status PortReports::Failures(
    const std::string& host, const google::protobuf::RepeatedPtrField<v1::ObjectFailure>& failures,
    std::set<std::string>* failing) {
  std::set<std::string> now_failing;
  for (const v1::ObjectFailure& failure : failures) {
    if (failure.kind() != "port") {
      spdlog::warn("host \"{}\": {} \"{}\" is not in force: {}", host, failure.kind(),
                   failure.key(), failure.message());
      continue;
    }
    now_failing.insert(failure.key());
    if (!MaySpeakOf(host, failure.key())) continue;
    RETURN_IF_ERROR(RecordProblem(repository_, host, failure.key(), failure.message()));
  }
  for (const std::string& port_id : *failing) {
    if (now_failing.count(port_id) == 0) {
      RETURN_IF_ERROR(RecordProblem(repository_, host, port_id, ""));
    }
  }
  *failing = std::move(now_failing);
  return absl::OkStatus();
}

}  // namespace outrider::controller
