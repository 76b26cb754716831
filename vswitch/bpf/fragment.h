/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Fragments of a stateful port. The first one has the ports and is judged as its connection is; the
 * later ones pass by the note it leaves. A note is forgotten after the time reassembly may take
 * (RFC 791, RFC 8200), or when another datagram of the port's guest, in that direction, wants its
 * place: one of OR_FRAGMENT_SLOTS, which follows from the datagram's id. Of as many datagrams with
 * ids in a row each has its own; two with random ids may have the same. A fragment that overtakes
 * its first one is judged by rules alone.
 */
#ifndef OUTRIDER_BPF_FRAGMENT_H_
#define OUTRIDER_BPF_FRAGMENT_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

#define OR_REASSEMBLY_S 30

/* All that is sure to be the same in every fragment of a datagram. */
static __always_inline bool or_same_datagram(const struct or_datagram *d, const struct or_frame *f)
{
	const __u64 *src = (const __u64 *)d->src, *dst = (const __u64 *)d->dst;
	const __u64 *from = (const __u64 *)f->src, *to = (const __u64 *)f->dst;

	return src[0] == from[0] && src[1] == from[1] && dst[0] == to[0] && dst[1] == to[1] &&
	       d->vni == f->vni && d->id == f->fragment_id &&
	       d->protocol == (f->ether == OR_ETHER_IPV4 ? f->protocol : 0);
}

static __always_inline void or_note_datagram(struct or_datagram *d, const struct or_frame *f)
{
	__builtin_memcpy(d->src, f->src, 16);
	__builtin_memcpy(d->dst, f->dst, 16);
	d->vni = f->vni;
	d->id = f->fragment_id;
	d->protocol = f->ether == OR_ETHER_IPV4 ? f->protocol : 0;
}

/* Of a first fragment, which may pass: leaves the note. Of a later one: whether it may pass by it.
 */
static __noinline bool or_fragment_passes(const struct or_frame *f, __u32 index, bool from_guest)
{
	struct or_fragments *fragments = bpf_map_lookup_elem(&or_fragments, &index);
	__u32 slot = (f->fragment_id ^ f->fragment_id >> 8) & (OR_FRAGMENT_SLOTS - 1);
	__u32 now = bpf_ktime_get_coarse_ns() / 1000000000ull;
	struct or_datagram *d;
	bool passes = true;

	if (!fragments)
		return false;
	d = &fragments->slots[slot + (from_guest ? 0 : OR_FRAGMENT_SLOTS)];
	bpf_spin_lock(&fragments->lock);
	if (f->flags & OR_FRAME_NO_LAYER4) {
		passes = d->expires_s > now && or_same_datagram(d, f);
	} else if (!or_tracing) {
		or_note_datagram(d, f);
		d->expires_s = now + OR_REASSEMBLY_S;
	}
	bpf_spin_unlock(&fragments->lock);
	return passes;
}

#endif /* OUTRIDER_BPF_FRAGMENT_H_ */
