/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Port counters, in wire frames. What a guest sends is received or dropped on its port, never both:
 * frames in == rx_packets + the port's ingress drops. Beside these, a copy of a broadcast or of
 * flooded unicast that cannot be sent to a VTEP or an uplink is a drop of its own (encap_failed,
 * redirect_failed, uplink_missing and, where the uplink takes less than the segment, over_mtu and
 * vlan_tagged). What is meant for a guest is sent (tx) or dropped on the guest's port; what the
 * device itself drops behind that shows in the device's counters. An answer in place of a rejected
 * frame is never a drop: the frame is one already.
 */
#ifndef OUTRIDER_BPF_STATS_H_
#define OUTRIDER_BPF_STATS_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* Called when the frame's fate is forwarding. From the overlay (port 0) there is nothing to count.
 */
static __always_inline void or_count_rx(const struct or_frame *f)
{
	__u32 port = f->port;
	struct or_port_stats *stats = bpf_map_lookup_elem(&or_port_stats, &port);

	if (!stats || or_tracing)
		return;
	stats->rx_packets += f->wire_packets;
	stats->rx_bytes += f->wire_bytes;
}

static __always_inline void or_count_tx(__u32 port, const struct or_frame *f)
{
	struct or_port_stats *stats = bpf_map_lookup_elem(&or_port_stats, &port);

	if (!stats || or_tracing || f->flags & OR_FRAME_COUNTED)
		return;
	stats->tx_packets += f->wire_packets;
	stats->tx_bytes += f->wire_bytes;
}

#endif /* OUTRIDER_BPF_STATS_H_ */
