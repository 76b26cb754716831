/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A frame from another host, once it is out of its tunnel and its sender known. */
#ifndef OUTRIDER_BPF_OVERLAY_H_
#define OUTRIDER_BPF_OVERLAY_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/move.h"
#include "vswitch/bpf/parse.h"
#include "vswitch/bpf/trace.h"
#include "vswitch/bpf/vlan.h"

/* What a mark (OR_GBP_*; 0: none) says of the frame. */
static __always_inline __u16 or_flags_of(__u32 gbp)
{
	__u16 flags = OR_FRAME_MOVED;

	if (!gbp)
		return 0;
	if (gbp & OR_GBP_COUNTED)
		flags |= OR_FRAME_COUNTED;
	if (!(gbp & OR_GBP_APPLIED))
		flags |= OR_FRAME_REFUSED;
	return flags;
}

/* Fills `f`, whose vni and flags are set. 0, or the reason to drop. */
static __always_inline __u32 or_admit_unpacked(struct __sk_buff *skb, struct or_frame *f)
{
	__u32 reason = or_vlan_from_overlay(skb, f);

	if (!reason)
		reason = or_parse(skb, f);
	if (!reason)
		or_trace_parse(f);
	if (!reason && or_is_link_local(f->eth_dst))
		return OR_DROP_RESERVED_MULTICAST;
	return reason;
}

#endif /* OUTRIDER_BPF_OVERLAY_H_ */
