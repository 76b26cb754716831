// What a port remembers, as messages between agents and back. What comes in is another host's word:
// it is taken as far as it makes sense. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_PEER_MESSAGES_H_
#define OUTRIDER_VSWITCH_AGENT_PEER_MESSAGES_H_

#include <string>
#include <vector>

#include "outrider/v1/peer.pb.h"
#include "vswitch/agent/multicast_members.h"
#include "vswitch/datapath/port_memory.h"

namespace outrider::agent {

// Most connections of one request, and most that have ended.
inline constexpr int kMaxConnectionsPerRequest = 1000;
// Limits of a port have places for some.
inline constexpr int kMaxLevelsPerRequest = 64;
// More than a snooper keeps of one port.
inline constexpr int kMaxMembershipsPerRequest = 2048;
// Bytes: so many connections, and counters of the longest profile.
inline constexpr int kMaxPeerMessageBytes = 2 << 20;

v1::PortConnection ToMessage(const datapath::ConnectionRecord& record);
v1::PortLevel ToMessage(const datapath::BucketLevel& level);
v1::PortMembership ToMessage(const Membership& membership);

std::vector<datapath::ConnectionRecord> ConnectionsOf(const v1::PutPortMemoryRequest& request);
std::vector<std::string> EndedOf(const v1::PutPortMemoryRequest& request);
std::vector<datapath::BucketLevel> LevelsOf(const v1::PutPortMemoryRequest& request);
// Of segments and groups that are none are left out.
std::vector<Membership> MembershipsOf(const v1::PutPortMemoryRequest& request);
// Rules of a direction that is none are left out.
datapath::PortCounters CountersOf(const v1::PortCounters& message);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PEER_MESSAGES_H_
