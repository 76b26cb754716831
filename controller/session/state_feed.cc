#include "controller/session/state_feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/compute/delta.h"
#include "proto/digest.h"

namespace outrider::controller {

StateFeed::Start StateFeed::Begin(const v1::Hello& hello, const std::string& store_id,
                                  const GenerationState& current, const GenerationState& kept) {
  const bool same_store = hello.store_id() == store_id;
  if (same_store && hello.generation() > current.generation) return Start::kLostHistory;
  const bool ours = same_store && !hello.state_digest().empty() && hello.generation() != 0;
  if (ours && v1::HostStateDigest(*current.state) == hello.state_digest()) {
    // The agent's generation stays the older one: nothing that touches it has happened since.
    sent_ = {hello.generation(), current.state};
    checked_revision_ = current.generation;
  } else if (ours && kept.state != nullptr && kept.generation == hello.generation() &&
             v1::HostStateDigest(*kept.state) == hello.state_digest()) {
    sent_ = kept;
    checked_revision_ = kept.generation;
  } else {
    return Start::kSnapshot;
  }
  acked_ = hello.generation();
  return Start::kResume;
}

std::optional<v1::ControllerMessage> StateFeed::Next(const GenerationState& current) {
  v1::ControllerMessage message;
  checked_revision_ = current.generation;
  if (sent_.state == nullptr) {
    message.mutable_snapshot()->set_generation(current.generation);
    *message.mutable_snapshot()->mutable_state() = *current.state;
  } else {
    v1::HostStateDelta delta = ComputeDelta(*sent_.state, *current.state);
    if (IsEmpty(delta)) return std::nullopt;
    message.mutable_delta()->set_from_generation(sent_.generation);
    message.mutable_delta()->set_to_generation(current.generation);
    *message.mutable_delta()->mutable_delta() = std::move(delta);
  }
  sent_ = current;
  sent_news_ = true;
  return message;
}

absl::Status StateFeed::OnAck(uint64_t generation) {
  if (sent_.state == nullptr || generation > sent_.generation) {
    return absl::InvalidArgumentError(fmt::format("ack of generation {}, but the newest sent is {}",
                                                  generation,
                                                  sent_.state == nullptr ? 0 : sent_.generation));
  }
  acked_ = std::max(acked_, generation);
  return absl::OkStatus();
}

std::optional<uint64_t> StateFeed::TakeCovered() {
  if (sent_.state == nullptr) return std::nullopt;
  const uint64_t covered = acked_ >= sent_.generation ? checked_revision_ : acked_;
  if (covered <= covered_) return std::nullopt;
  covered_ = covered;
  return covered;
}

}  // namespace outrider::controller
