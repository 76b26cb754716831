/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Keys and values of the maps that the eBPF programs and the agent share. Included by both; never
 * write such a struct twice. Multi-byte fields are in host byte order unless the name ends in _be.
 *
 * Layout rule: a change of any struct here changes OR_ABI_VERSION, which is part of the pin path,
 * so that programs never meet maps of another layout.
 *
 * Who writes: "agent" is the one reconciler thread; "bpf" the programs. No map has two writers of
 * one field.
 */
#ifndef OUTRIDER_ABI_OR_ABI_H_
#define OUTRIDER_ABI_OR_ABI_H_

#include "vswitch/abi/or_acl.h"
#include "vswitch/abi/or_connection.h"
#include "vswitch/abi/or_fdb.h"
#include "vswitch/abi/or_move.h"
#include "vswitch/abi/or_multicast.h"
#include "vswitch/abi/or_policy.h"
#include "vswitch/abi/or_types.h"
#include "vswitch/abi/or_uplink.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

#define OR_ABI_VERSION 7

/* Capacities: a full map is an error the agent reports, never an eviction. */
#define OR_MAX_PORTS 4096
/* More than the VLANs of one trunk. */
#define OR_MAX_SEGMENTS 16384
#define OR_MAX_NEIGHBORS (1u << 18)
#define OR_MAX_VTEPS 16384
#define OR_MAX_MEMBERS (1u << 18)
#define OR_MAX_RULE_SETS 4096
#define OR_MAX_GROUPS 16384
#define OR_MAX_GROUP_MEMBERS (1u << 18)
#define OR_MAX_GROUP_ROWS (1u << 16)
#define OR_MAX_RULE_COUNTS (1u << 20)
#define OR_MAX_QUOTAS (1u << 17)
#define OR_MAX_REPLICATION (1u << 18)
/* VLANs of all different VLAN maps together. */
#define OR_MAX_VLANS (1u << 18)
/* Segments of this host alone have numbers from here on, outside of what a VXLAN header can say. */
#define OR_LOCAL_VNI (1u << 24)
/* Copies of one BUM frame, local ports and VTEPs together. */
#define OR_MAX_COPIES 1024
/* Of all ports together; a port's own share is or_port.max_connections. */
#define OR_MAX_CONNECTIONS (1u << 20)

/* ---- or_devices: ifindex (u32) -> port index (u32). Writer: agent. ---- */

/* ---- or_ports: port index (u32, 1..OR_MAX_PORTS-1) -> struct or_port_slot. Writer: agent. ----
 * An array: no port's row is ever in memory that was another's a moment ago. */
enum or_port_phase {
  OR_PORT_BLOCKED = 0,
  OR_PORT_ARMED = 1,
  OR_PORT_ACTIVE = 2,
  /* The guest runs elsewhere: nothing from or to the device; what comes follows or_departures. */
  OR_PORT_DEPARTED = 3,
};

/* What tags mean on a port (VlanSection.Mode). A value that is none of these passes nothing. */
enum or_vlan_mode {
  OR_VLAN_ACCESS = 0,
  OR_VLAN_TRUNK = 1,
  OR_VLAN_NATIVE_TAGGED = 2,
  OR_VLAN_NATIVE_UNTAGGED = 3,
  OR_VLAN_DOT1Q_TUNNEL = 4,
};

#define OR_PORT_ANTI_SPOOF (1u << 0)
/* Emit an or_event for the guest's first frame (once, see or_first_frames). */
#define OR_PORT_REPORT_FIRST_FRAME (1u << 1)
/* Frames are looked up in or_connections, and rules may open connections. */
#define OR_PORT_STATEFUL (1u << 2)
/* Connections that another rule set admitted go on. */
#define OR_PORT_KEEP_ESTABLISHED (1u << 3)
/* A rule set names groups: what admitted a connection is its content and or_group_revision. */
#define OR_PORT_NAMES_GROUPS (1u << 4)
/* What it sends from is remembered in or_stations. Of ports in local segments only. */
#define OR_PORT_LEARN_MACS (1u << 5)
/* It has a departure: or_moves says where its frames go. */
#define OR_PORT_MOVING (1u << 6)
/* Its egress list may reject a frame, which then becomes the answer to its sender. */
#define OR_PORT_REJECTS (1u << 7)

/* A super-packet that came through a tunnel and was unpacked here goes on whole. A tap would have
 * it cut up: the kernel still takes it for one of a tunnel. */
#define OR_DEVICE_TAKES_UNPACKED (1u << 0)
/* A veth whose other end is in another network namespace, and without a queue that shapes: frames
 * may be put there straight. */
#define OR_DEVICE_PEER (1u << 1)

struct or_port {
  or_u32 ifindex; /* 0: expected, no device yet */
  or_u32 vni;     /* segment of untagged frames; 0: none (a trunk, or phase is BLOCKED) */
  or_u8 mac[6];
  or_u8 phase;             /* enum or_port_phase */
  or_u8 flags;             /* OR_PORT_* */
  or_u32 ingress_rule_set; /* id in or_rule_sets; 0: allow everything */
  or_u32 egress_rule_set;
  or_u32 mtu;      /* layer-3, bytes; of trunks the largest of their segments */
  or_u32 vlan_map; /* id in or_vlan_segments and or_vlan_tags; 0: none */
  or_u64 epoch;
  or_u32 policy;    /* OR_POLICY_* */
  or_u32 limits;    /* id in or_limits; 0: no limits */
  or_u32 allowed;   /* list in or_allowed; 0: nothing beside the port's MAC */
  or_u32 max_macs;  /* source MACs in a window of or_mac_windows; 0: no limit */
  or_u8 dscp;       /* with OR_POLICY_MARK */
  or_u8 outer_dscp; /* with OR_POLICY_PIPE */
  or_u8 traffic_class;
  or_u8 vlan_mode;        /* enum or_vlan_mode */
  or_u32 max_connections; /* 0: none, then not STATEFUL */
  /* The first 8 bytes of the rule sets' digests, 0 without a set: what a connection remembers of
   * who admitted it. Of the content, not an id: ids are used again after a restart. */
  or_u64 ingress_content;
  or_u64 egress_content;
  or_u32 device;  /* OR_DEVICE_*: what it is, not what it should do */
  or_u32 limited; /* bit i: `limits` has one of enum or_limit_kind i */
};
OR_STATIC_ASSERT(sizeof(struct or_port) == 88, "or_port layout");

/* A port's row, in force at once and whole: the agent writes the row that `active` does not name,
 * then `active`. It does not write the other one again before every frame that read it has gone. */
struct or_port_slot {
  or_u32 active; /* 0: no such port; 1, 2: rows[active - 1] */
  or_u32 pad;
  struct or_port rows[2];
};
OR_STATIC_ASSERT(sizeof(struct or_port_slot) == 184, "or_port_slot layout");

/* ---- or_port_info: port index (u32) -> struct or_port_info. Agent only: what ReadState needs and
 * frames do not. */
struct or_port_info {
  or_u8 uuid[16];
  char device[16];  /* NUL-padded; empty: none */
  char profile[64]; /* NUL-padded */
  char migration[64];
  or_u32 profile_revision;
  or_u16 mtu_request; /* of the device; 0: none */
  or_u8 local;        /* 1: in segments of this host alone */
  or_u8 pad;
  or_u64 shaper_min_kbps; /* of the device's queue; max 0: none */
  or_u64 shaper_max_kbps;
  or_u64 shaper_burst_kb;
};
OR_STATIC_ASSERT(sizeof(struct or_port_info) == 192, "or_port_info layout");

/* ---- or_segments: vni (u32) -> struct or_segment. Writer: agent. ---- */
#define OR_SEGMENT_FLOOD_UNKNOWN (1u << 0)
#define OR_SEGMENT_SUPPRESS_ARP (1u << 1)
#define OR_SEGMENT_SUPPRESS_ND (1u << 2)
#define OR_SEGMENT_SNOOP_MULTICAST (1u << 3)
/* With SNOOP: frames of groups that nobody joined go to multicast routers alone. */
#define OR_SEGMENT_DROP_UNKNOWN_MULTICAST (1u << 4)
/* Carried by the VLAN that or_providers says; there are no remote copies. */
#define OR_SEGMENT_PROVIDER (1u << 8)

struct or_segment {
  or_u32 flags; /* OR_SEGMENT_* */
  or_u32 mtu;
  or_u32 replication;   /* list id in or_replication */
  or_u32 local_copies;  /* slots 0..local_copies-1 are local ports */
  or_u32 remote_copies; /* the following slots are VTEPs */
  or_u32 pad;
};
OR_STATIC_ASSERT(sizeof(struct or_segment) == 24, "or_segment layout");

/* ---- or_vlan_segments: struct or_vlan_key -> VNI (u32). What a guest sends in a VLAN belongs to
 * this segment. In a dot1q-tunnel the rows are the customer's allowed VLANs, all of the port's one
 * segment; without a map all are allowed. A map of VLANs is written before a port names it, shared
 * by all ports with the same content, never changed, and removed after no port names it. Writer:
 * agent. */
struct or_vlan_key {
  or_u32 map;
  or_u32 vlan; /* 1..4094; 0: untagged */
};

/* ---- or_vlan_tags: struct or_vlan_tag_key -> VLAN (u32, 0: untagged). What goes to the guest from
 * a segment gets this tag: the other direction of the same map. Not for dot1q-tunnels. Writer:
 * agent. */
struct or_vlan_tag_key {
  or_u32 map;
  or_u32 vni;
};

/* ---- or_replication: struct or_replication_key -> u32. A list is written before the segment names
 * it, never changed, and removed after no segment names it. Writer: agent.
 * Value: port index for local slots, VTEP index for remote ones. */
struct or_replication_key {
  or_u32 list;
  or_u32 slot;
};

/* ---- or_vteps: VTEP index (u32, 1..) -> struct or_vtep. Writer: agent. ---- */
#define OR_MAX_PATHS 4u /* a power of two */

/* A way over the underlay: a device, and the MACs of a frame that leaves by it. */
struct or_path {
  or_u32 ifindex;
  or_u8 eth_dst[6]; /* of the next hop, or of the VTEP on the same link */
  or_u8 eth_src[6];
};
OR_STATIC_ASSERT(sizeof(struct or_path) == 16, "or_path layout");

struct or_vtep {
  or_u8 address[16]; /* wire order, IPv4-mapped for IPv4 */
  or_u32 paths;      /* 0: by the tunnel device, which asks the kernel for the way */
  or_u32 pad;
  struct or_path path[OR_MAX_PATHS];
};
OR_STATIC_ASSERT(sizeof(struct or_vtep) == 88, "or_vtep layout");

/* ---- or_underlay: 0 -> struct or_underlay. What the agent knows of the underlay holds as long as
 * it looks at it. Writer: agent. ---- */
struct or_underlay {
  or_u64 until_ns; /* CLOCK_MONOTONIC; then paths are not used */
};

/* ---- or_changes: 0 -> u64, one more after every change of another map by the agent, and of
 * connections by what it runs. What was decided before is decided anew (vswitch/bpf/cache.h).
 * Mapped by the agent. Writers: agent, bpf. ---- */

/* ---- or_flow_counts: enum or_flow_count (u32) -> u64 per CPU. Writer: bpf. ---- */
enum or_flow_count {
  OR_FLOW_HITS = 0, /* frames that went the way of those before them */
  OR_FLOW_KEPT = 1, /* ways that were remembered */
};
#define OR_FLOW_COUNTS 2

/* ---- or_detours: enum or_detour (u32) -> frames (u64) per CPU that went by the tunnel device.
 * Writer: bpf. ---- */
#define OR_DETOURS(X)                                                                     \
  X(NO_PATH, 0, "no_path", "the next hop, or its MAC, is not known")                      \
  X(STALE, 1, "stale", "the agent does not look at the underlay, or must not")            \
  X(NOT_IP, 2, "not_ip", "ARP, or another protocol the kernel makes no room in front of") \
  X(TAGGED, 3, "tagged", "a customer's VLAN tag stays on it")                             \
  X(REFUSED, 4, "refused", "the kernel did not make room for the headers")                \
  X(CHECKSUM, 5, "checksum", "the outer UDP header is to have a checksum")
#define OR_DETOUR_COUNT 6u
/* Families of outer headers. */
#define OR_CHECKSUM_IPV4 (1u << 0)
#define OR_CHECKSUM_IPV6 (1u << 1)

enum or_detour {
#define OR_DETOUR_ENUM(name, number, text, meaning) OR_DETOUR_##name = number,
  OR_DETOURS(OR_DETOUR_ENUM)
#undef OR_DETOUR_ENUM
};

/* ---- or_members: struct or_member_key -> VTEP index (u32). Outer sources accepted for a VNI.
 * Writer: agent. */
struct or_member_key {
  or_u32 vni;
  or_u8 address[16]; /* as in or_vtep */
};
OR_STATIC_ASSERT(sizeof(struct or_member_key) == 20, "or_member_key layout");

/* ---- or_neighbors: struct or_neighbor_key -> struct or_neighbor. Writer: agent. ---- */
struct or_neighbor_key {
  or_u32 vni;
  or_u8 address[16]; /* IPv4-mapped for IPv4 */
};
struct or_neighbor {
  or_u8 mac[6];
  or_u16 pad;
};

/* ---- or_rule_sets: id (u32, 1..) -> image of the set (or_acl.h), an array of struct or_acl_line.
 * Immutable once it is here: another content is another id. Writer: agent. */

/* ---- or_port_stats: port index (u32) -> per-CPU struct or_port_stats. Created and deleted by the
 * agent, counted by bpf. */
struct or_port_stats {
  or_u64 rx_packets; /* from the guest, wire frames (GSO counted as segments) */
  or_u64 rx_bytes;
  or_u64 tx_packets; /* to the guest */
  or_u64 tx_bytes;
};

/* ---- or_drops: struct or_drop_key -> per-CPU struct or_drop_count. Created by bpf at the first
 * drop, deleted by the agent with its port. Port index 0: drops that belong to no port. */
struct or_drop_key {
  or_u32 port;
  or_u32 reason; /* enum or_drop_reason */
};
struct or_drop_count {
  or_u64 packets;
  or_u64 bytes;
};

/* ---- or_counter_bases: port index (u32) -> struct or_counter_base: what the port counted on the
 * hosts it was on before; what is told is the sum. or_rule_bases: struct or_rule_count_key ->
 * struct or_rule_count, likewise of rules. Writer and reader: agent; deleted with the port, rules'
 * also with their set. */
#define OR_MAX_DROP_REASONS 128
struct or_counter_base {
  struct or_port_stats stats;
  or_u64 drops[OR_MAX_DROP_REASONS]; /* packets, by enum or_drop_reason */
};
OR_STATIC_ASSERT(sizeof(struct or_counter_base) == 32 + 8 * OR_MAX_DROP_REASONS,
                 "or_counter_base layout");

/* ---- or_first_frames: port index (u32) -> struct or_first_frame. Written once by bpf
 * (BPF_NOEXIST) while the port has OR_PORT_REPORT_FIRST_FRAME or is ARMED; an ARMED port with an
 * entry is open. Deleted by the agent when a port begins to wait (another epoch, another migration,
 * or it was not ARMED), and when it no longer reports. */
struct or_first_frame {
  or_u64 boot_ns;    /* CLOCK_BOOTTIME */
  or_u16 ether_type; /* host order */
  or_u8 pad[2];
  or_u32 told; /* 1: the agent has its event; else the next frame tries again */
};
OR_STATIC_ASSERT(sizeof(struct or_first_frame) == 16, "or_first_frame layout");

/* ---- or_events: ring buffer of structs that begin with a kind, bpf -> agent. ---- */
enum or_event_kind {
  OR_EVENT_FIRST_FRAME = 1, /* struct or_event */
  OR_EVENT_ACL = 2,         /* struct or_acl_event */
  OR_EVENT_MULTICAST = 3,   /* struct or_multicast_event */
  OR_EVENT_RETURNED = 4,    /* struct or_event: a redirected port's guest runs on here */
};

struct or_event {
  or_u32 kind;       /* enum or_event_kind */
  or_u32 port;       /* port index */
  or_u64 boot_ns;    /* CLOCK_BOOTTIME */
  or_u16 ether_type; /* host order */
  or_u8 phase;       /* enum or_port_phase when seen */
  or_u8 pad[5];
};
OR_STATIC_ASSERT(sizeof(struct or_event) == 24, "or_event layout");

/* A frame that a rule decided on which asks for a log. */
struct or_acl_event {
  or_u32 kind;   /* enum or_event_kind */
  or_u32 port;   /* port index, whose list it was */
  or_u32 number; /* of the rule, in the profile's list */
  or_u32 length; /* wire bytes */
  or_u8 src[16]; /* with `ip` */
  or_u8 dst[16];
  or_u8 eth_src[6];
  or_u8 eth_dst[6];
  or_u16 ether_type; /* host order */
  or_u16 src_port;   /* host order; 0: none */
  or_u16 dst_port;
  or_u8 action;   /* enum or_acl_action */
  or_u8 to_guest; /* 1: the egress list */
  or_u8 ip;       /* 1: addresses and protocol are set */
  or_u8 protocol;
  or_u8 pad[2];
};
OR_STATIC_ASSERT(sizeof(struct or_acl_event) == 72, "or_acl_event layout");

/* skb->mark of a frame on its way out of deliver(port): or_port_guard lets only frames through
 * whose mark names its own port, so nothing but deliver() reaches a guest. */
#define OR_MARK_MAGIC 0x4f520000u
/* Of a frame on its way to the tunnel device (no port has index 0): or_tunnel_guard lets only these
 * through. */
#define OR_MARK_TUNNEL OR_MARK_MAGIC
/* Of a frame that the agent sends to a port's device in its guest's name, with the port's index:
 * or_port_guard turns it round, so that or_from_port has it as if the guest had sent it. */
#define OR_MARK_FROM_GUEST 0x4f540000u

OR_STATIC_ASSERT(OR_MAX_VTEPS <= 1u << OR_FDB_INDEX_BITS && OR_MAX_PORTS <= 1u << OR_FDB_INDEX_BITS,
                 "indices in or_fdb");

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_ABI_H_ */
