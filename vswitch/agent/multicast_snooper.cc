#include "vswitch/agent/multicast_snooper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

namespace outrider::agent {
namespace {

using datapath::MulticastMember;

// The first of so many are logged.
constexpr uint64_t kLogEach = 1000;

MulticastMember Member(const PortId& port, const Vni& vni, const IpAddress& group) {
  return {.port = port, .group = {.vni = vni, .group = group}};
}

}  // namespace

absl::Status MulticastSnooper::Start() {
  ASSIGN_OR_RETURN(const auto members, dependencies_.path->ReadMembers());
  for (const auto& [member, until_us] : members) members_.Put(member, until_us);
  next_query_us_ = dependencies_.clock() + int64_t{kQueryIntervalS} * 1'000'000;
  ScheduleTick();
  return absl::OkStatus();
}

void MulticastSnooper::SetObserver(std::function<void(const Groups&)> observer) {
  observer_ = std::move(observer);
  if (observer_) observer_(groups());
}

void MulticastSnooper::Follow(const state::HostState& applied) {
  std::set<Place> places;
  std::set<Place> awaited;
  const bool any = std::any_of(applied.segments.begin(), applied.segments.end(),
                               [](const auto& entry) { return entry.second.snoop_multicast; });
  if (!any && places_.empty() && awaited_.empty() && members_.empty()) return;
  for (const auto& [id, port] : applied.ports) {
    const bool waits = port.phase == state::PortPhase::kArmed && port.arrival.has_value();
    if (!waits && (!port.device || port.phase != state::PortPhase::kActive)) continue;
    for (const Vni& vni : state::SegmentsOf(port)) {
      const auto segment = applied.segments.find(vni);
      const bool snoops = segment != applied.segments.end() && segment->second.snoop_multicast;
      if (snoops) (waits ? awaited : places).emplace(id, vni);
    }
  }
  // The first time there may be members of an earlier process.
  const bool same = places == places_ && awaited == awaited_;
  if (same && std::exchange(followed_, true)) return;
  places.swap(places_);
  awaited_ = awaited;
  awaited.insert(places_.begin(), places_.end());
  for (const MulticastMember& member : members_.NotOf(awaited)) Remove(member);
  for (const Place& place : places_) {
    if (!places.contains(place)) Ask(place);
  }
  Tell();
}

void MulticastSnooper::OnMulticast(const datapath::MulticastEvent& event) {
  if (!Admit(event.port)) return;
  dependencies_.executor->Post([this, event] {
    Leave(event.port);
    Handle(event);
  });
}

std::vector<Membership> MulticastSnooper::MembershipsOf(const PortId& port) const {
  return members_.Of(port, dependencies_.clock());
}

void MulticastSnooper::TakeOver(const PortId& port, const std::vector<Membership>& memberships) {
  const int64_t now = dependencies_.clock();
  for (const Membership& one : memberships) {
    const Place place(port, one.group.vni);
    if (!places_.contains(place) && !awaited_.contains(place)) continue;
    const MulticastMember member = Member(port, one.group.vni, one.group.group);
    if (members_.UntilOf(member) || !HasRoom(place)) continue;
    Put(member, now + std::min(one.left_us, int64_t{kMembershipTime.count()}));
  }
  Tell();
}

bool MulticastSnooper::Admit(const PortId& port) {
  const std::lock_guard lock(waiting_mutex_);
  size_t& waiting = waiting_[port];
  if (waiting == kMaxWaiting) {
    ++dropped_;
    return false;
  }
  ++waiting;
  return true;
}

void MulticastSnooper::Leave(const PortId& port) {
  const std::lock_guard lock(waiting_mutex_);
  const auto waiting = waiting_.find(port);
  if (--waiting->second == 0) waiting_.erase(waiting);
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
  if (message->is_query) HandleQuery(place, *message);
  for (const MembershipRecord& record : message->records) HandleRecord(place, record);
  Tell();
}

// Who asks for one group has not asked for the others.
void MulticastSnooper::HandleQuery(const Place& place, const MulticastMessage& message) {
  const int64_t now = dependencies_.clock();
  if (message.is_general) queries_[{place.second, message.family}] = now;
  Put(Member(place.first, place.second, IpAddress()), now + kRouterTime.count());
}

// Who leaves is asked whether it was the last one: behind a port there may be several.
void MulticastSnooper::HandleRecord(const Place& place, const MembershipRecord& record) {
  const MulticastMember member = Member(place.first, place.second, record.group);
  const std::optional<int64_t> known = members_.UntilOf(member);
  const int64_t now = dependencies_.clock();
  if (record.joined) {
    if (!known && !HasRoom(place)) {
      if (ignored_++ % kLogEach == 0) {
        spdlog::warn(
            "port {}: group {} is ignored: no more than {} groups in a segment and {} in all are "
            "kept ({} ignored since the start)",
            place.first.ToString(), record.group.ToString(), kMaxGroups, kMaxPortGroups, ignored_);
      }
      return;
    }
    return Put(member, now + kMembershipTime.count());
  }
  if (!known || *known <= now + kLeaveTime.count()) return;
  Put(member, now + kLeaveTime.count());
  Send(place, GroupQuery(record.group));
}

void MulticastSnooper::Put(const MulticastMember& member, int64_t until_us) {
  const absl::Status status = dependencies_.path->PutMember(member, until_us);
  if (status.ok()) {
    members_.Put(member, until_us);
  } else if (!absl::IsNotFound(status) && failed_++ % kLogEach == 0) {
    spdlog::warn("multicast group {}: {} ({} since the start)", datapath::KeyText(member.group),
                 Message(status), failed_);
  }
}

// What stays in the datapath is tried again with the next tick.
void MulticastSnooper::Remove(const MulticastMember& member) {
  const absl::Status status = dependencies_.path->RemoveMember(member);
  if (status.ok() || absl::IsNotFound(status)) {
    members_.Remove(member);
  } else {
    members_.Postpone(member, dependencies_.clock() + kTick.count());
  }
}

bool MulticastSnooper::HasRoom(const Place& place) const {
  return members_.CountOf(place.first, place.second) < kMaxGroups &&
         members_.CountOf(place.first) < kMaxPortGroups;
}

void MulticastSnooper::ScheduleTick() {
  dependencies_.executor->PostAfter(kTick, [this] {
    Tick();
    ScheduleTick();
  });
}

void MulticastSnooper::Tick() {
  const int64_t now = dependencies_.clock();
  while (const auto member = members_.FirstDue(now)) Remove(*member);
  TakeOverQueries(now);
  if (now >= next_query_us_) {
    next_query_us_ = now + int64_t{kQueryIntervalS} * 1'000'000;
    for (const Place& place : places_) Ask(place);
  }
  Tell();
}

void MulticastSnooper::TakeOverQueries(int64_t now) {
  for (auto next = queries_.begin(); next != queries_.end();) {
    const auto heard = next++;
    if (now - heard->second < kQuerierTime.count()) continue;
    const auto [vni, family] = heard->first;
    queries_.erase(heard);
    for (const Place& place : places_) {
      if (place.second == vni) Send(place, GeneralQuery(family));
    }
  }
}

void MulticastSnooper::Ask(const Place& place) {
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    if (!IsAsked(place.second, family)) Send(place, GeneralQuery(family));
  }
}

bool MulticastSnooper::IsAsked(const Vni& vni, IpFamily family) const {
  return queries_.contains({vni, family});
}

void MulticastSnooper::Send(const Place& place, const std::vector<uint8_t>& frame) {
  const absl::Status status = dependencies_.path->SendToGuest(place.first, place.second, frame);
  if (!status.ok()) {
    spdlog::debug("port {}: no query was sent: {}", place.first.ToString(), Message(status));
  }
}

// Who hears of them reads them all: not as often as a guest can change them.
void MulticastSnooper::Tell() {
  if (telling_ || !members_.TakeChanged()) return;
  telling_ = true;
  dependencies_.executor->PostAfter(kTellGap, [this] {
    telling_ = false;
    Tell();
  });
  if (observer_) observer_(groups());
}

}  // namespace outrider::agent
