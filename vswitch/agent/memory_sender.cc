#include "vswitch/agent/memory_sender.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "vswitch/agent/messages.h"
#include "vswitch/agent/peer_messages.h"

namespace outrider::agent {
namespace {

// A look should take no more than this part of the time.
constexpr int kLookShare = 10;
constexpr Executor::Duration kLongestPause = std::chrono::seconds(5);

// Keys that were sent and are not there any more.
std::vector<std::string> EndedAmong(
    const std::vector<datapath::ConnectionRecord>& records,
    const std::unordered_map<std::string, std::optional<uint64_t>>& known) {
  std::unordered_set<std::string_view> present;
  for (const datapath::ConnectionRecord& record : records) present.insert(record.key);
  std::vector<std::string> ended;
  for (const auto& [key, version] : known) {
    if (!present.contains(key)) ended.push_back(key);
  }
  return ended;
}

}  // namespace

void MemorySender::Follow(const state::HostState& wanted, const state::HostState& in_force) {
  std::map<PortId, Leaving> leaving;
  for (const auto& [id, departure] : wanted.departures) {
    const auto port = wanted.ports.find(id);
    if (departure.peer.empty() || departure.host.empty() || !in_force.ports.contains(id)) continue;
    leaving[id] = {
        .target = {departure.migration_id, departure.epoch, departure.host, departure.peer},
        .departed =
            port != wanted.ports.end() && port->second.phase == state::PortPhase::kDeparted};
  }
  if (leaving == told_) return;
  told_ = leaving;
  dependencies_.executor->Post([this, leaving = std::move(leaving)] { HandleDepartures(leaving); });
}

void MemorySender::GuestPaused(const PortId& id) {
  dependencies_.executor->Post([this, id] { HandleFlush(id); });
}

void MemorySender::HandleDepartures(const std::map<PortId, Leaving>& leaving) {
  std::erase_if(transfers_, [&](const auto& transfer) {
    const auto found = leaving.find(transfer.first);
    return found == leaving.end() || found->second.target != transfer.second.target;
  });
  for (const auto& [id, one] : leaving) {
    const auto [entry, is_new] = transfers_.try_emplace(id);
    Transfer& transfer = entry->second;
    const bool departs = one.departed && !transfer.departed;
    transfer.departed = one.departed;
    if (is_new) {
      transfer.target = one.target;
      transfer.link = dependencies_.links->Open(one.target.peer, one.target.host);
      Look(id);
    } else if (departs) {
      HandleFlush(id);
    }
  }
}

void MemorySender::HandleFlush(const PortId& id) {
  const auto transfer = transfers_.find(id);
  if (transfer == transfers_.end()) return;
  transfer->second.whole = true;
  transfer->second.flush = true;
  // What is under way may be older than the pause: it is looked at again when that is answered.
  if (transfer->second.calling == 0) Look(id);
}

void MemorySender::Look(const PortId& id) {
  Transfer& transfer = transfers_.at(id);
  transfer.flush = false;
  const int64_t begin_us = dependencies_.clock();
  auto records = dependencies_.memory->ExportConnections(id);
  if (!records.ok()) return HandleFailure(id, records.status(), &transfer);
  transfer.ended = EndedAmong(*records, transfer.known);
  std::erase_if(*records, [&](const datapath::ConnectionRecord& record) {
    const auto known = transfer.known.find(record.key);
    return known != transfer.known.end() && known->second == record.version;
  });
  transfer.waiting = *std::move(records);
  const Executor::Duration took(std::max<int64_t>(dependencies_.clock() - begin_us, 0));
  transfer.pause = std::clamp(took * kLookShare, kInterval, kLongestPause);
  Send(id);
}

void MemorySender::Send(const PortId& id) {
  Transfer& transfer = transfers_.at(id);
  const bool news = !transfer.waiting.empty() || !transfer.ended.empty() || transfer.whole;
  if (!news) return LookAfter(id, transfer.pause);
  Sent sent;
  const v1::PutPortMemoryRequest request = NextRequest(id, &transfer, &sent);
  transfer.calling = request.sequence();
  transfer.link->PutPortMemory(
      request, [this, id, sequence = request.sequence(),
                sent = std::move(sent)](absl::StatusOr<v1::PutPortMemoryResponse> answer) {
        dependencies_.executor->Post([this, id, sequence, sent, answer = std::move(answer)] {
          HandleAnswer(id, sequence, sent, answer);
        });
      });
}

v1::PutPortMemoryRequest MemorySender::NextRequest(const PortId& id, Transfer* transfer,
                                                   Sent* sent) {
  last_sequence_ = std::max(last_sequence_ + 1, static_cast<uint64_t>(dependencies_.clock()));
  v1::PutPortMemoryRequest request;
  request.set_port_id(id.ToString());
  request.set_migration_id(transfer->target.migration_id);
  request.set_epoch(static_cast<uint64_t>(transfer->target.epoch));
  request.set_sequence(last_sequence_);
  request.set_abi_version(dependencies_.memory->AbiVersion());
  AddConnections(transfer, &request, sent);
  sent->whole = transfer->whole;
  if (transfer->whole) AddWhole(id, &request);
  transfer->whole = false;
  return request;
}

void MemorySender::AddConnections(Transfer* transfer, v1::PutPortMemoryRequest* request,
                                  Sent* sent) {
  while (!transfer->waiting.empty() && request->connections_size() < kMaxConnectionsPerRequest) {
    const datapath::ConnectionRecord& record = transfer->waiting.back();
    *request->add_connections() = ToMessage(record);
    sent->versions.emplace_back(record.key, record.version);
    // A request whose answer is lost may have arrived: its end will have to be told.
    transfer->known[record.key] = std::nullopt;
    transfer->waiting.pop_back();
  }
  while (!transfer->ended.empty() && request->ended_size() < kMaxConnectionsPerRequest) {
    request->add_ended(transfer->ended.back());
    sent->ended.push_back(transfer->ended.back());
    transfer->ended.pop_back();
  }
}

// What cannot be read is left out: the connections must not wait for it.
void MemorySender::AddWhole(const PortId& id, v1::PutPortMemoryRequest* request) {
  const auto levels = dependencies_.memory->ExportLevels(id);
  if (levels.ok()) {
    for (const datapath::BucketLevel& level : *levels) *request->add_levels() = ToMessage(level);
  } else {
    spdlog::warn("port {}: its limits' levels are not sent after it: {}", id.ToString(),
                 Message(levels.status()));
  }
  if (dependencies_.memberships) {
    for (const Membership& one : dependencies_.memberships(id)) {
      *request->add_memberships() = ToMessage(one);
    }
  }
  const auto counters = dependencies_.counters->ReadPorts();
  if (!counters.ok()) {
    spdlog::warn("port {}: its counters are not sent after it: {}", id.ToString(),
                 Message(counters.status()));
    return;
  }
  const auto port = counters->find(id);
  if (port != counters->end()) *request->mutable_counters() = ToMessage(id, port->second);
}

void MemorySender::HandleAnswer(const PortId& id, uint64_t sequence, const Sent& sent,
                                const absl::StatusOr<v1::PutPortMemoryResponse>& answer) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end() || found->second.calling != sequence) return;
  Transfer& transfer = found->second;
  transfer.calling = 0;
  if (!answer.ok()) {
    transfer.whole = transfer.whole || sent.whole;
    return HandleFailure(id, answer.status(), &transfer);
  }
  transfer.backoff = kFirstBackoff;
  transfer.failing = false;
  if (answer->refused() != 0) {
    spdlog::warn("port {}: host \"{}\" refused {} of its connections: {}", id.ToString(),
                 transfer.target.host, answer->refused(), answer->reason());
  }
  // The first answer begins; another incarnation has what this request said, and nothing else is
  // sure: its datapath may have kept what has ended since.
  const bool anew = transfer.incarnation != 0 && transfer.incarnation != answer->incarnation();
  if (anew) {
    for (auto& [key, version] : transfer.known) version.reset();
    transfer.waiting.clear();
    transfer.ended.clear();
    transfer.whole = transfer.whole || !sent.whole;
  }
  transfer.incarnation = answer->incarnation();
  for (const auto& [key, version] : sent.versions) transfer.known[key] = version;
  for (const std::string& key : sent.ended) transfer.known.erase(key);
  if (transfer.flush) return Look(id);
  // Not at once: a peer that forgets all the time should not keep us busy.
  if (anew) return LookAfter(id, transfer.pause);
  Send(id);
}

void MemorySender::HandleFailure(const PortId& id, const absl::Status& status, Transfer* transfer) {
  if (!transfer->failing) {
    spdlog::warn("port {}: what it remembers does not reach host \"{}\" at {} yet: {}",
                 id.ToString(), transfer->target.host, transfer->target.peer, Message(status));
  }
  transfer->failing = true;
  transfer->waiting.clear();
  transfer->ended.clear();
  LookAfter(id, transfer->backoff);
  transfer->backoff = std::min(2 * transfer->backoff, kLastBackoff);
}

void MemorySender::LookAfter(const PortId& id, Executor::Duration delay) {
  transfers_.at(id).timer = ++last_timer_;
  dependencies_.executor->PostAfter(delay, [this, id, timer = last_timer_] {
    const auto transfer = transfers_.find(id);
    if (transfer == transfers_.end() || transfer->second.timer != timer) return;
    if (transfer->second.calling == 0) Look(id);
  });
}

}  // namespace outrider::agent
