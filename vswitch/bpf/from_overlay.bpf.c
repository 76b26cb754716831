// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Ingress of the tunnel device: what other hosts send to our guests. Drops here belong to no port.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "vswitch/bpf/deliver.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/encap.h"
#include "vswitch/bpf/fdb.h"
#include "vswitch/bpf/move.h"
#include "vswitch/bpf/overlay.h"
#include "vswitch/bpf/replicate.h"
#include "vswitch/bpf/trace.h"

/* Who sent it, before anything else is looked at: tunnels carry no proof of origin. `guest` gets
 * the port that the frame was sent after; 0: it is for whom it names. */
static __always_inline __u32 or_admit_from_overlay(struct __sk_buff *skb, struct or_frame *f,
						   __u32 *guest)
{
	struct or_member_key from = {};
	__u32 gbp;

	if (!or_decapsulated(skb, &from))
		return OR_DROP_NO_TUNNEL_KEY;
	gbp = or_mark_of(skb);
	if (gbp) {
		*guest = or_expected_guest(&from, gbp);
		if (!*guest)
			return OR_DROP_MOVE_UNKNOWN;
		f->flags = or_flags_of(gbp);
	} else {
		const __u32 *member = bpf_map_lookup_elem(&or_members, &from);

		if (!member)
			return OR_DROP_NOT_A_MEMBER;
		or_trace(OR_TRACE_TUNNEL, 0, *member, from.vni, 0);
	}
	f->vni = from.vni;
	return or_admit_unpacked(skb, f);
}

SEC("tc")
int or_from_overlay(struct __sk_buff *skb)
{
	struct or_frame *f = or_new_frame(skb, 1);
	const struct or_segment *segment;
	__u32 reason, guest = 0;
	struct or_fdb to;

	if (!f)
		return TC_ACT_SHOT;
	reason = or_admit_from_overlay(skb, f, &guest);
	if (reason)
		return or_drop(0, reason, f);
	if (guest) {
		int verdict = or_deliver(skb, f, guest);

		if (f->ether_type != OR_ETHERTYPE_LEAD)
			or_count_arrival(guest, verdict);
		return verdict;
	}
	segment = bpf_map_lookup_elem(&or_segments, &f->vni);
	if (!segment)
		return or_drop(0, OR_DROP_SEGMENT_UNKNOWN, f);
	if (or_is_multicast(f->eth_dst)) {
		reason = or_scope_multicast(skb, f, segment->flags);
		if (reason)
			return or_drop(0, reason, f);
		return or_replicate_here(skb, f, segment, OR_DROP_MULTICAST_UNKNOWN);
	}
	if (or_fdb_find(f, &to)) {
		if (to.kind != OR_FDB_LOCAL)
			return or_drop(0, OR_DROP_SPLIT_HORIZON, f);
		return or_deliver(skb, f, to.index);
	}
	if (segment->flags & OR_SEGMENT_FLOOD_UNKNOWN)
		return or_replicate_here(skb, f, segment, OR_DROP_UNKNOWN_UNICAST);
	return or_drop(0, OR_DROP_UNKNOWN_UNICAST, f);
}
