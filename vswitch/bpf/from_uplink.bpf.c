// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Ingress of an uplink: what a physical network sends in the VLANs of this host's segments. All
 * other VLANs pass untouched; in ours the host stays a station of the network: what is for its own
 * MAC, broadcast and multicast reach its stack as well. Drops here belong to no port.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "vswitch/bpf/deliver.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/fdb.h"
#include "vswitch/bpf/parse.h"
#include "vswitch/bpf/replicate.h"
#include "vswitch/bpf/station.h"
#include "vswitch/bpf/uplink.h"
#include "vswitch/bpf/vlan.h"

/* The tag that names the segment, as it was. */
struct or_uplink_tag {
	__u16 proto_be;
	__u16 tci;
	bool present;
};

/* The functions below have frames of their own, which end before the copies are made: Linux 6.1
 * counts the stack of the longest chain of calls. */

/* The VNI of the frame's VLAN, by its outermost tag; 0: not one of ours. */
static __noinline __u32 or_uplink_segment(struct __sk_buff *skb, struct or_uplink_tag *tag)
{
	struct or_uplink_vlan key = {.ifindex = skb->ifindex};
	const __u32 *vni;

	if (!or_vlan_offload(skb))
		return 0;
	tag->present = skb->vlan_present;
	if (tag->present) {
		tag->proto_be = skb->vlan_proto;
		tag->tci = skb->vlan_tci;
		if (tag->proto_be != bpf_htons(OR_ETH_P_8021Q))
			return 0;
		key.vlan = tag->tci & OR_VLAN_VID;
	}
	vni = bpf_map_lookup_elem(&or_uplink_vlans, &key);
	return vni ? *vni : 0;
}

/* Where the frame is bound for by the FDB, or by what was learned from ports: an or_fdb_kind above
 * the index; 0: unknown. */
static __noinline __u64 or_locate(const struct or_frame *f)
{
	struct or_fdb to;

	if (!or_fdb_find(f, &to) && !or_find_learned(f, &to))
		return 0;
	return (__u64)to.kind << 32 | to.index;
}

/* Whether the frame is the host's alone: for its own MAC, or a control frame of the link. */
static __always_inline bool or_is_for_host(struct __sk_buff *skb, struct or_frame *f)
{
	if (bpf_skb_load_bytes(skb, 0, f->eth_dst, 6))
		return true;
	if (or_is_link_local(f->eth_dst))
		return true;
	return skb->pkt_type == PACKET_HOST && !or_locate(f);
}

/* A frame with our own port's source came back, by a loop or a mirror. */
static __noinline bool or_is_own_source(const struct or_frame *f)
{
	return or_fdb_index(or_fdb_place(or_fdb_word(f->eth_src, f->vni), f->vni), OR_FDB_LOCAL);
}

/* Takes the segment's tag off, parses, learns. 0, or the reason to drop. */
static __noinline __u32 or_admit_from_uplink(struct __sk_buff *skb, struct or_frame *f,
					     const struct or_uplink_tag *tag, __u32 mtu)
{
	__u32 reason;

	if (tag->present && bpf_skb_vlan_pop(skb))
		return OR_DROP_MALFORMED;
	reason = or_vlan_keep(skb, f);
	if (!reason)
		reason = or_parse(skb, f);
	if (reason)
		return reason;
	if (or_is_own_source(f))
		return OR_DROP_OWN_SOURCE;
	or_hear_source(f);
	return f->l3_length > mtu ? OR_DROP_OVER_MTU : 0;
}

/* Gives the host's stack the frame as it came. */
static __always_inline int or_pass_to_host(struct __sk_buff *skb, const struct or_frame *f,
					   const struct or_uplink_tag *tag)
{
	skb->mark = 0;
	if (tag->present && bpf_skb_vlan_push(skb, tag->proto_be, tag->tci))
		return or_drop(0, OR_DROP_REDIRECT_FAILED, f);
	return TC_ACT_UNSPEC;
}

/* What the segment refuses. A broadcast is the host's as well, which has an MTU of its own, but not
 * what the host has sent itself. */
static __always_inline int or_refuse_from_uplink(struct __sk_buff *skb, const struct or_frame *f,
						 const struct or_uplink_tag *tag, __u32 reason)
{
	or_count_drop(0, reason, f);
	if (!or_is_multicast(f->eth_dst) || reason == OR_DROP_OWN_SOURCE)
		return TC_ACT_SHOT;
	return or_pass_to_host(skb, f, tag);
}

static __always_inline int or_switch_from_uplink(struct __sk_buff *skb, struct or_frame *f,
						 const struct or_segment *segment,
						 const struct or_uplink_tag *tag)
{
	__u64 to;

	if (or_is_multicast(f->eth_dst)) {
		__u32 reason = or_scope_multicast(skb, f, segment->flags);

		if (reason)
			or_count_drop(0, reason, f);
		else
			or_replicate(skb, f, segment, false);
		return or_pass_to_host(skb, f, tag);
	}
	to = or_locate(f);
	if (to >> 32 == OR_FDB_LOCAL)
		return or_deliver(skb, f, to);
	if (to || or_is_station(f))
		return or_drop(0, OR_DROP_SPLIT_HORIZON, f);
	if (segment->flags & OR_SEGMENT_FLOOD_UNKNOWN)
		return or_replicate_here(skb, f, segment, OR_DROP_UNKNOWN_UNICAST);
	return or_drop(0, OR_DROP_UNKNOWN_UNICAST, f);
}

SEC("tc")
int or_from_uplink(struct __sk_buff *skb)
{
	const struct or_segment *segment;
	struct or_uplink_tag tag = {};
	struct or_frame *f;
	__u32 vni, reason;

	vni = or_uplink_segment(skb, &tag);
	if (!vni)
		return TC_ACT_UNSPEC;
	f = or_new_frame(skb, 2);
	if (!f)
		return TC_ACT_SHOT;
	f->vni = vni;
	if (or_is_for_host(skb, f))
		return TC_ACT_UNSPEC;
	/* One version of it as long as the frame is looked at, as with a port's row; but for its
	 * list. */
	segment = bpf_map_lookup_elem(&or_segments, &vni);
	if (!segment)
		return or_drop(0, OR_DROP_SEGMENT_UNKNOWN, f);
	reason = or_admit_from_uplink(skb, f, &tag, segment->mtu);
	if (reason)
		return or_refuse_from_uplink(skb, f, &tag, reason);
	return or_switch_from_uplink(skb, f, segment, &tag);
}
