// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Egress of the tunnel device: other hosts get what our programs encapsulated. The host's own stack
 * (router solicitations, an address put on the device) is not a member of any segment.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/move.h"

SEC("tc")
int or_tunnel_guard(struct __sk_buff *skb)
{
	struct or_frame f = {.wire_packets = 1, .wire_bytes = skb->len};

	if ((skb->mark & OR_MARK_KIND) == OR_MARK_MOVE && !or_address_recorded(skb, &f))
		return or_drop(0, OR_DROP_ENCAP_FAILED, &f);
	if (skb->mark != OR_MARK_TUNNEL)
		return or_drop(0, OR_DROP_NOT_DELIVERED, &f);
	/* The outer packet must not be routed by our mark. */
	skb->mark = 0;
	return TC_ACT_OK;
}
