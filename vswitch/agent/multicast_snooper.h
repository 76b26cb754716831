// Keeps who joined which multicast group in the segments that snoop (RFC 4541): reads what guests
// report, lets memberships run out, asks guests where no router does, and tells the controller
// which groups the host wants. Owns the local half of the datapath's memberships; the other half
// comes with the host's state. Knows no rings, maps or wire.
//
// Thread rule: the reconciler's executor, but for OnMulticast (any thread).
#ifndef OUTRIDER_VSWITCH_AGENT_MULTICAST_SNOOPER_H_
#define OUTRIDER_VSWITCH_AGENT_MULTICAST_SNOOPER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/multicast_members.h"
#include "vswitch/agent/multicast_messages.h"
#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/multicast_path.h"

namespace outrider::agent {

class MulticastSnooper {
 public:
  // RFC 3376, 8.4 and 8.5; RFC 3376, 8.8: two questions a second apart.
  static constexpr Executor::Duration kMembershipTime = std::chrono::seconds(260);
  static constexpr Executor::Duration kRouterTime = std::chrono::seconds(255);
  // Without a general query for so long guests are asked here: they have 10 s to answer, before the
  // memberships end that they reported to the router.
  static constexpr Executor::Duration kQuerierTime = std::chrono::seconds(245);
  static constexpr Executor::Duration kLeaveTime = std::chrono::seconds(2);
  static constexpr Executor::Duration kTick = std::chrono::seconds(1);
  // Between two words to the observer.
  static constexpr Executor::Duration kTellGap = std::chrono::milliseconds(100);
  // Of one port in one segment, and in all of them; more are refused.
  static constexpr size_t kMaxGroups = 256;
  static constexpr size_t kMaxPortGroups = 1024;
  // Messages of one port that wait for the executor; others are dropped, and repeated by the guest
  // when it is asked next.
  static constexpr size_t kMaxWaiting = 64;

  // Groups some port of the host joined; of a segment with a multicast router also the group ::.
  using Groups = MulticastMembers::Groups;

  // All outlive the snooper. `clock`: CLOCK_BOOTTIME, microseconds.
  struct Dependencies {
    Executor* executor;
    datapath::MulticastPath* path;
    std::function<int64_t()> clock;
  };
  explicit MulticastSnooper(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  // Takes over what earlier processes knew, and begins to look at the time.
  absl::Status Start();
  // Told of the groups when they have changed, and at once of the present ones.
  void SetObserver(std::function<void(const Groups&)> observer);
  // What is in force: which ports are in segments that snoop. New ones are asked at once; those
  // that left are forgotten.
  void Follow(const state::HostState& applied);
  void OnMulticast(const datapath::MulticastEvent& event);

  // ---- Moving ----
  // What the port's guest has joined, for the host it moves to.
  std::vector<Membership> MembershipsOf(const PortId& port) const;
  // What the guest of a port that arrives, or has arrived, had joined on its former host. It counts
  // from now on, so that other hosts send it here before the guest comes. Limits are those of what
  // guests report; what is known here already stays.
  void TakeOver(const PortId& port, const std::vector<Membership>& memberships);

  const Groups& groups() const { return members_.groups(); }
  // Messages that were none, and joins above the limits, since the start.
  uint64_t ignored() const { return ignored_; }
  // Messages above kMaxWaiting, since the start.
  uint64_t dropped() const { return dropped_; }

 private:
  using Place = std::pair<PortId, Vni>;

  void Handle(const datapath::MulticastEvent& event);
  // Whether the message may wait with those of its port.
  bool Admit(const PortId& port);
  void Leave(const PortId& port);
  void HandleQuery(const Place& place, const MulticastMessage& message);
  void HandleRecord(const Place& place, const MembershipRecord& record);
  void Put(const datapath::MulticastMember& member, int64_t until_us);
  void Remove(const datapath::MulticastMember& member);
  bool HasRoom(const Place& place) const;
  void Tick();
  // Where a router fell silent, before the memberships it kept alive end.
  void TakeOverQueries(int64_t now);
  void ScheduleTick();
  // General queries, of the families no router asks for.
  void Ask(const Place& place);
  void Send(const Place& place, const std::vector<uint8_t>& frame);
  bool IsAsked(const Vni& vni, IpFamily family) const;
  // Says so when the groups have changed.
  void Tell();

  const Dependencies dependencies_;
  std::function<void(const Groups&)> observer_;
  std::set<Place> places_;
  // Of ports that wait for their guest: nobody is asked there.
  std::set<Place> awaited_;
  MulticastMembers members_;
  // When a router's general query was heard last, within kQuerierTime.
  std::map<std::pair<Vni, IpFamily>, int64_t> queries_;
  int64_t next_query_us_ = 0;
  bool followed_ = false;
  bool telling_ = false;
  uint64_t ignored_ = 0;
  uint64_t failed_ = 0;
  std::mutex waiting_mutex_;
  std::map<PortId, size_t> waiting_;  // messages, under waiting_mutex_
  std::atomic<uint64_t> dropped_ = 0;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MULTICAST_SNOOPER_H_
