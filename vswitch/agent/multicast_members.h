// Who is a member of which multicast group until when, found by time and counted by group, place
// and port: every call costs the logarithm of how many there are. A value; knows no datapath and no
// clock.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_AGENT_MULTICAST_MEMBERS_H_
#define OUTRIDER_VSWITCH_AGENT_MULTICAST_MEMBERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "vswitch/datapath/multicast_path.h"

namespace outrider::agent {

// Of one port: what it has joined, and for how long that holds from a moment on, microseconds.
struct Membership {
  state::MulticastKey group;
  int64_t left_us = 0;
  bool operator==(const Membership&) const = default;
};

class MulticastMembers {
 public:
  using Member = datapath::MulticastMember;
  using Groups = std::set<state::MulticastKey>;

  // Also renews. Times: microseconds, of one clock.
  void Put(const Member& member, int64_t until_us);
  void Remove(const Member& member);
  // Looked at again at `due_us`, though its time is over.
  void Postpone(const Member& member, int64_t due_us);

  // nullopt: none.
  std::optional<int64_t> UntilOf(const Member& member) const;
  // One whose time is over.
  std::optional<Member> FirstDue(int64_t now_us) const;
  // Those of ports and segments that are none of `places`.
  std::vector<Member> NotOf(const std::set<std::pair<PortId, Vni>>& places) const;

  // Those of a port whose time is not over, by group.
  std::vector<Membership> Of(const PortId& port, int64_t now_us) const;

  size_t CountOf(const PortId& port, const Vni& vni) const;
  size_t CountOf(const PortId& port) const;
  bool empty() const { return members_.empty(); }

  // Groups that have a member.
  const Groups& groups() const { return groups_; }
  // Whether they have changed since the last call.
  bool TakeChanged() { return std::exchange(changed_, false); }

 private:
  struct Times {
    int64_t until_us = 0;
    int64_t due_us = 0;
  };

  std::map<Member, Times> members_;
  std::set<std::pair<int64_t, Member>> due_;
  std::map<std::pair<PortId, Vni>, size_t> by_place_;
  std::map<PortId, size_t> by_port_;
  std::map<state::MulticastKey, size_t> by_group_;
  Groups groups_;
  bool changed_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MULTICAST_MEMBERS_H_
