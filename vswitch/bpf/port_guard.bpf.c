// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Egress of a guest's device: the guest gets what deliver() sent to this very port, and nothing
 * that the host's own stack, a bridge or another tool puts on the device. What the agent sends in
 * the guest's name goes the other way.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "vswitch/bpf/drop.h"

SEC("tc")
int or_port_guard(struct __sk_buff *skb)
{
	struct or_frame f = {.wire_packets = 1, .wire_bytes = skb->len};
	__u32 ifindex = skb->ifindex;
	const __u32 *index = bpf_map_lookup_elem(&or_devices, &ifindex);

	if (!index)
		return or_drop(0, OR_DROP_PORT_UNKNOWN, &f);
	if (skb->mark == (OR_MARK_FROM_GUEST | *index)) {
		skb->mark = 0;
		return bpf_redirect(ifindex, BPF_F_INGRESS);
	}
	if (skb->mark != (OR_MARK_MAGIC | *index))
		return or_drop(*index, OR_DROP_NOT_DELIVERED, &f);
	skb->mark = 0;
	return TC_ACT_OK;
}
