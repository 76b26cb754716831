#include "vswitch/agent/move_prober.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace outrider::agent {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;
constexpr char kNotActive[] = "the port that asks is not active on this host";

// Zero: the port is not active.
MacAddress ActiveMac(const state::HostState& in_force, const PortId& id) {
  const auto port = in_force.ports.find(id);
  const bool active =
      port != in_force.ports.end() && port->second.phase == state::PortPhase::kActive;
  return active ? port->second.mac : MacAddress();
}

}  // namespace

// Most passes change no probe; they cost a comparison.
void MoveProber::Follow(const state::HostState& wanted, const state::HostState& in_force) {
  WantedProbes probes;
  for (const auto& [id, row] : wanted.probes) {
    probes[id] = {.row = row, .from_mac = ActiveMac(in_force, row.from), .old = IsOld(id, row)};
  }
  if (followed_ && *followed_ == probes) return;
  std::set<PortId> without_asker;
  for (const auto& [id, before] : followed_.value_or(WantedProbes())) {
    if (ActiveMac(in_force, before.row.from).IsZero()) without_asker.insert(id);
  }
  followed_ = probes;
  dependencies_.executor->Post(
      [this, probes = std::move(probes), without_asker] { Handle(probes, without_asker); });
}

bool MoveProber::IsOld(const PortId& id, const state::MoveProbe& row) const {
  if (!followed_) return true;
  const auto before = followed_->find(id);
  return before != followed_->end() && before->second.old &&
         before->second.row.migration_id == row.migration_id;
}

void MoveProber::Handle(const WantedProbes& wanted, const std::set<PortId>& without_asker) {
  for (auto entry = probes_.begin(); entry != probes_.end();) {
    Probe& probe = *entry->second;
    const auto now = wanted.find(entry->first);
    const bool stays =
        now != wanted.end() && now->second.row.migration_id == probe.wanted.row.migration_id;
    if (without_asker.contains(entry->first)) {
      End(&probe, kNotActive);
    } else if (stays && now->second != probe.wanted) {
      End(&probe, "an address has changed meanwhile");
    }
    if (stays) {
      ++entry;
      continue;
    }
    probe.ends_us = dependencies_.clock() + ProbeAccount::kAnswerTimeUs;
    entry = probes_.erase(entry);
  }
  for (const auto& [id, probe] : wanted) {
    if (!probes_.contains(id)) Begin(id, probe);
  }
}

void MoveProber::Begin(const PortId& id, const Wanted& wanted) {
  auto probe = Open(id, wanted);
  if (!probe.ok()) {
    // Kept, so that it is not tried again as long as the row is there.
    const auto failed = std::make_shared<Probe>();
    failed->port = id;
    failed->wanted = wanted;
    End(failed.get(), Message(probe.status()));
    probes_.emplace(id, failed);
    return;
  }
  spdlog::info("port {}: is probed from port {} ({} to {}) while it moves by {}", id.ToString(),
               wanted.row.from.ToString(), wanted.row.from_ip.ToString(), wanted.row.ip.ToString(),
               wanted.row.migration_id);
  probes_.emplace(id, *probe);
  Turn(*probe);
}

absl::StatusOr<std::shared_ptr<MoveProber::Probe>> MoveProber::Open(const PortId& id,
                                                                    const Wanted& wanted) {
  if (wanted.old) return absl::AbortedError("the agent of this host was restarted meanwhile");
  if (dependencies_.injection == nullptr) {
    return absl::UnimplementedError("the datapath of this host sends nothing in a guest's name");
  }
  if (probes_.size() >= kMaxProbes) {
    return absl::ResourceExhaustedError(
        fmt::format("this host probes {} ports already", kMaxProbes));
  }
  if (wanted.from_mac.IsZero()) return absl::FailedPreconditionError(kNotActive);
  ASSIGN_OR_RETURN(const datapath::InjectionPoint point,
                   dependencies_.injection->InjectionPointOf(wanted.row.from));
  auto probe = std::make_shared<Probe>();
  probe->port = id;
  probe->wanted = wanted;
  probe->pair = {.from_mac = wanted.from_mac,
                 .from_ip = wanted.row.from_ip,
                 .to_mac = wanted.row.mac,
                 .to_ip = wanted.row.ip,
                 .vlan = point.vlan};
  probe->name = {.identifier = static_cast<uint16_t>(dependencies_.random()),
                 .token = dependencies_.random()};
  ASSIGN_OR_RETURN(probe->socket, dependencies_.open(point, probe->name.identifier));
  probe->began_us = dependencies_.clock();
  probe->next_us = probe->began_us;
  return probe;
}

void MoveProber::Turn(const std::shared_ptr<Probe>& probe) {
  const int64_t now_us = dependencies_.clock();
  if (probe->over) return;
  Listen(probe.get());
  if (probe->ends_us != 0 && now_us >= probe->ends_us) return End(probe.get(), "");
  if (probe->ends_us == 0 && now_us - probe->began_us >= kLongest.count()) {
    probe->ends_us = now_us + ProbeAccount::kAnswerTimeUs;
  }
  if (probe->ends_us == 0) Ask(probe.get());
  if (probe->over) return;
  // What comes late is not made up for: nothing is sent in a burst.
  probe->next_us = std::max(probe->next_us + kUsPerSecond / probe->wanted.row.rate_pps, now_us);
  dependencies_.executor->PostAfter(Executor::Duration(probe->next_us - now_us),
                                    [this, probe] { Turn(probe); });
}

// A device that takes no frame now is asked again the next time.
void MoveProber::Ask(Probe* probe) {
  // An answer may be here before the call returns.
  const int64_t now_us = dependencies_.clock();
  const absl::Status sent =
      probe->socket->Send(EchoRequest(probe->pair, probe->name, probe->account.next()));
  if (sent.ok()) {
    probe->account.Sent(now_us);
  } else if (!absl::IsUnavailable(sent)) {
    End(probe, fmt::format("the device of the port that asks: {}", Message(sent)));
  }
}

void MoveProber::Listen(Probe* probe) {
  while (const auto reply = probe->socket->Take()) {
    const auto sequence = SequenceOfReply(reply->bytes, probe->name);
    if (sequence) probe->account.Answered(*sequence, reply->time_us);
  }
}

void MoveProber::End(Probe* probe, const std::string& failure) {
  if (std::exchange(probe->over, true)) return;
  const ProbeCounts counts = probe->account.Counts(dependencies_.clock());
  probe->socket.reset();
  const bool nothing = failure.empty() && counts.sent == 0;
  Tell(probe->port, probe->wanted.row, counts, nothing ? "nothing could be sent" : failure);
}

void MoveProber::Tell(const PortId& id, const state::MoveProbe& row, const ProbeCounts& counts,
                      const std::string& failure) {
  if (failure.empty()) {
    spdlog::info("port {}: probed from port {}: {} sent, {} answered, {} lost", id.ToString(),
                 row.from.ToString(), counts.sent, counts.answered, counts.lost);
  } else {
    spdlog::warn("port {}: not probed from port {}: {}", id.ToString(), row.from.ToString(),
                 failure);
  }
  dependencies_.tell({.port = id,
                      .migration_id = row.migration_id,
                      .from = row.from,
                      .counts = counts,
                      .failure = failure});
}

}  // namespace outrider::agent
