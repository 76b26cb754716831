#include "controller/store/port_location.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <vector>

#include "controller/model/names.h"
#include "controller/model/validate.h"
#include "controller/store/unplanned_moves.h"

namespace outrider::controller {
namespace {

using google::protobuf::util::MessageDifferencer;

// Linux: IFNAMSIZ with its terminating zero is 16.
constexpr size_t kMaxDevice = 15;

absl::Status CheckAttachment(const v1::PortAttachment& attachment) {
  if (attachment.device().empty() || attachment.device().size() > kMaxDevice) {
    return absl::InvalidArgumentError(
        fmt::format("port \"{}\": device \"{}\" must have 1..{} characters", attachment.port_id(),
                    attachment.device(), kMaxDevice));
  }
  return absl::OkStatus();
}

// Such a host may attach the device early; libvirt does so seconds before the guest arrives.
bool IsDestinationOf(const Model& model, const std::string& port_id, const std::string& host) {
  const v1::Migration* migration = model.RunningMigrationOf(port_id);
  return migration != nullptr && migration->destination() == host;
}

// The receipt of a port on no host is that of the host it was taken from.
bool IsTakenFrom(const v1::Port& port, const std::string& host) {
  return port.location().host().empty() && port.receipt().host() == host;
}

void MarkTaken(const std::string& host, uint64_t epoch, v1::Port* port) {
  port->mutable_receipt()->set_port_id(port->meta().name());
  port->mutable_receipt()->set_host(host);
  port->mutable_receipt()->set_epoch(epoch);
}

absl::Status CheckNotTaken(const v1::Port& port, const std::string& host,
                           const v1::PortAttachment& attachment) {
  if (attachment.claim() || !IsTakenFrom(port, host)) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "port \"{}\" was taken from host \"{}\" by \"outrider host evacuate\", in epoch {}; "
      "if its guest is to run here, attach it again",
      port.meta().name(), host, port.location().epoch()));
}

absl::Status CheckClaim(const v1::Port& port, const std::string& host, const std::string& mac) {
  const std::string& holder = port.location().host();
  if (!holder.empty() && holder != host) {
    return absl::FailedPreconditionError(fmt::format(
        "port \"{0}\" is on host \"{1}\"; detach it there, or run \"outrider migration prepare\" "
        "to move it to host \"{2}\"",
        port.meta().name(), holder, host));
  }
  if (port.mac() != mac) {
    return absl::FailedPreconditionError(
        fmt::format("port \"{}\" has mac {}, but the device was attached with mac {}; attach it "
                    "with the port's mac, or change the port while it is detached",
                    port.meta().name(), port.mac(), mac));
  }
  return absl::OkStatus();
}

// Why a port that has just got its place does not forward yet.
std::string InitialProblem(const v1::Port& port) {
  if (!port.profile().empty()) return "the host has not reported the profile in force yet";
  return fmt::format("no profile; give it one by `outrider port set {} --profile NAME`",
                     port.meta().name());
}

// Takes over what the attachment says. A host that comes back repeats what it was told at attach:
// only a profile it has not named before is news.
void TakeAttachment(const v1::PortAttachment& attachment, bool claimed, v1::Port* port) {
  port->set_device(attachment.device());
  if (!attachment.ips().empty()) *port->mutable_ips() = attachment.ips();
  if (!attachment.vm_id().empty()) port->set_vm_id(attachment.vm_id());
  const bool news = claimed || attachment.profile() != port->attached_profile();
  if (!attachment.profile().empty() && news) port->set_profile(attachment.profile());
  port->set_attached_profile(attachment.profile());
}

// The port as it will be: created, claimed, or the host's own with what the attachment adds.
v1::Port Bound(const v1::Port* present, const std::string& host,
               const v1::PortAttachment& attachment) {
  v1::Port port;
  if (present != nullptr) port = *present;
  const bool claimed = port.location().host().empty();
  if (present == nullptr) {
    port.mutable_meta()->set_name(attachment.port_id());
    port.set_mac(attachment.mac());
    port.set_made_by_host(true);
  }
  TakeAttachment(attachment, claimed, &port);
  Normalize(&port);
  if (claimed) {
    port.mutable_location()->set_host(host);
    port.mutable_location()->set_epoch(port.location().epoch() + 1);
    port.set_phase(v1::PORT_PHASE_BLOCKED);
    port.clear_receipt();
    port.set_problem(InitialProblem(port));
  }
  return port;
}

// Leaves the port on no host. The epoch is the caller's.
void ClearPlace(v1::Port* port) {
  port->mutable_location()->clear_host();
  port->set_phase(v1::PORT_PHASE_UNBOUND);
  port->clear_device();
  port->clear_receipt();
  port->clear_problem();
  port->clear_attached_profile();
  // Whoever fought for it has let go.
  port->clear_unplanned_moves_us();
  port->clear_frozen_us();
}

// Puts the port where the host's own attachment has yet to come from: a device of another host is
// none of its. What the VM's definition named as profile moves with the VM, so that the new host
// repeating it undoes nothing.
void MoveTo(const v1::PortLocation& to, v1::Port* port) {
  *port->mutable_location() = to;
  if (to.host().empty()) return ClearPlace(port);
  port->set_phase(v1::PORT_PHASE_BLOCKED);
  port->clear_device();
  port->clear_receipt();
  port->set_problem(InitialProblem(*port));
}

// Whether the holder says something that is not known yet.
bool IsNews(const v1::Port& port, const v1::PortReceipt& receipt) {
  if (port.location().host() != receipt.host() || port.location().epoch() != receipt.epoch()) {
    return false;
  }
  // generation and time_us change with every report and say nothing new.
  const v1::PortReceipt& known = port.receipt();
  return known.host() != receipt.host() || known.epoch() != receipt.epoch() ||
         known.digest() != receipt.digest() || known.phase() != receipt.phase() ||
         port.phase() != receipt.phase();
}

// Ports that give way to this one (Port.made_by_host).
std::vector<std::string> Predecessors(const Model& model, const v1::Port& port) {
  std::vector<std::string> ids;
  for (const std::string& segment : model.SegmentsOf(port)) {
    for (const std::string& id : model.index().ports_with_mac.Get(PairKey(segment, port.mac()))) {
      const v1::Port* const other = model.Find<v1::Port>(id);
      if (id == port.meta().name() || other == nullptr || !other->made_by_host()) continue;
      if (other->location().host().empty() && model.RunningMigrationOf(id) == nullptr) {
        ids.push_back(id);
      }
    }
  }
  return ids;
}

// Before the attachment itself, which is judged by what is left.
absl::Status ErasePredecessors(Repository* repository, const std::string& host,
                               const v1::PortAttachment& attachment) {
  const auto find = [&](const Model& model) {
    const v1::Port* const present = model.Find<v1::Port>(attachment.port_id());
    return Predecessors(model, Bound(present, host, attachment));
  };
  if (repository->Read(find).empty()) return absl::OkStatus();
  const auto erase = [&](const Model& model, Transaction* transaction) {
    for (const std::string& id : find(model)) {
      transaction->Erase<v1::Port>(id);
      spdlog::info("port \"{}\": gives way to port \"{}\", attached on host \"{}\" with its MAC {}",
                   id, attachment.port_id(), host, attachment.mac());
    }
    return absl::OkStatus();
  };
  return repository->Transact(erase).status();
}

}  // namespace

absl::StatusOr<Binding> BindPort(Repository* repository, const std::string& host,
                                 const v1::PortAttachment& given) {
  v1::PortAttachment attachment = given;
  attachment.set_port_id(ToLower(given.port_id()));
  attachment.set_mac(CanonicalMac(given.mac()));
  RETURN_IF_ERROR(CheckAttachment(attachment));
  RETURN_IF_ERROR(ErasePredecessors(repository, host, attachment));
  Binding binding;
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    if (model.Find<v1::Host>(host) == nullptr) return Repository::NotFound(Kind::kHost, host);
    const v1::Port* present = model.Find<v1::Port>(attachment.port_id());
    if (present != nullptr) {
      binding.expected =
          present->location().host() != host && IsDestinationOf(model, attachment.port_id(), host);
      // The migration decides when an expected port comes; only its identity is checked here.
      const std::string& claimant = binding.expected ? present->location().host() : host;
      RETURN_IF_ERROR(CheckClaim(*present, claimant, attachment.mac()));
      RETURN_IF_ERROR(CheckNotTaken(*present, host, attachment));
      binding.port = *present;
      if (binding.expected) return absl::OkStatus();
    }
    v1::Port port = Bound(present, host, attachment);
    RETURN_IF_ERROR(Validate(model, port));
    const bool same = present != nullptr && MessageDifferencer::Equals(*present, port);
    binding.port = port;
    if (!same) transaction->Put(std::move(port));
    return absl::OkStatus();
  };
  ASSIGN_OR_RETURN(const uint64_t revision, repository->Transact(fn));
  if (binding.port.meta().revision() == 0) binding.port.mutable_meta()->set_revision(revision);
  return binding;
}

absl::StatusOr<bool> UnbindPort(Repository* repository, const std::string& host,
                                const std::string& port_id) {
  bool held = false;
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const v1::Port* present = model.Find<v1::Port>(ToLower(port_id));
    if (present == nullptr) return absl::OkStatus();
    held = present->location().host() == host;
    if (!held && !IsTakenFrom(*present, host)) return absl::OkStatus();
    v1::Port port = *present;
    // The epoch stays, so that the next claim gets a newer one.
    ClearPlace(&port);
    transaction->Put(std::move(port));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(repository->Transact(fn).status());
  return held;
}

absl::Status RecordReceipts(Repository* repository, const std::vector<v1::PortReceipt>& receipts) {
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    for (const v1::PortReceipt& receipt : receipts) {
      const v1::Port* present = model.Find<v1::Port>(receipt.port_id());
      if (present == nullptr || !IsNews(*present, receipt)) continue;
      v1::Port port = *present;
      *port.mutable_receipt() = receipt;
      port.set_phase(receipt.phase());
      if (receipt.phase() == v1::PORT_PHASE_ACTIVE) port.clear_problem();
      transaction->Put(std::move(port));
    }
    return absl::OkStatus();
  };
  return repository->Transact(fn).status();
}

absl::Status RecordProblem(Repository* repository, const std::string& host,
                           const std::string& port_id, const std::string& problem) {
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const v1::Port* present = model.Find<v1::Port>(port_id);
    if (present == nullptr || present->location().host() != host || present->problem() == problem) {
      return absl::OkStatus();
    }
    v1::Port port = *present;
    port.set_problem(problem);
    transaction->Put(std::move(port));
    return absl::OkStatus();
  };
  return repository->Transact(fn).status();
}

absl::Status MovePorts(const Model& model, const std::vector<PortMove>& moves,
                       Transaction* transaction) {
  std::vector<v1::Port> moved;
  for (const PortMove& move : moves) {
    const v1::Port* present = model.Find<v1::Port>(move.port_id);
    if (present == nullptr) {
      return absl::AbortedError(fmt::format("port \"{}\" is gone", move.port_id));
    }
    if (!MessageDifferencer::Equals(present->location(), move.from)) {
      return absl::AbortedError(
          fmt::format("port \"{}\" is on host \"{}\" in epoch {}, not on host \"{}\" in epoch {}",
                      move.port_id, present->location().host(), present->location().epoch(),
                      move.from.host(), move.from.epoch()));
    }
    moved.push_back(*present);
    MoveTo(move.to, &moved.back());
    if (!move.taken_from.empty()) {
      MarkTaken(move.taken_from, move.from.epoch(), &moved.back());
    }
    if (move.unplanned_us != 0) CountUnplannedMove(move.unplanned_us, &moved.back());
    if (move.undone_us != 0) ForgiveMove(move.undone_us, &moved.back());
  }
  // Only once all compares hold, so that a refusal stages nothing.
  for (v1::Port& port : moved) transaction->Put(std::move(port));
  return absl::OkStatus();
}

}  // namespace outrider::controller
