#include "vswitch/agent/memory_receiver.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "vswitch/agent/peer_messages.h"

namespace outrider::agent {
namespace {

absl::Status CheckSizes(const v1::PutPortMemoryRequest& request) {
  const auto check = [](int count, int most, const char* what) {
    if (count <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{} {} in one request, at most {} may be", count, what, most));
  };
  RETURN_IF_ERROR(check(request.connections_size(), kMaxConnectionsPerRequest, "connections"));
  RETURN_IF_ERROR(check(request.ended_size(), kMaxConnectionsPerRequest, "ended connections"));
  RETURN_IF_ERROR(check(request.levels_size(), kMaxLevelsPerRequest, "levels"));
  return check(request.memberships_size(), kMaxMembershipsPerRequest, "memberships");
}

// What is no connection is worth a line, but no repetition of everything.
absl::Status Settle(const PortId& id, const char* what, const absl::Status& status) {
  if (status.ok() || absl::IsNotFound(status)) return status;
  spdlog::warn("port {}: its {} did not come along: {}", id.ToString(), what, Message(status));
  return absl::OkStatus();
}

}  // namespace

void MemoryReceiver::Follow(const state::HostState& wanted, const state::HostState& in_force) {
  const std::lock_guard lock(mutex_);
  std::erase_if(expected_, [&](const auto& one) {
    const auto port = wanted.ports.find(one.first);
    return port == wanted.ports.end() || !port->second.arrival ||
           !in_force.ports.contains(one.first);
  });
  for (const auto& [id, port] : wanted.ports) {
    const auto here = in_force.ports.find(id);
    if (!port.arrival || here == in_force.ports.end()) continue;
    const Arrival arrival{port.arrival->host, port.migration_id, port.epoch};
    auto [entry, is_new] = expected_.try_emplace(id);
    Expected& expected = entry->second;
    if (is_new || expected.arrival != arrival) {
      expected = {.arrival = arrival, .incarnation = dependencies_.random()};
    }
    const bool armed = here->second.phase == state::PortPhase::kArmed;
    // One that is open when it is first seen was let in by a process before this one; if that died
    // of it, the programs have begun the time by themselves.
    const bool opens =
        expected.armed && !expected.active && here->second.phase == state::PortPhase::kActive;
    if ((armed && !expected.armed) || opens) {
      dependencies_.executor->Post([this, id = id] { AllowAdoption(id); });
    }
    expected.armed = expected.armed || armed;
    expected.active = expected.active || opens;
  }
}

absl::StatusOr<v1::PutPortMemoryResponse> MemoryReceiver::Put(
    const std::string& host, const v1::PutPortMemoryRequest& request) {
  ASSIGN_OR_RETURN(const PortId id, PortId::Parse(request.port_id()));
  RETURN_IF_ERROR(CheckSizes(request));
  const std::lock_guard writing(writing_);
  ASSIGN_OR_RETURN(const uint64_t incarnation, Admit(id, host, request));
  v1::PutPortMemoryResponse response;
  response.set_incarnation(incarnation);
  RETURN_IF_ERROR(Import(id, request, &response));
  return response;
}

absl::StatusOr<uint64_t> MemoryReceiver::Admit(const PortId& id, const std::string& host,
                                               const v1::PutPortMemoryRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto found = expected_.find(id);
  // To others it does not matter whether there is such a port.
  if (found == expected_.end() || found->second.arrival.host != host || host.empty()) {
    return absl::PermissionDeniedError(
        fmt::format("port {}: is not awaited here from host \"{}\"", id.ToString(), host));
  }
  Expected& expected = found->second;
  if (expected.arrival.migration_id != request.migration_id() ||
      expected.arrival.epoch != Epoch{request.epoch()}) {
    return absl::FailedPreconditionError(
        fmt::format("port {}: is awaited by migration {}, epoch {}", id.ToString(),
                    expected.arrival.migration_id, static_cast<uint64_t>(expected.arrival.epoch)));
  }
  if (request.sequence() <= expected.last_sequence) {
    return absl::AbortedError(fmt::format("port {}: a later message has been taken: {} after {}",
                                          id.ToString(), request.sequence(),
                                          expected.last_sequence));
  }
  expected.last_sequence = request.sequence();
  return expected.incarnation;
}

absl::Status MemoryReceiver::Import(const PortId& id, const v1::PutPortMemoryRequest& request,
                                    v1::PutPortMemoryResponse* response) {
  datapath::PortMemory& memory = *dependencies_.memory;
  // First: they make room.
  if (request.ended_size() != 0 && request.abi_version() == memory.AbiVersion()) {
    RETURN_IF_ERROR(memory.EndConnections(id, EndedOf(request)).status());
  }
  if (request.connections_size() != 0 && request.abi_version() != memory.AbiVersion()) {
    response->set_refused(static_cast<uint64_t>(request.connections_size()));
    response->set_reason(fmt::format("version {} of the datapath's tables, here it is {}",
                                     request.abi_version(), memory.AbiVersion()));
  } else if (request.connections_size() != 0) {
    const std::vector<datapath::ConnectionRecord> connections = ConnectionsOf(request);
    ASSIGN_OR_RETURN(const datapath::ImportResult result,
                     memory.ImportConnections(id, connections));
    if (dependencies_.arrivals != nullptr) {
      dependencies_.arrivals->Took(id, request.migration_id(), connections, result.taken);
    }
    response->set_taken(result.taken);
    response->set_refused(result.refused);
    response->set_reason(result.reason);
  }
  if (request.memberships_size() != 0 && dependencies_.memberships) {
    dependencies_.memberships(id, MembershipsOf(request));
  }
  if (request.levels_size() != 0) {
    RETURN_IF_ERROR(Settle(id, "levels", memory.ImportLevels(id, LevelsOf(request))));
  }
  if (!request.has_counters()) return absl::OkStatus();
  return Settle(id, "counters", memory.SetCounterBase(id, CountersOf(request.counters())));
}

void MemoryReceiver::AllowAdoption(const PortId& id) {
  const std::lock_guard writing(writing_);
  const absl::Status status =
      dependencies_.memory->AllowAdoption(id, static_cast<uint64_t>(kAdoptionTime.count()));
  // Gone again.
  if (status.ok() || absl::IsNotFound(status)) return;
  spdlog::warn("port {}: connections that were lost on its way will not be adopted: {}",
               id.ToString(), Message(status));
}

}  // namespace outrider::agent
