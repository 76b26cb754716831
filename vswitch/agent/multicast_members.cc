#include "vswitch/agent/multicast_members.h"

namespace outrider::agent {
namespace {

template <typename Key>
size_t Find(const std::map<Key, size_t>& counts, const Key& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

template <typename Key>
void Decrement(const Key& key, std::map<Key, size_t>* counts) {
  const auto found = counts->find(key);
  if (--found->second == 0) counts->erase(found);
}

}  // namespace

void MulticastMembers::Put(const Member& member, int64_t until_us) {
  const auto [entry, is_new] = members_.try_emplace(member);
  if (is_new) {
    ++by_place_[{member.port, member.group.vni}];
    ++by_port_[member.port];
    if (++by_group_[member.group] == 1) {
      groups_.insert(member.group);
      changed_ = true;
    }
  } else {
    due_.erase({entry->second.due_us, member});
  }
  entry->second = {.until_us = until_us, .due_us = until_us};
  due_.emplace(until_us, member);
}

void MulticastMembers::Remove(const Member& member) {
  const auto entry = members_.find(member);
  if (entry == members_.end()) return;
  due_.erase({entry->second.due_us, member});
  Decrement(std::pair(member.port, member.group.vni), &by_place_);
  Decrement(member.port, &by_port_);
  Decrement(member.group, &by_group_);
  if (!by_group_.contains(member.group)) {
    groups_.erase(member.group);
    changed_ = true;
  }
  members_.erase(entry);
}

void MulticastMembers::Postpone(const Member& member, int64_t due_us) {
  const auto entry = members_.find(member);
  if (entry == members_.end()) return;
  due_.erase({entry->second.due_us, member});
  entry->second.due_us = due_us;
  due_.emplace(due_us, member);
}

std::optional<int64_t> MulticastMembers::UntilOf(const Member& member) const {
  const auto entry = members_.find(member);
  return entry == members_.end() ? std::nullopt : std::optional(entry->second.until_us);
}

std::optional<MulticastMembers::Member> MulticastMembers::FirstDue(int64_t now_us) const {
  if (due_.empty() || due_.begin()->first > now_us) return std::nullopt;
  return due_.begin()->second;
}

std::vector<MulticastMembers::Member> MulticastMembers::NotOf(
    const std::set<std::pair<PortId, Vni>>& places) const {
  std::vector<Member> members;
  for (const auto& [member, times] : members_) {
    if (!places.contains({member.port, member.group.vni})) members.push_back(member);
  }
  return members;
}

std::vector<Membership> MulticastMembers::Of(const PortId& port, int64_t now_us) const {
  std::vector<Membership> memberships;
  for (const auto& [member, times] : members_) {
    if (member.port != port || times.until_us <= now_us) continue;
    memberships.push_back({.group = member.group, .left_us = times.until_us - now_us});
  }
  return memberships;
}

size_t MulticastMembers::CountOf(const PortId& port, const Vni& vni) const {
  return Find(by_place_, std::pair(port, vni));
}

size_t MulticastMembers::CountOf(const PortId& port) const { return Find(by_port_, port); }

}  // namespace outrider::agent
