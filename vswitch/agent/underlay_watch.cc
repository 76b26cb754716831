#include "vswitch/agent/underlay_watch.h"

namespace outrider::agent {

absl::Status UnderlayWatch::Start() {
  ASSIGN_OR_RETURN(watch_, sys::NextHopWatch::Create(
                               [this](const sys::NextHopEvent& event) { OnEvent(event); }));
  // What was found before is what it was when nobody listened.
  OnEvent({.kind = sys::NextHopEvent::Kind::kRoutes});
  executor_->PostAfter(kRenewal, [this] { Renew(); });
  return absl::OkStatus();
}

void UnderlayWatch::OnEvent(const sys::NextHopEvent& event) {
  if (event.kind == sys::NextHopEvent::Kind::kNeighbor) {
    executor_->Post([this, hop = event.hop] {
      if (!stopped_) path_->RefreshUnderlay(hop);
    });
    return;
  }
  if (!due_.exchange(true)) executor_->Post([this] { Refresh(); });
}

void UnderlayWatch::Refresh() {
  if (resting_ || stopped_) return;
  if (!due_.exchange(false)) return;
  resting_ = true;
  path_->RefreshUnderlay(std::nullopt);
  executor_->PostAfter(kPause, [this] {
    resting_ = false;
    Refresh();
  });
}

void UnderlayWatch::Stop() {
  watch_.reset();
  stopped_ = true;
}

void UnderlayWatch::Renew() {
  if (stopped_) return;
  path_->RenewUnderlay();
  executor_->PostAfter(kRenewal, [this] { Renew(); });
}

}  // namespace outrider::agent
