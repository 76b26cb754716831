// What one host should do with frames, as an immutable value: segments, who is where, rule sets and
// ports. Knows nothing of protobuf, netlink or eBPF. Ages, counters and learned hints stay out of
// it.
//
// Thread rule: values; share them as std::shared_ptr<const HostState>.
#ifndef OUTRIDER_VSWITCH_STATE_HOST_STATE_H_
#define OUTRIDER_VSWITCH_STATE_HOST_STATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "vswitch/state/port_policy.h"
#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::state {

// A VLAN of a physical network.
struct Provider {
  // Name of this host's uplink to the network, 1..63 bytes.
  std::string uplink;
  // 0: untagged.
  uint16_t vlan = 0;
  auto operator<=>(const Provider&) const = default;
};

// A layer-2 broadcast domain on this host: of the controller's, or by its VNI local to this host.
struct Segment {
  // Largest layer-3 packet of its ports, bytes.
  uint32_t mtu = 0;
  bool flood_unknown_unicast = false;
  bool suppress_arp = true;
  // The same for IPv6 neighbour solicitations.
  bool suppress_nd = true;
  // IP multicast goes to who joined its group, and to multicast routers.
  bool snoop_multicast = false;
  // Of groups nobody joined: to routers alone. Only with snoop_multicast.
  bool drop_unknown_multicast = false;
  // Remote VTEPs with ports in the segment: replication list and accepted outer sources. A local
  // segment has none.
  std::set<IpAddress> vteps;
  // What carries the segment instead of VXLAN; a VLAN carries one segment. Excludes VTEPs.
  std::optional<Provider> provider = {};
  bool operator==(const Segment&) const = default;
};

struct FdbKey {
  Vni vni;
  MacAddress mac;
  auto operator<=>(const FdbKey&) const = default;
};

struct FdbEntry {
  // A port of this host, or a remote VTEP.
  std::variant<PortId, IpAddress> where;
  Epoch epoch{};
  bool operator==(const FdbEntry&) const = default;
};

struct NeighborKey {
  Vni vni;
  IpAddress ip;
  auto operator<=>(const NeighborKey&) const = default;
};

// Inclusive range of layer-4 ports, host byte order.
struct PortRange {
  uint16_t first = 0;
  uint16_t last = 65535;
  auto operator<=>(const PortRange&) const = default;
};

enum class EtherMatch : uint8_t { kAny, kIpv4, kIpv6, kArp };
// kAllowRelated: allow, and the answers and related errors of the connection. kReject: drop, and
// say so to the sender.
enum class AclAction : uint8_t { kAllow, kDrop, kAllowRelated, kReject };
// kNone: whole packets. kFirst: the fragment with the layer-4 header; kLater: all others.
enum class FragmentMatch : uint8_t { kAny, kNone, kSome, kFirst, kLater };

// One rule. An absent optional matches everything. Direction-less: a RuleSet is used for either.
//
// A frame that lacks a field (ports of ARP) is not matched by a rule that names it. Of a later
// fragment the layer-4 fields are unknown: rules that allow and name them do not match it, rules
// that drop or reject do.
struct AclRule {
  EtherMatch ether = EtherMatch::kAny;
  std::optional<IpPrefix> src;
  std::optional<IpPrefix> dst;
  // 0: any.
  uint8_t protocol = 0;
  std::optional<PortRange> src_port;
  std::optional<PortRange> dst_port;
  std::optional<uint8_t> icmp_type;
  std::optional<uint8_t> icmp_code;
  AclAction action = AclAction::kDrop;
  std::optional<MacAddress> src_mac;
  std::optional<MacAddress> dst_mac;
  // 0: any.
  uint16_t ether_number = 0;
  // 0: untagged.
  std::optional<uint16_t> vlan;
  // Names of groups (GroupMember::group); empty: any. Not beside a prefix of the same side.
  std::string src_group;
  std::string dst_group;
  // TCP flags (the byte with CWR..FIN): frame & mask == value. Mask 0: any.
  uint8_t tcp_flags_mask = 0;
  uint8_t tcp_flags_value = 0;
  FragmentMatch fragment = FragmentMatch::kAny;
  // Frames with at least one of these IPv6 extension headers; bits as in AclMatch.Ipv6Extension,
  // from 1. 0: any.
  uint8_t ipv6_extensions = 0;
  // Frames to log per second at most, for each port. 0: none.
  uint32_t log_rate = 0;
  // By which people know the rule, from 1. 0: not known.
  uint32_t number = 0;
  bool operator==(const AclRule&) const = default;
};

// Rules in order; the first that matches decides. Immutable, named by the digest of its content.
struct RuleSet {
  std::vector<AclRule> rules;
  AclAction default_action = AclAction::kDrop;
  bool operator==(const RuleSet&) const = default;
};

// What VLAN tags mean on a port; the words of Open vSwitch's vlan_mode.
enum class VlanMode : uint8_t { kAccess, kTrunk, kNativeTagged, kNativeUntagged, kDot1qTunnel };

// Beside Port::vni, the segment of untagged frames. VLAN ids are 1..4094.
struct PortVlans {
  VlanMode mode = VlanMode::kAccess;
  // Trunk modes: the segment of each VLAN, each segment once; without the native one.
  std::map<uint16_t, Vni> trunk = {};
  // Native modes: the VLAN of Port::vni; else 0.
  uint16_t native = 0;
  // kDot1qTunnel: customer VLANs that may pass. Empty: all, and untagged frames.
  std::set<uint16_t> customer = {};
  bool operator==(const PortVlans&) const = default;
};

enum class PortPhase : uint8_t {
  kBlocked,  // forwards nothing
  kArmed,    // everything is in force, forwards nothing yet; the guest's first frame is reported
  kActive,   // forwards
  // The guest runs elsewhere. Nothing goes to its device or comes from it; what comes for the port
  // follows its departure.
  kDeparted,
};

// Where a port of a migration that is not over comes from: what that host sends after the guest
// bears the mark.
struct Arrival {
  // By which the source's frames come.
  IpAddress vtep;
  // 1..65535. With `vtep` it names one port of this host.
  uint16_t label = 0;
  // Host id of the source, at most 63 bytes. The agent's own knowledge: datapaths do not have it.
  std::string host = {};
  bool operator==(const Arrival&) const = default;
};

struct Port {
  // Zero: not known, on a port that learns.
  MacAddress mac;
  // Absent on a trunk without a native VLAN, and while the port has no profile; such a port is
  // blocked. A port's segments are local, all of them, or none is. On a local trunk it may be there
  // without a native VLAN.
  std::optional<Vni> vni;
  PortVlans vlans;
  // Profile name, at most 63 bytes, and revision: for receipts and people.
  std::string profile;
  uint32_t profile_revision = 0;
  // Keys in HostState::rule_sets; absent: everything is allowed.
  std::optional<Digest> ingress_rule_set;
  std::optional<Digest> egress_rule_set;
  Policer ingress_policer;
  Policer egress_policer;
  StormControl storm;
  DscpPolicy dscp;
  Shaper shaper;
  // 0..7, higher first.
  uint8_t traffic_class = 0;
  bool mac_anti_spoof = true;
  // Source addresses must be among `allowed`.
  bool ip_anti_spoof = false;
  // What the guest may use as its own beside `mac`. A MAC is in it once.
  std::vector<AllowedAddress> allowed;
  // Different source MACs at once, where there is no MAC anti-spoofing; 0: no limit.
  uint32_t max_macs = 0;
  // What sends from it is found there, whatever its MAC, until it ages. In local segments only.
  bool learn_macs = false;
  // Of its device, bytes; 0: in local segments the device's own, else its segments'. In local
  // segments only.
  uint16_t mtu_request = 0;
  bool dhcp_server_guard = true;
  bool ra_guard = true;
  PortPhase phase = PortPhase::kBlocked;
  Epoch epoch{};
  bool report_first_frame = false;
  // The migration that expects the port; empty otherwise. At most 63 bytes.
  std::string migration_id;
  std::optional<Arrival> arrival = {};
  // Connections that an older rule set admitted go on; otherwise they are judged again.
  bool keep_established = false;
  // Most connections at once. 0: none; rules that remember connections then admit nothing.
  uint32_t max_connections = 0;
  // Network device the port is bound to on this host, at most 15 bytes; absent for an expected
  // port.
  std::optional<std::string> device;
  bool operator==(const Port&) const = default;
};

// An address range that belongs to a group which rules name.
struct GroupMember {
  // "address/<name>" or "port/<name>", at most 79 bytes.
  std::string group;
  IpPrefix prefix;
  auto operator<=>(const GroupMember&) const = default;
};

// A multicast group in a segment that snoops. The group :: stands for the multicast routers.
struct MulticastKey {
  Vni vni;
  IpAddress group;
  auto operator<=>(const MulticastKey&) const = default;
};

// Where a migration that is armed, or switching, takes a port of this host.
struct Departure {
  // 1..63 bytes.
  std::string migration_id;
  // Absent: there is no way to the destination.
  std::optional<IpAddress> vtep = {};
  // Under which the destination holds, or will hold, the port.
  Epoch epoch{};
  // Marks what is sent after the guest; 0: nothing is.
  uint16_t label = 0;
  // The destination's host id, at most 63 bytes, and "address:port" of its agent, at most 63;
  // empty: it does not listen. The agent's own knowledge: datapaths do not have them.
  std::string host = {};
  std::string peer = {};
  bool operator==(const Departure&) const = default;
};

// A port of another host that a port of this one asks for echoes while it moves. The agent's own:
// datapaths do not have it.
struct MoveProbe {
  // 1..63 bytes.
  std::string migration_id;
  // Whose MAC and address are used.
  PortId from;
  IpAddress from_ip;
  // Of the port that moves; the address is of the family of `from_ip`.
  MacAddress mac;
  IpAddress ip;
  // Requests per second, 1..kMaxProbeRate.
  uint32_t rate_pps = 0;
  bool operator==(const MoveProbe&) const = default;
};

struct HostState {
  std::map<Vni, Segment> segments;
  std::map<FdbKey, FdbEntry> fdb;
  std::map<NeighborKey, MacAddress> neighbors;
  std::map<Digest, RuleSet> rule_sets;
  std::map<PortId, Port> ports;
  // Groups without a member are not named anywhere.
  std::set<GroupMember> group_members;
  // The VTEPs behind which a group has members; never none.
  std::map<MulticastKey, std::set<IpAddress>> multicast_groups;
  // Of ports that are, or were, here.
  std::map<PortId, Departure> departures = {};
  // Of ports that are not here.
  std::map<PortId, MoveProbe> probes = {};
  bool operator==(const HostState&) const = default;
};

// All segments of a port: that of untagged frames and those of its VLANs.
std::set<Vni> SegmentsOf(const Port& port);

// Whether the port is in local segments: plain switching on this host, which is nobody else's.
bool IsLocal(const Port& port);

// One port, or segment by itself, as Validate below; `state` has what it refers to.
absl::Status ValidatePort(const HostState& state, const PortId& id, const Port& port);
absl::Status ValidateSegment(const Vni& vni, const Segment& segment);

// Whether the state is whole: every reference resolves (FDB ports, rule sets, segments), limits
// hold (rules per set, MTU, VLAN ids), no VLAN carries two segments. InvalidArgument names the
// first object that is not.
absl::Status Validate(const HostState& state);

// Most rules a set may have.
inline constexpr size_t kMaxRules = 10240;
// Bytes of a group's name, and of an uplink's.
inline constexpr size_t kMaxGroupName = 79;
inline constexpr size_t kMaxUplinkName = 63;
inline constexpr uint32_t kMaxLogRate = 1000;
inline constexpr uint32_t kMaxProbeRate = 1000;

}  // namespace outrider::state

#endif  // OUTRIDER_VSWITCH_STATE_HOST_STATE_H_
