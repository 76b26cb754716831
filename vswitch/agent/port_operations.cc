#include "vswitch/agent/port_operations.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <utility>

namespace outrider::agent {
namespace {

// Two ports of this host with one MAC: certain only when the segments of both are known, or when
// one profile puts them into the same. Else the controller, which knows, decides.
bool InSameSegment(const std::map<PortId, std::set<Vni>>& segments, const PortId& a,
                   const PortId& b, const std::string& profile_a, const std::string& profile_b) {
  const auto segment_a = segments.find(a);
  const auto segment_b = segments.find(b);
  if (segment_a != segments.end() && segment_b != segments.end()) {
    return std::any_of(segment_a->second.begin(), segment_a->second.end(),
                       [&](const Vni& vni) { return segment_b->second.contains(vni); });
  }
  return !profile_a.empty() && profile_a == profile_b;
}

// Interfaces of the Open_vSwitch database go with their rows: by another way they would come back.
absl::Status CheckOwner(const PortId& id, const state::Attachment& present,
                        state::AttachmentOwner owner) {
  if (present.owner != state::AttachmentOwner::kOvsdb || owner == state::AttachmentOwner::kOvsdb) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      fmt::format("port {} is interface \"{}\" of the Open_vSwitch database; change it there "
                  "(ovs-vsctl del-port {})",
                  id.ToString(), present.device, present.device));
}

absl::Status CheckAgainst(const state::Attachments& present,
                          const std::map<PortId, std::set<Vni>>& segments, const PortId& id,
                          const state::Attachment& attachment) {
  for (const auto& [other_id, other] : present) {
    if (other_id == id) continue;
    if (other.device == attachment.device) {
      return absl::AlreadyExistsError(
          fmt::format("device \"{}\" is port {} already; detach that first", attachment.device,
                      other_id.ToString()));
    }
    if (other.mac == attachment.mac &&
        InSameSegment(segments, id, other_id, attachment.profile, other.profile)) {
      return absl::AlreadyExistsError(fmt::format(
          "MAC {} is port {}'s already, in the same segment; give the guest another one",
          attachment.mac.ToString(), other_id.ToString()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckChange(const PortDevices& devices, const PortId& id,
                         const state::Attachment& from, const state::Attachment& to) {
  RETURN_IF_ERROR(CheckOwner(id, from, to.owner));
  if (from.mac != to.mac) {
    return absl::FailedPreconditionError(
        fmt::format("port {} is attached with MAC {}, not {}; detach it first", id.ToString(),
                    from.mac.ToString(), to.mac.ToString()));
  }
  if (from.device != to.device && devices.Exists(from.device)) {
    return absl::FailedPreconditionError(
        fmt::format("port {} is attached by device \"{}\", which still exists; detach it first",
                    id.ToString(), from.device));
  }
  return absl::OkStatus();
}

// What has to be looked at to attach them: their devices, and those they are attached by now.
std::set<std::string> DevicesOf(const state::Attachments& wanted,
                                const state::Attachments& present) {
  std::set<std::string> names;
  for (const auto& [id, attachment] : wanted) {
    names.insert(attachment.device);
    const auto old = present.find(id);
    if (old != present.end()) names.insert(old->second.device);
  }
  return names;
}

}  // namespace

absl::StatusOr<AttachResult> PortOperations::Attach(const PortId& id,
                                                    const state::Attachment& attachment,
                                                    std::chrono::milliseconds wait) {
  const auto begin = std::chrono::steady_clock::now();
  if (wait < std::chrono::milliseconds::zero() || wait > kMaxWait) {
    return absl::InvalidArgumentError(
        fmt::format("wait_ms: {} is not in 0..{}", wait.count(), kMaxWait.count()));
  }
  RETURN_IF_ERROR(AttachAll({{id, attachment}}).at(id));
  if (wait == std::chrono::milliseconds::zero()) return AttachResult{};
  RETURN_IF_ERROR(Wait(id, wait));
  return AttachResult{.in_force = std::chrono::duration_cast<std::chrono::microseconds>(
                          std::chrono::steady_clock::now() - begin)};
}

std::map<PortId, absl::Status> PortOperations::AttachAll(const state::Attachments& attachments) {
  const std::lock_guard lock(mutex_);
  Present present = Look();
  std::map<PortId, absl::Status> results;
  const auto devices = PortDevices::Read(dependencies_.netlink.get(), &dependencies_.reserved,
                                         DevicesOf(attachments, present.attachments));
  state::Attachments fresh;
  for (const auto& [id, attachment] : attachments) {
    bool is_fresh = false;
    results[id] = devices.ok() ? CheckAttach(*devices, &present, id, attachment, &is_fresh)
                               : devices.status();
    if (results[id].ok() && is_fresh) fresh.emplace(id, attachment);
  }
  if (fresh.empty()) return results;
  if (const absl::Status status = dependencies_.store->PutAttachments(fresh); !status.ok()) {
    for (const auto& [id, attachment] : fresh) results[id] = status;
    return results;
  }
  RunOn(dependencies_.reconciler_executor, [&] { dependencies_.reconciler->Attach(fresh); });
  for (const auto& [id, attachment] : fresh) {
    spdlog::info("port {}: attached {}, MAC {}, profile \"{}\"", id.ToString(), attachment.device,
                 attachment.mac.ToString(), attachment.profile);
  }
  return results;
}

// Those of one call count against each other, too.
absl::Status PortOperations::CheckAttach(const PortDevices& devices, Present* present,
                                         const PortId& id, const state::Attachment& attachment,
                                         bool* fresh) {
  RETURN_IF_ERROR(devices.Check(attachment.device));
  RETURN_IF_ERROR(CheckAgainst(present->attachments, present->segments, id, attachment));
  const auto old = present->attachments.find(id);
  if (old != present->attachments.end()) {
    RETURN_IF_ERROR(CheckChange(devices, id, old->second, attachment));
  }
  const bool same = old != present->attachments.end() && old->second == attachment;
  *fresh = !same || !present->served.contains(id);
  present->attachments.insert_or_assign(id, attachment);
  return absl::OkStatus();
}

absl::Status PortOperations::Detach(const PortId& id, state::AttachmentOwner owner) {
  const std::lock_guard lock(mutex_);
  const Present present = Look();
  const auto attached = present.attachments.find(id);
  if (attached == present.attachments.end()) {
    return absl::NotFoundError(fmt::format(
        "port {} is not attached on this host; `outrider port list --local` lists what is",
        id.ToString()));
  }
  RETURN_IF_ERROR(CheckOwner(id, attached->second, owner));
  RETURN_IF_ERROR(dependencies_.store->DeleteAttachment(id));
  RunOn(dependencies_.reconciler_executor, [&] { dependencies_.reconciler->Detach(id); });
  spdlog::info("port {}: detached {}", id.ToString(), attached->second.device);
  return absl::OkStatus();
}

std::string PortOperations::PortDataOf(const PortId& id) {
  return RunOn(dependencies_.reconciler_executor,
               [&] { return dependencies_.reconciler->PortDataOf(id); });
}

absl::Status PortOperations::TakePortData(const PortId& id, const std::string& port_data) {
  return RunOn(dependencies_.reconciler_executor,
               [&] { return dependencies_.reconciler->TakePortData(id, port_data); });
}

void PortOperations::ObservePortData(Reconciler::PortDataObserver observer) {
  RunOn(dependencies_.reconciler_executor,
        [&] { dependencies_.reconciler->SetPortDataObserver(std::move(observer)); });
}

absl::StatusOr<std::vector<PortId>> PortOperations::PortsOf(const GuestName& guest) const {
  const state::Attachments& attachments = dependencies_.reconciler->attachments();
  std::vector<PortId> ports;
  for (const auto& [id, attachment] : attachments) {
    const bool named =
        guest.vm_id.empty() ? id.ToString() == guest.port_id : attachment.vm_id == guest.vm_id;
    if (named) ports.push_back(id);
  }
  if (!ports.empty()) return ports;
  return absl::NotFoundError(
      guest.vm_id.empty()
          ? fmt::format("port {} is not attached on this host; `outrider port list --local` lists "
                        "what is",
                        guest.port_id)
          : fmt::format("vm_id \"{}\": no port of this VM is attached on this host; attach them "
                        "with it (outrider port attach --vm)",
                        guest.vm_id));
}

absl::StatusOr<std::vector<PortId>> PortOperations::TellGuest(const GuestName& guest, bool runs,
                                                              const GuestWord& word) {
  if (guest.port_id.empty() == guest.vm_id.empty()) {
    return absl::InvalidArgumentError("name the guest by either port_id or vm_id");
  }
  if (word.time_us < 0) {
    return absl::InvalidArgumentError(
        fmt::format("time_us: {} is before the epoch; 0 is now", word.time_us));
  }
  GuestName canonical = guest;
  if (!guest.port_id.empty()) {
    const auto id = PortId::Parse(guest.port_id);
    if (!id.ok()) return Annotate(id.status(), "port_id");
    canonical.port_id = id->ToString();
  }
  return RunOn(dependencies_.reconciler_executor, [&]() -> absl::StatusOr<std::vector<PortId>> {
    ASSIGN_OR_RETURN(std::vector<PortId> ports, PortsOf(canonical));
    std::erase_if(ports, [&](const PortId& id) {
      return runs ? !dependencies_.reconciler->GuestResumed(id, word)
                  : !dependencies_.reconciler->GuestPaused(id, word);
    });
    return ports;
  });
}

int PortOperations::IfindexOf(const std::string& device) {
  const std::lock_guard lock(mutex_);
  const auto link = dependencies_.netlink->FindLink(device);
  return link.ok() ? link->ifindex : 0;
}

PortOperations::Present PortOperations::Look() {
  return RunOn(dependencies_.reconciler_executor, [this] {
    Present present{
        .attachments = dependencies_.reconciler->attachments(), .segments = {}, .served = {}};
    for (const auto& [id, attachment] : present.attachments) {
      if (dependencies_.reconciler->IsServed(id)) present.served.insert(id);
      auto segments = dependencies_.reconciler->SegmentsOf(id);
      if (!segments.empty()) present.segments.emplace(id, std::move(segments));
    }
    return present;
  });
}

absl::StatusOr<PortDevices> PortOperations::LookAtDevices(const std::vector<sys::Link>& links) {
  const std::lock_guard lock(mutex_);
  return PortDevices::Among(links, dependencies_.netlink.get(), &dependencies_.reserved);
}

absl::Status PortOperations::Wait(const PortId& id, std::chrono::milliseconds wait) {
  // Shared: the reconciler may answer after this call gave up waiting for the executor.
  auto result = std::make_shared<std::promise<absl::Status>>();
  auto answer = result->get_future();
  const uint64_t token = RunOn(dependencies_.reconciler_executor, [&] {
    return dependencies_.reconciler->WaitInForce(
        id, [result](const absl::Status& status) { result->set_value(status); });
  });
  if (answer.wait_for(wait) == std::future_status::timeout) {
    dependencies_.reconciler_executor->Post(
        [reconciler = dependencies_.reconciler, token] { reconciler->CancelWait(token); });
  }
  return answer.get();
}

}  // namespace outrider::agent
