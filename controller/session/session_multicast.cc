// What hosts say of the multicast groups their guests joined. In memory only: it is of the guests,
// and comes again.
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

void SessionHub::SetMulticast(const std::string& host, MulticastGroups groups) {
  const MulticastGroups before = std::exchange(multicast_[host], std::move(groups));
  const MulticastGroups& after = multicast_[host];
  const std::set<std::string> affected =
      repository_->Read([&](const Model& model) { return HostsOfMulticast(model, before, after); });
  if (after.empty()) multicast_.erase(host);
  for (const std::string& other : affected) {
    const auto found = by_host_.find(other);
    if (found == by_host_.end() || other == host) continue;
    HostSession& session = *sessions_.at(found->second);
    session.MarkDirty();
    AfterProgress(session, clock_->NowUs());
  }
}

void SessionHub::ForgetMulticast(int64_t now_us) {
  for (auto entry = multicast_until_us_.begin(); entry != multicast_until_us_.end();) {
    const auto present = entry++;
    const std::string host = present->first;
    const bool back = by_host_.contains(host);
    if (!back && present->second > now_us) continue;
    multicast_until_us_.erase(present);
    if (!back) SetMulticast(host, {});
  }
}

}  // namespace outrider::controller
