/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ports on their way to another host (or_move.h). At the source every frame for such a port is
 * recorded; from the guest's pause on it is not delivered but sent after the guest: straight from
 * here, or, while the agent still sends what stands before it, by the agent. The lock of the port's
 * or_moves row gives the order.
 */
#ifndef OUTRIDER_BPF_MOVE_H_
#define OUTRIDER_BPF_MOVE_H_

#include "vswitch/bpf/encap.h"
#include "vswitch/bpf/event.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/move_maps.h"
#include "vswitch/bpf/trace.h"

/* What tells marks of the agent's sockets apart; the rest is the port's index. */
#define OR_MARK_KIND 0xffff0000u

/* Where a frame for a port goes. */
enum or_way {
	OR_WAY_DEVICE,
	OR_WAY_TUNNEL, /* after the guest */
	OR_WAY_RECORD, /* nowhere else: the agent sends it */
	OR_WAY_NONE,   /* there is no way */
};

/* What or_choose_way() is told of a frame. */
#define OR_CHOOSE_DEPARTED (1u << 0) /* its port is */
#define OR_CHOOSE_REFUSED (1u << 1)  /* here: the destination may know better */
#define OR_CHOOSE_ANSWER (1u << 2)   /* it was made here: headers are not those of the frame */

struct or_recorder {
	struct __sk_buff *skb;
	void *record;
	__u64 place;
	__u64 sequence;
	__u32 length;
	__u16 failed;
	__u16 flags; /* OR_RECORDED_* */
};

static __always_inline struct or_move_counts *or_counts_of(__u32 index)
{
	return bpf_map_lookup_elem(&or_move_counts, &index);
}

/* One slot of the frame. */
static long or_record_part(__u32 part, void *context)
{
	struct or_recorder *r = context;
	__u32 key = (r->place + part) & (OR_RECORD_SLOTS - 1);
	__u32 offset = part * OR_RECORD_BYTES, size = r->length - offset;
	struct or_record_slot *slot = bpf_map_lookup_elem(r->record, &key);

	if (!slot) {
		r->failed = 1;
		return 1;
	}
	if (part)
		slot->head.frame = r->place + 1;
	if (size > OR_RECORD_BYTES)
		size = OR_RECORD_BYTES;
	/* It is 1..OR_RECORD_BYTES already; this is how the verifier of Linux 6.1 sees it. */
	asm volatile("" : "+r"(size));
	size = ((size - 1) & (OR_RECORD_BYTES - 1)) + 1;
	if (bpf_skb_load_bytes(r->skb, offset, slot->bytes, size)) {
		r->failed = 1;
		return 1;
	}
	return 0;
}

static __always_inline __u32 or_record_parts(const struct __sk_buff *skb)
{
	__u32 parts = (skb->len + OR_RECORD_BYTES - 1) / OR_RECORD_BYTES;

	return parts && parts <= OR_RECORD_MAX_PARTS ? parts : 1;
}

/* Writes the frame as number `r->sequence` at `r->place`. Not inside of the lock: helpers may not
 * be called there. */
static __noinline void or_record(struct __sk_buff *skb, const struct or_frame *f, __u32 index,
				 struct or_recorder *r)
{
	__u32 key = r->place & (OR_RECORD_SLOTS - 1), parts = or_record_parts(skb);
	struct or_record_slot *slot;

	r->record = bpf_map_lookup_elem(&or_records, &index);
	if (!r->record)
		return;
	slot = bpf_map_lookup_elem(r->record, &key);
	if (!slot)
		return;
	r->skb = skb;
	r->length = skb->len;
	slot->head.sequence = r->sequence;
	slot->head.boot_ns = bpf_ktime_get_boot_ns();
	slot->head.length = skb->len;
	slot->head.vni = f->vni;
	slot->head.gso_size = skb->gso_size;
	slot->head.tag_type = bpf_ntohs(skb->vlan_proto);
	slot->head.tag = skb->vlan_tci;
	slot->head.l4_offset = f->l4_offset;
	slot->head.ether_type = f->ether_type;
	slot->head.protocol = f->protocol;
	slot->head.flags = r->flags | (skb->vlan_present ? OR_RECORDED_TAGGED : 0);
	slot->head.parts = parts;
	if (f->flags & OR_FRAME_FRAGMENT)
		slot->head.flags |= OR_RECORDED_FRAGMENT;
	if (!skb->len || skb->len > OR_RECORD_MAX_PARTS * OR_RECORD_BYTES)
		r->failed = 1;
	else
		bpf_loop(parts, or_record_part, r, 0);
	if (r->failed)
		slot->head.flags |= OR_RECORDED_LOST;
	/* A barrier: who sees this sees the rest. */
	__sync_lock_test_and_set(&slot->head.frame, r->place + 1);
}

static __always_inline bool or_is_redirected(__u32 mode)
{
	return mode == OR_MOVE_QUEUED || mode == OR_MOVE_STRAIGHT;
}

/* The guest runs on here; the agent gives it what it has missed, and until then frames wait. Under
 * the lock. */
static __always_inline void or_begin_return(struct or_move_locked *move, __u64 until_ns)
{
	move->mode = OR_MOVE_RETURNING;
	move->redirected_to = move->next;
	move->until_ns = until_ns;
}

/* Frames wait no longer; those that have are still to be given. Likewise. */
static __always_inline void or_let_pass(struct or_move_locked *move)
{
	move->mode = OR_MOVE_WATCHED;
	move->redirected_to = move->next;
}

/* `told`: OR_CHOOSE_*. */
static __always_inline __u32 or_way_of(__u32 mode, __u32 told)
{
	switch (mode) {
	case OR_MOVE_QUEUED:
		return OR_WAY_RECORD;
	case OR_MOVE_STRAIGHT:
		return OR_WAY_TUNNEL;
	case OR_MOVE_RETURNING:
		return told & OR_CHOOSE_REFUSED ? OR_WAY_NONE : OR_WAY_RECORD;
	}
	return told & (OR_CHOOSE_DEPARTED | OR_CHOOSE_REFUSED) ? OR_WAY_NONE : OR_WAY_DEVICE;
}

/* Takes number and place for a frame of `parts` slots. Under the lock. False: it is not recorded.
 */
static __always_inline bool or_take_place(struct or_move_locked *move, __u32 told, __u32 parts,
					  struct or_recorder *r)
{
	__u32 mode = move->mode;

	r->sequence = move->next;
	r->place = move->place;
	if (told & OR_CHOOSE_REFUSED && !or_is_redirected(mode)) {
		__u64 share = OR_ASIDE_SLOTS + move->place / OR_ASIDE_SHARE;

		/* A guest that is back knows nothing that is not known here. */
		if (mode != OR_MOVE_WATCHED || move->aside + parts > share)
			return false;
		r->flags = OR_RECORDED_REFUSED | OR_RECORDED_ASIDE;
		move->aside += parts;
		move->place += parts;
		return true;
	}
	/* What a departed port sends straight is never delivered here again. */
	if (!mode || (mode == OR_MOVE_STRAIGHT && told & OR_CHOOSE_DEPARTED))
		return false;
	if (told & OR_CHOOSE_REFUSED)
		r->flags = OR_RECORDED_REFUSED;
	if (told & OR_CHOOSE_ANSWER)
		r->flags |= OR_RECORDED_FRAGMENT;
	move->next++;
	move->place += parts;
	return true;
}

/* Where a frame goes that may go to port `index`, which has OR_PORT_MOVING (enum or_way), or which
 * the port refuses, when its guest may take it elsewhere. When the port is DEPARTED and nobody
 * noticed the guest's pause, the redirect begins here. Global, as or_parse() is: verified once. */
__noinline int or_choose_way(struct __sk_buff *skb, const struct or_frame *f, __u32 index,
			     __u32 told)
{
	struct or_move_locked *move = bpf_map_lookup_elem(&or_moves, &index);
	bool departed = told & OR_CHOOSE_DEPARTED;
	struct or_recorder r = {};
	bool recorded, waited;
	__u32 mode, parts;
	__u64 now;

	if (!move || !f)
		return OR_WAY_NONE;
	if (or_tracing) {
		mode = move->mode;
		/* In the end it goes there, whoever sends it. */
		if (mode == OR_MOVE_QUEUED || (mode == OR_MOVE_WATCHED && departed))
			mode = OR_MOVE_STRAIGHT;
		if (mode == OR_MOVE_RETURNING)
			mode = OR_MOVE_WATCHED;
		return or_way_of(mode, told);
	}
	parts = or_record_parts(skb);
	now = bpf_ktime_get_boot_ns();
	bpf_spin_lock(&move->lock);
	/* The agent is dead, or too busy: it gives the guest later what has waited. */
	waited = move->mode == OR_MOVE_RETURNING;
	if (waited &&
	    (now > move->until_ns || move->next - move->redirected_to >= OR_RETURN_FRAMES))
		or_let_pass(move);
	if (departed && move->mode == OR_MOVE_WATCHED) {
		move->mode = OR_MOVE_STRAIGHT;
		if (!waited)
			move->redirected_from = move->next;
	}
	mode = move->mode;
	/* One hop. */
	if (mode > OR_MOVE_WATCHED && f->flags & OR_FRAME_MOVED) {
		bpf_spin_unlock(&move->lock);
		return OR_WAY_NONE;
	}
	recorded = or_take_place(move, told, parts, &r);
	bpf_spin_unlock(&move->lock);
	if (recorded)
		or_record(skb, f, index, &r);
	return or_way_of(mode, told);
}

/* Sets the frame up to follow the guest of port `index`; `applied`: OR_GBP_APPLIED, or 0 when the
 * destination decides. The device to send it to; 0: it is lost. */
static __noinline __u32 or_address_after(struct __sk_buff *skb, struct or_frame *f, __u32 index,
					 __u32 applied)
{
	const struct or_departure *to = bpf_map_lookup_elem(&or_departures, &index);
	struct or_move_counts *counts = or_counts_of(index);
	__u32 device;

	if (!to || !counts)
		return 0;
	device = or_encapsulate_marked(skb, f, to->vtep, applied | to->label);
	if (or_tracing)
		return device;
	if (device)
		counts->redirected++;
	else
		counts->lost++;
	return device;
}

/* The same of a recorded frame that the agent sends; skb->mark becomes OR_MARK_TUNNEL. */
static __always_inline bool or_address_recorded(struct __sk_buff *skb, struct or_frame *f)
{
	__u32 index = skb->mark & ~OR_MARK_KIND;
	const struct or_departure *to = bpf_map_lookup_elem(&or_departures, &index);
	__u32 gbp;

	if (!to || !to->label)
		return false;
	gbp = to->label;
	if (!(skb->priority & OR_PRIORITY_REFUSED))
		gbp |= OR_GBP_APPLIED;
	if (skb->priority & OR_PRIORITY_COUNTED)
		gbp |= OR_GBP_COUNTED;
	f->vni = skb->priority & OR_PRIORITY_VNI;
	skb->priority = 0;
	return or_set_key_of(skb, f, to->vtep, gbp);
}

/* The port that awaits frames with the mark `gbp` from there; 0: none does. */
static __always_inline __u32 or_expected_guest(const struct or_member_key *from, __u32 gbp)
{
	struct or_arrival_key key = {.label = gbp & OR_GBP_LABEL};
	const __u32 *index;

	__builtin_memcpy(key.address, from->address, 16);
	index = bpf_map_lookup_elem(&or_arrivals, &key);
	return index ? *index : 0;
}

static __always_inline void or_count_arrival(__u32 index, int verdict)
{
	struct or_move_counts *counts = or_counts_of(index);

	if (!counts || or_tracing)
		return;
	if (verdict == TC_ACT_SHOT)
		counts->refused++;
	else
		counts->arrived++;
}

/* A port that moves has sent a frame of its guest's: if it is redirected, the guest runs on here,
 * and so does the port. */
static __noinline void or_come_back(const struct or_frame *f)
{
	__u32 index = f->port;
	struct or_move_locked *move = bpf_map_lookup_elem(&or_moves, &index);
	__u64 now;

	if (!move || or_tracing)
		return;
	if (or_is_redirected(move->mode)) {
		now = bpf_ktime_get_boot_ns();
		bpf_spin_lock(&move->lock);
		if (or_is_redirected(move->mode)) {
			or_begin_return(move, now + OR_RETURN_NS);
			move->returned_ns = now;
			move->told = 0;
		}
		bpf_spin_unlock(&move->lock);
	}
	if (move->returned_ns)
		or_tell(OR_EVENT_RETURNED, index, move->returned_ns, f->ether_type, OR_PORT_ACTIVE,
			&move->told);
}

#endif /* OUTRIDER_BPF_MOVE_H_ */
