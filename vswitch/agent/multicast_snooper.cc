#include "vswitch/agent/multicast_snooper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>

namespace outrider::agent {
namespace {

using datapath::MulticastMember;

// The first of so many are logged.
constexpr uint64_t kLogEach = 1000;

MulticastMember Member(const PortId& port, const Vni& vni, const IpAddress& group) {
  return {.port = port, .group = {.vni = vni, .group = group}};
}

}  // namespace

int64_t BootMicros() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

absl::Status MulticastSnooper::Start() {
  ASSIGN_OR_RETURN(members_, dependencies_.path->ReadMembers());
  next_query_us_ = dependencies_.clock() + int64_t{kQueryIntervalS} * 1'000'000;
  ScheduleTick();
  return absl::OkStatus();
}

void MulticastSnooper::SetObserver(std::function<void(const Groups&)> observer) {
  observer_ = std::move(observer);
  if (observer_) observer_(told_);
}

void MulticastSnooper::Follow(const state::HostState& applied) {
  std::set<Place> places;
  const bool any = std::any_of(applied.segments.begin(), applied.segments.end(),
                               [](const auto& entry) { return entry.second.snoop_multicast; });
  if (!any && places_.empty()) return;
  for (const auto& [id, port] : applied.ports) {
    if (!port.device || port.phase != state::PortPhase::kActive) continue;
    for (const Vni& vni : state::SegmentsOf(port)) {
      const auto segment = applied.segments.find(vni);
      const bool snoops = segment != applied.segments.end() && segment->second.snoop_multicast;
      if (snoops) places.emplace(id, vni);
    }
  }
  if (places == places_) return;
  places.swap(places_);
  const std::map<MulticastMember, int64_t> members = members_;
  for (const auto& [member, until_us] : members) {
    if (!places_.contains({member.port, member.group.vni})) Remove(member);
  }
  for (const Place& place : places_) {
    if (!places.contains(place)) Ask(place);
  }
  Tell();
}

void MulticastSnooper::OnMulticast(const datapath::MulticastEvent& event) {
  dependencies_.executor->Post([this, event] { Handle(event); });
}

void MulticastSnooper::Handle(const datapath::MulticastEvent& event) {
  const Place place(event.port, event.vni);
  if (!places_.contains(place)) return;
  const absl::StatusOr<MulticastMessage> message = ParseMulticastMessage(event.packet);
  if (!message.ok()) {
    if (ignored_++ % kLogEach == 0) {
      spdlog::warn("port {}: a multicast message is ignored: {} ({} since the start)",
                   event.port.ToString(), Message(message.status()), ignored_);
    }
    return;
  }
  if (message->is_query) HandleQuery(place, message->family);
  for (const MembershipRecord& record : message->records) HandleRecord(place, record);
  Tell();
}

void MulticastSnooper::HandleQuery(const Place& place, IpFamily family) {
  const int64_t now = dependencies_.clock();
  queries_[{place.second, family}] = now;
  Put(Member(place.first, place.second, IpAddress()), now + kRouterTime.count());
}

// Who leaves is asked whether it was the last one: behind a port there may be several.
void MulticastSnooper::HandleRecord(const Place& place, const MembershipRecord& record) {
  const MulticastMember member = Member(place.first, place.second, record.group);
  const auto known = members_.find(member);
  const int64_t now = dependencies_.clock();
  if (record.joined) {
    if (known == members_.end() && CountOf(place) >= kMaxGroups) {
      if (ignored_++ % kLogEach == 0) {
        spdlog::warn("port {}: group {} is ignored: {} groups are joined, no more are kept",
                     place.first.ToString(), record.group.ToString(), kMaxGroups);
      }
      return;
    }
    return Put(member, now + kMembershipTime.count());
  }
  if (known == members_.end() || known->second <= now + kLeaveTime.count()) return;
  Put(member, now + kLeaveTime.count());
  Send(place, GroupQuery(record.group));
}

void MulticastSnooper::Put(const MulticastMember& member, int64_t until_us) {
  const absl::Status status = dependencies_.path->PutMember(member, until_us);
  if (status.ok()) {
    members_[member] = until_us;
  } else if (!absl::IsNotFound(status)) {
    spdlog::warn("multicast group {}: {}", datapath::KeyText(member.group), Message(status));
  }
}

void MulticastSnooper::Remove(const MulticastMember& member) {
  const absl::Status status = dependencies_.path->RemoveMember(member);
  // What stays in the datapath is tried again with the next tick.
  if (status.ok() || absl::IsNotFound(status)) members_.erase(member);
}

size_t MulticastSnooper::CountOf(const Place& place) const {
  const MulticastMember first = Member(place.first, place.second, IpAddress());
  size_t count = 0;
  for (auto member = members_.lower_bound(first);
       member != members_.end() && member->first.port == place.first &&
       member->first.group.vni == place.second;
       ++member) {
    ++count;
  }
  return count;
}

void MulticastSnooper::ScheduleTick() {
  dependencies_.executor->PostAfter(kTick, [this] {
    Tick();
    ScheduleTick();
  });
}

void MulticastSnooper::Tick() {
  const int64_t now = dependencies_.clock();
  const std::map<MulticastMember, int64_t> members = members_;
  for (const auto& [member, until_us] : members) {
    const bool wanted = places_.contains({member.port, member.group.vni});
    if (until_us <= now || !wanted) Remove(member);
  }
  if (now >= next_query_us_) {
    next_query_us_ = now + int64_t{kQueryIntervalS} * 1'000'000;
    for (const Place& place : places_) Ask(place);
  }
  Tell();
}

void MulticastSnooper::Ask(const Place& place) {
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    if (!IsAsked(place.second, family)) Send(place, GeneralQuery(family));
  }
}

bool MulticastSnooper::IsAsked(const Vni& vni, IpFamily family) const {
  const auto heard = queries_.find({vni, family});
  return heard != queries_.end() && dependencies_.clock() - heard->second < kRouterTime.count();
}

void MulticastSnooper::Send(const Place& place, const std::vector<uint8_t>& frame) {
  const absl::Status status = dependencies_.path->SendToGuest(place.first, place.second, frame);
  if (!status.ok()) {
    spdlog::debug("port {}: no query was sent: {}", place.first.ToString(), Message(status));
  }
}

void MulticastSnooper::Tell() {
  Groups groups;
  for (const auto& [member, until_us] : members_) groups.insert(member.group);
  if (groups == told_) return;
  told_ = std::move(groups);
  if (observer_) observer_(told_);
}

}  // namespace outrider::agent
