/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Head-end replication of broadcast, multicast and flooded unicast: a copy to every local port of
 * the segment but the source, then one to every VTEP that hosts it; of multicast only to those in
 * the frame's scope.
 */
#ifndef OUTRIDER_BPF_REPLICATE_H_
#define OUTRIDER_BPF_REPLICATE_H_

#include "vswitch/bpf/deliver.h"
#include "vswitch/bpf/encap.h"
#include "vswitch/bpf/multicast.h"

struct or_replicator {
	struct __sk_buff *skb;
	struct or_frame *frame;
	__u32 list;
	__u32 local_copies;
};

static long or_replicate_step(__u32 slot, void *context)
{
	struct or_replicator *r = context;
	struct or_replication_key key = {.list = r->list, .slot = slot};
	const __u32 *entry = bpf_map_lookup_elem(&or_replication, &key);
	struct or_frame *f = r->frame;
	__u32 index, device;

	if (!entry)
		return 0;
	index = *entry;
	if (slot < r->local_copies) {
		if (index == f->port || !or_is_in_scope(f, index))
			return 0;
		f->takers++;
		if (or_deliver_copy(r->skb, f, index))
			return 0;
		or_count_drop(f->port, OR_DROP_REDIRECT_FAILED, f);
		return 1;
	}
	if (!or_is_in_scope(f, OR_MULTICAST_VTEP | index))
		return 0;
	device = or_encapsulate(r->skb, f, index);
	if (!device)
		or_count_drop(f->port, OR_DROP_ENCAP_FAILED, f);
	else if (or_clone_redirect(r->skb, device))
		or_count_drop(f->port, OR_DROP_REDIRECT_FAILED, f);
	return 0;
}

/* Copies go to local ports first: the tunnel key stays with the packet. `remote` false: split
 * horizon. The frame itself ends here, without being a drop. A TC verdict.
 *
 * The list and the counts may for once be another segment's, or of two (segment_table.h): no copy
 * depends on them to stay in the frame's segment. `local_copies` is read once, so that a slot
 * beyond it is walked only if `remote`. */
static __noinline int or_replicate(struct __sk_buff *skb, struct or_frame *f,
				   const struct or_segment *segment, bool remote)
{
	struct or_replicator r = {
		.skb = skb,
		.frame = f,
		.list = segment->replication,
		.local_copies = segment->local_copies,
	};
	__u32 copies = r.local_copies;

	if (remote)
		copies += segment->remote_copies;
	if (copies > OR_MAX_COPIES)
		copies = OR_MAX_COPIES;
	or_trace(OR_TRACE_REPLICATE, f->port, r.list, segment->local_copies,
		 (remote ? segment->remote_copies : 0) | ((__u64)f->scope << OR_TRACE_SCOPE_SHIFT));
	bpf_loop(copies, or_replicate_step, &r, 0);
	return TC_ACT_STOLEN;
}

/* Of a frame from elsewhere, to the ports here; for none of them it is a drop of the host's, for
 * `reason`: no port has counted it. A TC verdict. */
static __always_inline int or_replicate_here(struct __sk_buff *skb, struct or_frame *f,
					     const struct or_segment *segment, __u32 reason)
{
	or_replicate(skb, f, segment, false);
	return f->takers ? TC_ACT_STOLEN : or_drop(0, reason, f);
}

#endif /* OUTRIDER_BPF_REPLICATE_H_ */
