#include "controller/session/port_reports.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/model/names.h"
#include "controller/model/one_line.h"
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

absl::StatusOr<std::string> Verdict(const absl::Status& status) {
  if (IsVerdict(status)) return Message(status);
  return status;
}

}  // namespace

bool PortReports::Knows(const std::string& port_id) const {
  return repository_->Read(
      [&](const Model& model) { return model.Find<v1::Port>(port_id) != nullptr; });
}

absl::StatusOr<std::string> PortReports::Attach(const std::string& host,
                                                const v1::PortAttachment& given, int64_t time_us) {
  v1::PortAttachment attachment = given;
  // Of the texts that are kept, those nothing else checks. Never cut: one is a key.
  attachment.set_vm_id(OneLine(given.vm_id(), given.vm_id().size()));
  attachment.set_device(OneLine(given.device(), given.device().size()));
  if (given.claim()) {
    const auto begun = driver_->OnClaim(host, attachment, time_us);
    if (!begun.ok()) return Verdict(begun.status());
    if (!begun->empty()) {
      AuditGranted(fmt::format("migration \"{}\" of port \"{}\" to host \"{}\", which attached it",
                               *begun, attachment.port_id(), host));
    }
  }
  const auto binding = BindPort(repository_, host, attachment);
  if (!binding.ok()) return Verdict(binding.status());
  v1::PortEvent event;
  event.set_kind(v1::PortEvent::KIND_ATTACHED);
  event.set_port_id(binding->port.meta().name());
  *event.mutable_attachment() = attachment;
  event.set_time_us(time_us);
  RETURN_IF_ERROR(driver_->OnPortEvent(host, event));
  return std::string();
}

absl::Status PortReports::ReleaseMissing(const std::string& host,
                                         const std::set<std::string>& attached, int64_t now_us) {
  const auto missing = repository_->Read([&](const Model& model) {
    std::set<std::string> ports;
    for (const std::string& port_id : model.index().ports_located_at.Get(host)) {
      if (model.RunningMigrationOf(port_id) == nullptr) ports.insert(port_id);
    }
    for (const std::string& id : model.index().running_migrations.Get(Index::kAll)) {
      const v1::Migration& migration = *model.Find<v1::Migration>(id);
      for (const std::string& port_id : migration.port_ids()) {
        if (HadDevice(migration, host, port_id)) ports.insert(port_id);
      }
    }
    std::erase_if(ports, [&](const std::string& port_id) { return attached.contains(port_id); });
    return ports;
  });
  for (const std::string& port_id : missing) {
    v1::PortEvent event;
    event.set_kind(v1::PortEvent::KIND_DETACHED);
    event.set_port_id(port_id);
    event.set_time_us(now_us);
    RETURN_IF_ERROR(PortEvent(host, event));
    spdlog::info("host \"{}\": port \"{}\" is no longer attached there; released", host, port_id);
  }
  return absl::OkStatus();
}

std::optional<std::string> PortReports::PlaceWithoutDevice(const std::string& port_id) const {
  return repository_->Read([&](const Model& model) -> std::optional<std::string> {
    const v1::Port* port = model.Find<v1::Port>(port_id);
    if (port == nullptr || !port->device().empty()) return std::nullopt;
    return port->location().host();
  });
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
    return migration != nullptr &&
           (migration->destination() == host || migration->source() == host);
  });
}

bool PortReports::IsForeign(const std::string& host, const std::string& port_id,
                            const std::string& what) const {
  if (MaySpeakOf(host, port_id)) return false;
  // After a move the source may still have news of the port under way; that is no offence. A host
  // that is in no migration of it has no business with it.
  const bool former = repository_->Read([&](const Model& model) {
    return model.Find<v1::Port>(port_id) == nullptr ||
           !model.index().moves_of_port_at.Get(PairKey(port_id, host)).empty();
  });
  if (!former) {
    AuditRefused(fmt::format("{} of port \"{}\" by host \"{}\"", what, OneLine(port_id), host),
                 absl::PermissionDeniedError("the port is not at that host; ignored"))
        .IgnoreError();
  }
  return true;
}

absl::Status PortReports::PortEvent(const std::string& host, v1::PortEvent event) {
  event.set_port_id(ToLower(event.port_id()));
  if (event.kind() == v1::PortEvent::KIND_DETACHED) {
    // Only the host that holds the port loses it by this, so there is nothing to forge.
    RETURN_IF_ERROR(driver_->OnPortEvent(host, event));
    return UnbindPort(repository_, host, event.port_id()).status();
  }
  if (IsForeign(host, event.port_id(), "event")) return absl::OkStatus();
  return driver_->OnPortEvent(host, event);
}

std::optional<v1::PortReceipt> PortReports::Vet(const HostReceipt& given) const {
  v1::PortReceipt receipt = given.receipt;
  receipt.set_port_id(ToLower(receipt.port_id()));
  if (!receipt.host().empty() && receipt.host() != given.host) {
    AuditRefused(fmt::format("receipt of port \"{}\" by host \"{}\"", OneLine(receipt.port_id()),
                             given.host),
                 absl::PermissionDeniedError(
                     fmt::format("it speaks for host \"{}\"; ignored", OneLine(receipt.host()))))
        .IgnoreError();
    return std::nullopt;
  }
  if (IsForeign(given.host, receipt.port_id(), "receipt")) return std::nullopt;
  receipt.set_host(given.host);
  receipt.set_profile(OneLine(receipt.profile()));
  receipt.set_digest(OneLine(receipt.digest()));
  return receipt;
}

absl::Status PortReports::Receipts(const std::vector<HostReceipt>& given) {
  std::vector<v1::PortReceipt> receipts;
  for (const HostReceipt& each : given) {
    if (auto receipt = Vet(each)) receipts.push_back(*std::move(receipt));
  }
  RETURN_IF_ERROR(RecordReceipts(repository_, receipts));
  for (const v1::PortReceipt& receipt : receipts) {
    RETURN_IF_ERROR(driver_->OnReceipt(receipt.host(), receipt));
  }
  return absl::OkStatus();
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
      spdlog::warn("host \"{}\": {} \"{}\" is not in force: {}", host, OneLine(failure.kind()),
                   OneLine(failure.key()), OneLine(failure.message()));
      continue;
    }
    const std::string port_id = ToLower(failure.key());
    if (!MaySpeakOf(host, port_id)) continue;
    now_failing.insert(port_id);
    RETURN_IF_ERROR(RecordProblem(repository_, host, port_id, OneLine(failure.message())));
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
