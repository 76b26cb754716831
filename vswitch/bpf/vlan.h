/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * VLAN tags (IEEE 802.1Q): which segment a guest's frame belongs to, and which tag it gets on its
 * way to another. The port's own tag comes off before everything else and goes on at delivery, so
 * that the pipeline, the FDB and other hosts see segments only, and packet headers are always at
 * OR_ETH_HLEN.
 *
 * One more tag may stay on a frame in its segment, the customer's: that of a dot1q-tunnel, or the
 * inner one of a stacked frame of a trunk. RFC 7348, 6.1, wants no inner tag unless configured;
 * such a port is the configuration. It is kept beside the bytes (skb->vlan_tci) and put among them
 * by the kernel where the device cannot carry it. It reaches a guest only in a dot1q-tunnel or
 * below a tag of that guest's own, never as if it were one of them (VLAN hopping). Of further tags
 * the frame is dropped: what they hide, no rule could see.
 *
 * A priority tag (VLAN 0) is no tag: it is taken off. Tags of trunks are of type 0x8100; priorities
 * do not cross the segment.
 */
#ifndef OUTRIDER_BPF_VLAN_H_
#define OUTRIDER_BPF_VLAN_H_

#include "vswitch/abi/or_drop.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"

#define OR_VLAN_VID 0x0fff
#define OR_ETHERTYPE_OFFSET 12

/* Brings the outermost tag from the bytes to skb->vlan_tci. The kernel has done so for whatever a
 * device received (Linux, __netif_receive_skb_core); this is for the rest. False: cut short. */
static __noinline bool or_vlan_offload(struct __sk_buff *skb)
{
	struct {
		__u16 type_be;
		__u16 tci_be;
	} tag;

	if (skb->vlan_present || (skb->protocol != bpf_htons(OR_ETH_P_8021Q) &&
				  skb->protocol != bpf_htons(OR_ETH_P_8021AD)))
		return true;
	if (bpf_skb_load_bytes(skb, OR_ETHERTYPE_OFFSET, &tag, sizeof(tag)))
		return false;
	return !bpf_skb_vlan_pop(skb) &&
	       !bpf_skb_vlan_push(skb, tag.type_be, bpf_ntohs(tag.tci_be));
}

/* What is in skb->vlan_tci now stays on the frame. 0, or the reason to drop. */
static __always_inline __u32 or_vlan_keep(struct __sk_buff *skb, struct or_frame *f)
{
	if (!skb->vlan_present)
		return 0;
	f->customer_vlan = skb->vlan_tci & OR_VLAN_VID;
	if (f->customer_vlan)
		return 0;
	if (bpf_skb_vlan_pop(skb))
		return OR_DROP_MALFORMED;
	/* The kernel has brought the next one forward. */
	return skb->vlan_present ? OR_DROP_VLAN_TAGGED : 0;
}

/* The segment of `vlan` by a map; 0: there is none. */
static __always_inline __u32 or_vlan_segment(__u32 map, __u32 vlan)
{
	struct or_vlan_key key = {.map = map, .vlan = vlan};
	const __u32 *vni = bpf_map_lookup_elem(&or_vlan_segments, &key);

	return vni ? *vni : 0;
}

static __always_inline __u32 or_vlan_denied(__u32 vlan)
{
	return vlan ? OR_DROP_VLAN_NOT_ALLOWED : OR_DROP_UNTAGGED_ON_TRUNK;
}

static __always_inline bool or_vlan_is_trunk(const struct or_port *port)
{
	return port->vlan_mode == OR_VLAN_TRUNK || port->vlan_mode == OR_VLAN_NATIVE_TAGGED ||
	       port->vlan_mode == OR_VLAN_NATIVE_UNTAGGED;
}

/* Takes off the port's own tag, sets the frame's VLANs and segment. 0, or the reason to drop; with
 * one other than OR_DROP_MALFORMED the frame can be parsed all the same. */
static __noinline __u32 or_vlan_from_port(struct __sk_buff *skb, struct or_frame *f,
					  const struct or_port *port)
{
	bool service = false;
	__u32 vlan = 0, reason;

	if (!or_vlan_offload(skb))
		return OR_DROP_MALFORMED;
	if (skb->vlan_present) {
		vlan = skb->vlan_tci & OR_VLAN_VID;
		service = vlan && skb->vlan_proto != bpf_htons(OR_ETH_P_8021Q);
		if ((!vlan || port->vlan_mode != OR_VLAN_DOT1Q_TUNNEL) && bpf_skb_vlan_pop(skb))
			return OR_DROP_MALFORMED;
	}
	f->vlan = vlan;
	reason = or_vlan_keep(skb, f);
	if (reason)
		return reason;
	if (or_vlan_is_trunk(port)) {
		f->vni = service ? 0 : or_vlan_segment(port->vlan_map, vlan);
		if (!f->vni)
			return or_vlan_denied(vlan);
		/* Below a priority tag: whose VLAN would it be? */
		return !vlan && f->customer_vlan ? OR_DROP_VLAN_TAGGED : 0;
	}
	f->vni = port->vni;
	if (port->vlan_mode == OR_VLAN_ACCESS)
		return vlan || f->customer_vlan ? OR_DROP_VLAN_TAGGED : 0;
	if (port->vlan_mode != OR_VLAN_DOT1Q_TUNNEL)
		return OR_DROP_PORT_BLOCKED;
	f->vlan = f->customer_vlan;
	if (port->vlan_map && !or_vlan_segment(port->vlan_map, f->vlan))
		return or_vlan_denied(f->vlan);
	return 0;
}

/* A frame of the overlay: only a customer's tag can be on it. 0, or the reason to drop. */
static __always_inline __u32 or_vlan_from_overlay(struct __sk_buff *skb, struct or_frame *f)
{
	if (!or_vlan_offload(skb))
		return OR_DROP_MALFORMED;
	return or_vlan_keep(skb, f);
}

/* Whether frame `f` is for the port by its segment and VLANs: 0 or the reason to drop. `tag` gets
 * the VLAN of the tag that it needs, 0: none. Sets f->vlan. */
static __always_inline __u32 or_vlan_to_port(const struct or_port *port, struct or_frame *f,
					     __u32 *tag)
{
	f->vlan = f->customer_vlan;
	if (or_vlan_is_trunk(port)) {
		struct or_vlan_tag_key key = {.map = port->vlan_map, .vni = f->vni};
		const __u32 *vlan = bpf_map_lookup_elem(&or_vlan_tags, &key);

		if (!vlan)
			return OR_DROP_PORT_BLOCKED;
		*tag = *vlan;
		if (!*tag && f->customer_vlan)
			return OR_DROP_VLAN_TAGGED;
		f->vlan = *tag;
		return 0;
	}
	if (port->vni != f->vni)
		return OR_DROP_PORT_BLOCKED;
	if (port->vlan_mode == OR_VLAN_ACCESS)
		return f->customer_vlan ? OR_DROP_VLAN_TAGGED : 0;
	if (port->vlan_mode != OR_VLAN_DOT1Q_TUNNEL)
		return OR_DROP_PORT_BLOCKED;
	if (port->vlan_map && !or_vlan_segment(port->vlan_map, f->customer_vlan))
		return or_vlan_denied(f->customer_vlan);
	return 0;
}

/* Puts a port's tag on. False: the kernel refused. */
static __always_inline bool or_vlan_push(struct __sk_buff *skb, __u32 tag)
{
	return !tag || !bpf_skb_vlan_push(skb, bpf_htons(OR_ETH_P_8021Q), tag);
}

/* Takes it off again. False: the frame is not what it was. */
static __always_inline bool or_vlan_unpush(struct __sk_buff *skb, __u32 tag)
{
	return !tag || !bpf_skb_vlan_pop(skb);
}

#endif /* OUTRIDER_BPF_VLAN_H_ */
