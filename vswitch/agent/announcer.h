// Announces ports of provider segments to their physical networks when they begin to forward on
// this host. Owns what is still to be said; knows what is in force only from its callers.
//
// A port is announced several times, for frames get lost, and no faster than kBurst frames each
// kBurstGap, however many ports and VLANs there are.
//
// Thread rule: every method on the executor's thread; outlives its work there.
#ifndef OUTRIDER_VSWITCH_AGENT_ANNOUNCER_H_
#define OUTRIDER_VSWITCH_AGENT_ANNOUNCER_H_

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vswitch/agent/announcement.h"
#include "vswitch/agent/executor.h"
#include "vswitch/state/host_state.h"
#include "vswitch/sys/netlink/frame_sender.h"

namespace outrider::agent {

class Announcer {
 public:
  // After the port began to forward.
  static constexpr std::array<Executor::Duration, 5> kTimes = {
      std::chrono::milliseconds(0), std::chrono::milliseconds(50), std::chrono::milliseconds(250),
      std::chrono::seconds(1), std::chrono::seconds(3)};
  static constexpr size_t kBurst = 64;
  static constexpr Executor::Duration kBurstGap = std::chrono::milliseconds(10);

  using Ips = std::set<IpAddress>;
  // Addresses that neighbours know, by segment and MAC.
  using NeighborIps = std::map<std::pair<Vni, MacAddress>, Ips>;

  // `uplinks`: names and devices. Executor and sender outlive the announcer.
  Announcer(Executor* executor, sys::FrameSender* sender,
            std::map<std::string, std::string> uplinks)
      : executor_(executor), sender_(sender), uplinks_(std::move(uplinks)) {}

  // The port forwards by `in_force` from now on. `ips`: those of its own beside what the neighbours
  // say. In place of what was to be said of it before.
  void Announce(const PortId& id, const state::HostState& in_force, const std::set<IpAddress>& ips);
  // The same for those of `ports`, with addresses of their own, that are in a segment which the
  // uplink's `device` carries.
  void AnnounceBehind(const std::string& device, const std::map<PortId, Ips>& ports,
                      const state::HostState& in_force);
  // The port forwards no more: nothing further is said of it.
  void Forget(const PortId& id) { rounds_.erase(id); }

 private:
  struct Addressed {
    std::string device;
    Frame frame;
  };
  using Round = std::shared_ptr<const std::vector<Addressed>>;
  struct Pending {
    PortId id;
    Round round;
    size_t next = 0;
  };

  void Begin(const PortId& id, const Round& round);
  // Of the uplink that carries the segment; nullptr: none does.
  const std::string* DeviceOf(const Vni& vni, const state::HostState& in_force) const;
  bool IsBehind(const std::string& device, const state::Port& port,
                const state::HostState& in_force) const;
  Round FramesOf(const state::Port& port, const state::HostState& in_force,
                 const NeighborIps& neighbors, const Ips& ips) const;
  void Enqueue(const PortId& id, const Round& round);
  // As much of the queue as may be sent now; the rest follows.
  void SendQueued();
  void Send(const Addressed& frame);

  Executor* const executor_;
  sys::FrameSender* const sender_;
  const std::map<std::string, std::string> uplinks_;
  // What is said of a port now; another round is out of date.
  std::map<PortId, Round> rounds_;
  std::deque<Pending> queue_;
  // Frames that may be sent until the gap at hand is over; whether one is at hand.
  size_t left_ = kBurst;
  bool refilling_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_ANNOUNCER_H_
