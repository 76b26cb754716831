// What hosts say of the multicast groups their guests joined. In memory only: it is of the guests,
// and comes again. Guests change it as they like, so it reaches other hosts once a second at most.
#include <utility>

#include "controller/session/session_hub.h"

namespace outrider::controller {

absl::Status SessionHub::HandleMulticast(const HostSession& session,
                                         const v1::MulticastMemberships& memberships) {
  auto groups = ReadMemberships(memberships);
  if (!groups.ok()) return AgentsFault(groups.status());
  multicast_until_us_.erase(session.host());
  SetMulticast(session.host(), *std::move(groups));
  return absl::OkStatus();
}

void SessionHub::SetMulticast(const std::string& host, std::optional<MulticastGroups> groups) {
  const auto known = multicast_.find(host);
  const std::set<std::string> affected = repository_->Read([&](const Model& model) {
    return HostsOfMulticast(model, host, known == multicast_.end() ? nullptr : &known->second,
                            groups ? &*groups : nullptr);
  });
  if (groups) {
    multicast_[host] = *std::move(groups);
  } else if (known != multicast_.end()) {
    multicast_.erase(known);
  }
  for (const std::string& other : affected) {
    if (other != host) multicast_due_.insert(other);
  }
  PushMulticast(clock_->NowUs());
}

void SessionHub::PushMulticast(int64_t now_us) {
  for (auto due = multicast_due_.begin(); due != multicast_due_.end();) {
    const auto found = by_host_.find(*due);
    if (found == by_host_.end()) {  // hears of it when it comes
      due = multicast_due_.erase(due);
      continue;
    }
    HostSession& session = *sessions_.at(found->second);
    if (!session.TakeMulticastTurn(now_us)) {
      ++due;
      continue;
    }
    due = multicast_due_.erase(due);
    session.MarkDirty();
    AfterProgress(session, now_us);
  }
}

void SessionHub::ForgetMulticast(int64_t now_us) {
  for (auto entry = multicast_until_us_.begin(); entry != multicast_until_us_.end();) {
    const auto present = entry++;
    const std::string host = present->first;
    const bool back = by_host_.contains(host);
    if (!back && present->second > now_us) continue;
    multicast_until_us_.erase(present);
    if (!back) SetMulticast(host, std::nullopt);
  }
}

}  // namespace outrider::controller
