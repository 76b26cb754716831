/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The only way to a port. Phase, segment and egress rules are the destination's, and what fails
 * them is counted there. A port that moves to another host has its frames recorded, or sent after
 * its guest (move.h). The port's VLAN tag goes on here. The mark tells or_port_guard that a frame
 * came this way.
 */
#ifndef OUTRIDER_BPF_DELIVER_H_
#define OUTRIDER_BPF_DELIVER_H_

#include "vswitch/bpf/capture.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/filter.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/move.h"
#include "vswitch/bpf/move_copy.h"
#include "vswitch/bpf/policer.h"
#include "vswitch/bpf/reject.h"
#include "vswitch/bpf/stats.h"
#include "vswitch/bpf/trace.h"
#include "vswitch/bpf/vlan.h"

/* How a frame gets to a port. */
struct or_delivery {
	__u32 ifindex;
	__u32 tag;     /* VLAN of the tag to put on; 0: none */
	__u32 way;     /* enum or_way */
	__u32 applied; /* OR_GBP_APPLIED, if the way is another host; 0: that decides */
	bool peer;     /* the other end of the device is the guest's, and nothing is in between */
};

/* Whether the frame may go to a port in its phase: 0, or the reason not to. */
static __always_inline __u32 or_may_enter(struct __sk_buff *skb, __u32 index,
					  const struct or_port *port, __u32 phase,
					  const struct or_frame *f)
{
	bool moved = f->flags & OR_FRAME_MOVED;

	switch (phase) {
	case OR_PORT_ARMED:
		/* The queue of the guest's device holds it until the guest runs. */
		if (or_is_multicast(f->eth_dst))
			or_meet_copy(skb, f, index, moved ? OR_COPY_TAKEN : OR_COPY_REFUSED);
		return moved ? 0 : OR_DROP_PORT_ARMED;
	case OR_PORT_ACTIVE:
		/* Broadcasts reach an open port by themselves: what its former host sends after it
		 * is a second copy, unless it was delivered there before the guest's pause, or the
		 * first one came when the port was not open yet. */
		if (!moved || f->flags & OR_FRAME_COUNTED || !or_is_multicast(f->eth_dst))
			return 0;
		return or_meet_copy(skb, f, index, OR_COPY_LATE) ? 0 : OR_DROP_MOVE_COPY;
	case OR_PORT_DEPARTED:
		return moved || !(port->flags & OR_PORT_MOVING) ? OR_DROP_PORT_DEPARTED : 0;
	}
	return OR_DROP_PORT_BLOCKED;
}

/* Whether what a moving port refuses for this reason may be of a connection that its guest has
 * begun, or gone on with, on the host where it runs by now. */
static __always_inline bool or_may_be_known(__u32 reason, const struct or_frame *f)
{
	return (reason == OR_DROP_CONNECTION_INVALID || reason == OR_DROP_ACL_EGRESS ||
		reason == OR_DROP_ACL_REJECT_EGRESS) &&
	       !or_is_multicast(f->eth_dst);
}

/* Whether the frame may be put straight to the guest's end of the port's device: who gets it there
 * takes it for its own. Not an echo: the agent's probes see what a device is given. */
static __always_inline bool or_takes_peer(const struct or_port *port, const struct or_frame *f)
{
	return port->device & OR_DEVICE_PEER && f->flags & OR_FRAME_PORTS &&
	       or_mac_equal(f->eth_dst, port->mac);
}

/* The reason why `f` may not go to port `index`, or 0 and how to send it there. Sets f->vlan. */
static __always_inline __u32 or_admit_to_port(struct __sk_buff *skb, __u32 index,
					      struct or_frame *f, struct or_delivery *by)
{
	const struct or_port *port = or_port_row(index);
	__u32 reason, phase, told;

	or_trace(OR_TRACE_DELIVER, index, f->vni, 0, 0);
	if (!port)
		return OR_DROP_PORT_UNKNOWN;
	or_capture_at(skb, f, index, OR_CAPTURE_TO_GUEST);
	phase = or_port_phase(port, index);
	reason = or_may_enter(skb, index, port, phase, f);
	if (reason)
		return reason;
	/* An FDB or replication entry may lag behind a port that has just changed its segments. */
	reason = or_vlan_to_port(port, f, &by->tag);
	if (reason)
		return reason;
	by->ifindex = port->ifindex;
	by->peer = or_takes_peer(port, f);
	if (!by->ifindex && phase != OR_PORT_DEPARTED)
		return OR_DROP_PORT_UNKNOWN;
	reason = or_filter_to_port(skb, f, port, index);
	/* The host it was sent to first has decided; asked it is for the connection's sake. */
	if ((f->flags & (OR_FRAME_MOVED | OR_FRAME_REFUSED)) == OR_FRAME_MOVED)
		reason = 0;
	else if (!reason)
		reason = or_police_to_port(port, index, f);
	if (!(port->flags & OR_PORT_MOVING) || (reason && !or_may_be_known(reason, f)))
		return reason;
	told = (phase == OR_PORT_DEPARTED ? OR_CHOOSE_DEPARTED : 0) |
	       (reason ? OR_CHOOSE_REFUSED : 0);
	by->applied = reason ? 0 : OR_GBP_APPLIED;
	by->way = or_choose_way(skb, f, index, told);
	if (by->way != OR_WAY_NONE)
		return 0;
	return reason ? reason : OR_DROP_PORT_DEPARTED;
}

/* Sends the frame itself to port `index`. A TC verdict. */
static __noinline int or_deliver(struct __sk_buff *skb, struct or_frame *f, __u32 index)
{
	struct or_delivery by = {};
	__u32 reason = or_admit_to_port(skb, index, f, &by);

	if (reason == OR_DROP_ACL_REJECT_EGRESS)
		return or_reject(skb, f, index, reason);
	if (!reason && by.way != OR_WAY_DEVICE) {
		if (by.way == OR_WAY_RECORD)
			return TC_ACT_STOLEN;
		by.ifindex = or_address_after(skb, f, index, by.applied);
		if (by.ifindex)
			return or_redirect(by.ifindex);
		reason = OR_DROP_ENCAP_FAILED;
	} else if (!reason && !or_vlan_push(skb, by.tag)) {
		reason = OR_DROP_REDIRECT_FAILED;
	}
	if (reason)
		return or_drop(index, reason, f);
	or_count_tx(index, f);
	or_capture_at(skb, f, index, OR_CAPTURE_TO_GUEST_OUT);
	or_trace(OR_TRACE_OUTPUT, index, by.ifindex, by.tag, 0);
	/* Unpacked or not, the kernel must take it for what it is. */
	if (by.peer && !by.tag && skb->protocol == bpf_htons(f->ether_type))
		return or_redirect_peer(skb, by.ifindex);
	skb->mark = OR_MARK_MAGIC | index;
	return or_redirect(by.ifindex);
}

/* Sends a copy to port `index`. A rejected copy is not answered: the frame is on its way to others.
 * False: the frame itself suffered, there can be no further copies. */
static __noinline bool or_deliver_copy(struct __sk_buff *skb, struct or_frame *f, __u32 index)
{
	struct or_delivery by = {};
	__u32 reason = or_admit_to_port(skb, index, f, &by);
	bool whole = true;

	if (!reason && by.way != OR_WAY_DEVICE) {
		if (by.way == OR_WAY_RECORD)
			return true;
		by.ifindex = or_address_after(skb, f, index, by.applied);
		if (!by.ifindex || or_clone_redirect(skb, by.ifindex))
			reason = OR_DROP_ENCAP_FAILED;
		/* The next copy may be for a port. */
		whole = or_take_outer_off(skb, f);
		if (!reason)
			return whole;
	} else if (!reason) {
		skb->mark = OR_MARK_MAGIC | index;
		if (!or_vlan_push(skb, by.tag)) {
			reason = OR_DROP_REDIRECT_FAILED;
			whole = false;
		} else {
			if (or_clone_redirect(skb, by.ifindex))
				reason = OR_DROP_REDIRECT_FAILED;
			else
				or_capture_at(skb, f, index, OR_CAPTURE_TO_GUEST_OUT);
			whole = or_vlan_unpush(skb, by.tag);
		}
	}
	if (reason) {
		or_count_drop(index, reason, f);
	} else {
		or_count_tx(index, f);
		or_trace(OR_TRACE_OUTPUT, index, by.ifindex, by.tag, 0);
	}
	return whole;
}

#endif /* OUTRIDER_BPF_DELIVER_H_ */
