/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The maps and constants of the programs; captures, traces and moves have their own beside them.
 * Keys and values are those of or_abi.h. Where maps are pinned is the loader's business. Hash maps
 * without preallocation: an update replaces the whole element, so that a frame sees one version of
 * it, and memory is used for what exists only.
 */
#ifndef OUTRIDER_BPF_MAPS_H_
#define OUTRIDER_BPF_MAPS_H_

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "vswitch/abi/or_abi.h"
#include "vswitch/abi/or_drop.h"
#include "vswitch/bpf/frame.h"

/* Interface index of the collect-metadata vxlan device; 0: no tunnels. */
const volatile __u32 or_tunnel_ifindex = 0;
/* Outer source addresses of what we send, wire order: IPv4-mapped, and IPv6; all zero: none. */
const volatile __u8 or_local_vtep[16] = {};
const volatile __u8 or_local_vtep6[16] = {};
/* OR_CHECKSUM_*: outer UDP headers that get a checksum, which the kernel makes. */
const volatile __u8 or_checksums = 0;
/* UDP port of VXLAN, host order. */
const volatile __u16 or_vxlan_port = 4789;

/* The policer's record as the verifier wants it: the lock word has a type. */
struct or_policer_locked {
	struct bpf_spin_lock lock;
	__u32 pad;
	struct or_bucket bytes;
	struct or_bucket packets;
};
OR_STATIC_ASSERT(sizeof(struct or_policer_locked) == sizeof(struct or_policer), "or_policer");

/* Likewise. */
struct or_mac_window_locked {
	struct bpf_spin_lock lock;
	__u32 count;
	__u64 start_ns;
};
OR_STATIC_ASSERT(sizeof(struct or_mac_window_locked) == sizeof(struct or_mac_window),
		 "or_mac_window");

/* Likewise. */
struct or_quota_locked {
	struct bpf_spin_lock lock;
	__u32 count;
	__u64 window_ns;
};
OR_STATIC_ASSERT(sizeof(struct or_quota_locked) == sizeof(struct or_quota), "or_quota");

#define OR_HASH(name, key_type, value_type, entries)                                               \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__uint(max_entries, entries);                                                      \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

#define OR_PERCPU_HASH(name, key_type, value_type, entries)                                        \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_HASH);                                            \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__uint(max_entries, entries);                                                      \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

/* ifindex -> port index. Writer: agent. */
OR_HASH(or_devices, __u32, __u32, OR_MAX_PORTS);
/* port index -> struct or_port_slot. Writer: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OR_MAX_PORTS);
	__type(key, __u32);
	__type(value, struct or_port_slot);
} or_ports SEC(".maps");
/* port index -> struct or_port_info. Writer and reader: agent; here so that it lives and dies with
 * the others. */
OR_HASH(or_port_info, __u32, struct or_port_info, OR_MAX_PORTS);
/* id -> struct or_limits. Writer: agent. */
OR_HASH(or_limits, __u32, struct or_limits, OR_MAX_LIMITS);
/* OR_POLICER() -> struct or_policer. Emptied by the agent; contents: bpf. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OR_MAX_PORTS *OR_POLICERS_PER_PORT);
	__type(key, __u32);
	__type(value, struct or_policer_locked);
} or_policers SEC(".maps");
/* list and slot -> struct or_allowed_row. Writer and reader: agent; here so that it lives and dies
 * with the others. */
OR_HASH(or_allowed_rows, struct or_allowed_slot, struct or_allowed_row, OR_MAX_ALLOWED);
/* list and MAC -> 1. Writer: agent. */
OR_HASH(or_allowed_macs, struct or_allowed_mac, __u32, OR_MAX_ALLOWED);
/* list, MAC and prefix -> 1. Writer: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, OR_MAX_ALLOWED);
	__type(key, struct or_allowed_key);
	__type(value, __u32);
} or_allowed SEC(".maps");
/* port index -> struct or_mac_window. Elements: agent; contents: bpf. */
OR_HASH(or_mac_windows, __u32, struct or_mac_window_locked, OR_MAX_PORTS);
/* port index and MAC -> start of its window. Written by bpf, deleted by the agent. */
OR_HASH(or_source_macs, struct or_source_mac, __u64, OR_MAX_SOURCE_MACS);
/* struct or_connection_key -> struct or_connection. Writer: bpf. */
OR_HASH(or_connections, struct or_connection_key, struct or_connection, OR_MAX_CONNECTIONS);
/* port index -> entries it has in or_connections. Elements: agent; contents: bpf. */
OR_HASH(or_connection_counts, __u32, __u32, OR_MAX_PORTS);
/* port index -> struct or_adoption. Elements: agent; its beginning: whoever knows first. */
OR_HASH(or_adoptions, __u32, struct or_adoption, OR_MAX_PORTS);
/* port index -> struct or_fragments. Elements: agent; contents: bpf. */
OR_HASH(or_fragments, __u32, struct or_fragments, OR_MAX_PORTS);
/* VNI -> struct or_segment. Writer: agent. */
OR_HASH(or_segments, __u32, struct or_segment, OR_MAX_SEGMENTS);
/* VLAN map and VLAN -> VNI. Writer: agent. */
OR_HASH(or_vlan_segments, struct or_vlan_key, __u32, OR_MAX_VLANS);
/* VLAN map and VNI -> VLAN. Writer: agent. */
OR_HASH(or_vlan_tags, struct or_vlan_tag_key, __u32, OR_MAX_VLANS);
/* list and slot -> port index or VTEP index. Writer: agent. */
OR_HASH(or_replication, struct or_replication_key, __u32, OR_MAX_REPLICATION);
/* VTEP index -> struct or_vtep. Writer: agent. */
OR_HASH(or_vteps, __u32, struct or_vtep, OR_MAX_VTEPS);
/* 0 -> struct or_underlay. Writer: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_underlay);
} or_underlay SEC(".maps");
/* 0 -> how often maps have changed, u64. Writers: agent, which maps it; what it runs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} or_changes SEC(".maps");
/* enum or_detour -> frames per CPU. Writer: bpf. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OR_DETOUR_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} or_detours SEC(".maps");
/* VNI and outer source -> VTEP index. Writer: agent. */
OR_HASH(or_members, struct or_member_key, __u32, OR_MAX_MEMBERS);
/* group -> number of its members. Writer: agent. */
OR_HASH(or_multicast_groups, struct or_multicast_group, __u32, OR_MAX_MULTICAST_GROUPS);
/* group and place -> until when. Writer: agent. */
OR_HASH(or_multicast_members, struct or_multicast_member, __u64, OR_MAX_MULTICAST_MEMBERS);
/* bucket -> struct or_fdb_bucket. Writer: or_write_fdb. An array that can be mapped begins with a
 * page, so that a bucket is a cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OR_FDB_BUCKETS);
	__type(key, __u32);
	__type(value, struct or_fdb_bucket);
} or_fdb SEC(".maps");
/* bucket -> struct or_fdb_epochs. Writer: or_write_fdb. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OR_FDB_BUCKETS);
	__type(key, __u32);
	__type(value, struct or_fdb_epochs);
} or_fdb_epochs SEC(".maps");
/* VNI and MAC -> struct or_fdb_more. Writer: or_write_fdb. */
OR_HASH(or_fdb_more, struct or_fdb_key, struct or_fdb_more, OR_MAX_FDB_MORE);
/* 0 -> struct or_fdb_head. Writer: or_write_fdb. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_fdb_head);
} or_fdb_head SEC(".maps");
/* number -> struct or_fdb_write. Writers: agent, which maps it; or_write_fdb. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OR_FDB_BATCH);
	__type(key, __u32);
	__type(value, struct or_fdb_write);
} or_fdb_batch SEC(".maps");
/* VNI and IP -> struct or_neighbor. Writer: agent. */
OR_HASH(or_neighbors, struct or_neighbor_key, struct or_neighbor, OR_MAX_NEIGHBORS);
/* VNI -> struct or_provider. Writer: agent. */
OR_HASH(or_providers, __u32, struct or_provider, OR_MAX_PROVIDERS);
/* uplink's ifindex and VLAN -> VNI. Writer: agent. */
OR_HASH(or_uplink_vlans, struct or_uplink_vlan, __u32, OR_MAX_PROVIDERS);
/* VNI and MAC -> struct or_station. Written by bpf, deleted by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OR_MAX_STATIONS);
	__type(key, struct or_fdb_key);
	__type(value, struct or_station);
} or_stations SEC(".maps");
/* Image of a rule set (or_acl.h): line number -> struct or_acl_line. Mapped by the agent to write
 * it in one go. */
struct or_rule_set_image {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct or_acl_line));
};
/* rule set id -> image. Writer: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, OR_MAX_RULE_SETS);
	__type(key, __u32);
	__array(values, struct or_rule_set_image);
} or_rule_sets SEC(".maps");
/* prefix -> combo of groups. Writer: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, OR_MAX_GROUP_MEMBERS);
	__type(key, struct or_group_key);
	__type(value, __u32);
} or_group_combos SEC(".maps");
/* rule set, combo and side -> rules that name one of the groups. Writer: agent. */
OR_HASH(or_group_rows, struct or_group_row_key, struct or_group_row, OR_MAX_GROUP_ROWS);
/* group id -> name, and members of groups. Writer and reader: agent. */
OR_HASH(or_groups, __u32, struct or_group, OR_MAX_GROUPS);
OR_HASH(or_group_members, struct or_group_member, __u32, OR_MAX_GROUP_MEMBERS);
/* 0 -> how often members of groups have changed, u64. Writer: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} or_group_revision SEC(".maps");
/* What rules decided on, per CPU. Created by bpf, deleted by the agent. */
OR_PERCPU_HASH(or_rule_counts, struct or_rule_count_key, struct or_rule_count, OR_MAX_RULE_COUNTS);
/* what is said -> struct or_quota. Created and written by bpf, deleted by the agent. */
OR_HASH(or_quotas, struct or_rule_count_key, struct or_quota_locked, OR_MAX_QUOTAS);
/* port index -> struct or_port_stats per CPU. Elements: agent; contents: bpf. */
OR_PERCPU_HASH(or_port_stats, __u32, struct or_port_stats, OR_MAX_PORTS);
/* port index -> struct or_counter_base; port, rule set and rule -> struct or_rule_count. Writer and
 * reader: agent; here so that they live and die with the others. */
OR_HASH(or_counter_bases, __u32, struct or_counter_base, OR_MAX_PORTS);
OR_HASH(or_rule_bases, struct or_rule_count_key, struct or_rule_count, OR_MAX_RULE_COUNTS);
/* port index and reason -> struct or_drop_count per CPU. Created by bpf, deleted by the agent. */
OR_PERCPU_HASH(or_drops, struct or_drop_key, struct or_drop_count,
	       OR_MAX_PORTS *OR_DROP_REASON_COUNT);
/* port index -> struct or_first_frame. Written once by bpf, deleted by the agent. */
OR_HASH(or_first_frames, __u32, struct or_first_frame, OR_MAX_PORTS);

/* 0: of or_from_port, 1: of or_from_overlay, 2: of or_from_uplink, 3: of or_from_underlay -> struct
 * or_frame. What the programs know of the frame at hand, off the stack, of which Linux 6.1 counts
 * 512 bytes for a program with all it calls. No program interrupts itself: all run with soft
 * interrupts off. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct or_frame);
} or_frame_scratch SEC(".maps");

/* The connection that filter.h looks for, of the frame at hand. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_connection_key);
} or_key_scratch SEC(".maps");

static __always_inline struct or_frame *or_new_frame(struct __sk_buff *skb, __u32 slot)
{
	struct or_frame *f = bpf_map_lookup_elem(&or_frame_scratch, &slot);

	if (!f)
		return NULL;
	__builtin_memset(f, 0, sizeof(*f));
	f->wire_packets = 1;
	f->wire_bytes = skb->len;
	return f;
}

/* The row of a port as it is in force now, or NULL. It stays as it is as long as the frame at hand
 * is looked at. */
static __always_inline const struct or_port *or_port_row(__u32 index)
{
	const struct or_port_slot *slot = bpf_map_lookup_elem(&or_ports, &index);
	__u32 active;

	if (!slot)
		return NULL;
	active = *(const volatile __u32 *)&slot->active;
	return active ? &slot->rows[(active - 1) & 1] : NULL;
}

/* The phase that counts: an ARMED port whose guest has sent its first frame is open, whatever its
 * row still says. */
static __always_inline __u32 or_port_phase(const struct or_port *port, __u32 index)
{
	if (port->phase != OR_PORT_ARMED)
		return port->phase;
	return bpf_map_lookup_elem(&or_first_frames, &index) ? OR_PORT_ACTIVE : OR_PORT_ARMED;
}

/* Whether what the agent knows of the underlay holds now. */
static __always_inline bool or_knows_underlay(void)
{
	__u32 zero = 0;
	const struct or_underlay *underlay = bpf_map_lookup_elem(&or_underlay, &zero);

	return underlay && bpf_ktime_get_coarse_ns() <= underlay->until_ns;
}

/* Connections or the FDB were changed by what the agent runs. Nobody sees the count before the
 * change: an addition is a barrier if its result is asked for. */
static __always_inline void or_note_change(void)
{
	__u32 zero = 0;
	__u64 *changes = bpf_map_lookup_elem(&or_changes, &zero);
	volatile __u64 before = 0;

	if (changes)
		before = __sync_fetch_and_add(changes, 1);
	(void)before;
}

/* struct or_event. Writer: bpf; reader: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} or_events SEC(".maps");

#endif /* OUTRIDER_BPF_MAPS_H_ */
