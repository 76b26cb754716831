#include "tests/bpf/connection_model.h"

namespace outrider::tests {
namespace {

using Phase = ModelTcp::Phase;

// Unacknowledged data stays well within the window that the frames offer.
constexpr uint32_t kMostInFlight = 20'000;

void Speak(const ModelFrame& frame, uint32_t isn, ModelTcp* tcp) {
  const size_t self = frame.from_a ? 1 : 0;
  const size_t other = 1 - self;
  switch (frame.say) {
    case Say::kSyn:
      tcp->next[self] = isn + 1;
      return;
    case Say::kSynAck:
      if (tcp->phase == Phase::kSyn) tcp->next[self] = isn + 1;
      tcp->phase = Phase::kSynAck;
      break;
    case Say::kReset:
    case Say::kRefuse:
      tcp->phase = Phase::kClosed;
      return;
    case Say::kData:
      tcp->next[self] += frame.length;
      break;
    case Say::kFin:
      tcp->next[self] += 1;
      tcp->fin[self] = true;
      break;
    case Say::kAck:
      if (tcp->phase == Phase::kSynAck) tcp->phase = Phase::kOpen;
      break;
    case Say::kForged:
      return;
  }
  tcp->acked[self] = tcp->next[other];
}

}  // namespace

bool ModelTcp::Over() const {
  return phase == Phase::kClosed ||
         (fin[0] && fin[1] && acked[0] == next[1] && acked[1] == next[0]);
}

bool MaySay(const ModelConnection& connection, const ModelFrame& frame) {
  const ModelTcp& tcp = connection.tcp;
  const size_t self = frame.from_a ? 1 : 0;
  const bool initiator = frame.from_a == connection.from_a;
  switch (frame.say) {
    case Say::kSyn:
      return tcp.Over() || (initiator && tcp.phase == Phase::kSyn);
    case Say::kSynAck:
      return !initiator && (tcp.phase == Phase::kSyn || tcp.phase == Phase::kSynAck);
    case Say::kRefuse:
      return !initiator && tcp.phase == Phase::kSyn;
    case Say::kAck:
      return tcp.phase == Phase::kOpen || (initiator && tcp.phase == Phase::kSynAck);
    case Say::kData:
    case Say::kFin:
      return tcp.phase == Phase::kOpen && !tcp.fin[self] &&
             tcp.next[self] - tcp.acked[1 - self] < kMostInFlight;
    case Say::kReset:
      return tcp.phase == Phase::kOpen;
    case Say::kForged:
      return true;
  }
  return false;
}

ConnectionModel::Key ConnectionModel::KeyOf(const ModelFrame& frame) {
  const bool a_asks = frame.proto == Proto::kEcho && frame.from_a != frame.reply;
  return {frame.proto, frame.a_port, a_asks};
}

const ModelConnection* ConnectionModel::Find(const ModelFrame& frame) const {
  const auto found = connections_.find(KeyOf(frame));
  return found == connections_.end() ? nullptr : &found->second;
}

Verdict ConnectionModel::Judge(const ModelFrame& frame, uint32_t isn) {
  const auto proto = static_cast<size_t>(frame.proto);
  const auto found = connections_.find(KeyOf(frame));
  const Action own = rules_.actions[frame.from_a ? 1 : 0][proto];
  if (found == connections_.end()) return ByRule(own, frame, isn);
  ModelConnection& connection = found->second;
  if (connection.revision != revision_ && !rules_.keep) {
    const bool same_way = connection.from_a == frame.from_a;
    if (rules_.actions[connection.from_a ? 1 : 0][proto] != Action::kRelate) {
      connections_.erase(found);
      return same_way ? ByRule(own, frame, isn) : Verdict::kInvalid;
    }
    connection.revision = revision_;
    if (!same_way && frame.proto == Proto::kTcp && frame.say == Say::kSyn) {
      // Begins another one; the other direction's rules were asked.
      connections_.erase(found);
      return Verdict::kInvalid;
    }
  }
  if (frame.proto != Proto::kTcp) return Verdict::kPass;
  if (frame.say == Say::kForged) return Verdict::kInvalid;
  if (frame.say == Say::kSyn && connection.tcp.Over()) {
    connections_.erase(found);
    return ByRule(own, frame, isn);
  }
  Speak(frame, isn, &connection.tcp);
  return Verdict::kPass;
}

Verdict ConnectionModel::ByRule(Action action, const ModelFrame& frame, uint32_t isn) {
  if (action == Action::kDeny) return Verdict::kAcl;
  if (action == Action::kAllow) return Verdict::kPass;
  if (frame.proto == Proto::kTcp && frame.say != Say::kSyn) return Verdict::kInvalid;
  if (frame.proto == Proto::kEcho && frame.reply) return Verdict::kInvalid;
  if (connections_.size() >= share_) return Verdict::kFull;
  ModelConnection connection{.from_a = frame.from_a, .revision = revision_, .tcp = {}};
  if (frame.proto == Proto::kTcp) Speak(frame, isn, &connection.tcp);
  connections_[KeyOf(frame)] = connection;
  return Verdict::kPass;
}

}  // namespace outrider::tests
