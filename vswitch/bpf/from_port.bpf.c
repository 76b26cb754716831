// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Ingress of a guest's device: what the guest sends. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "vswitch/bpf/arp.h"
#include "vswitch/bpf/cache_out.h"
#include "vswitch/bpf/capture.h"
#include "vswitch/bpf/deliver.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/encap.h"
#include "vswitch/bpf/event.h"
#include "vswitch/bpf/fdb.h"
#include "vswitch/bpf/filter.h"
#include "vswitch/bpf/mark.h"
#include "vswitch/bpf/move.h"
#include "vswitch/bpf/mtu.h"
#include "vswitch/bpf/nd.h"
#include "vswitch/bpf/parse.h"
#include "vswitch/bpf/policer.h"
#include "vswitch/bpf/replicate.h"
#include "vswitch/bpf/security.h"
#include "vswitch/bpf/station.h"
#include "vswitch/bpf/stats.h"
#include "vswitch/bpf/trace.h"
#include "vswitch/bpf/uplink.h"
#include "vswitch/bpf/vlan.h"

/* The port of a device; NULL: none. */
static __always_inline const struct or_port *or_find_port(struct __sk_buff *skb, struct or_frame *f)
{
	__u32 ifindex = skb->ifindex;
	const __u32 *index = bpf_map_lookup_elem(&or_devices, &ifindex);
	const struct or_port *port;

	if (!index)
		return NULL;
	f->port = *index;
	port = or_port_row(f->port);
	/* Interface indexes are reused. */
	return port && port->ifindex == ifindex ? port : NULL;
}

static __always_inline bool or_is_spoofed(const struct or_frame *f, const struct or_port *port)
{
	if (!(port->flags & OR_PORT_ANTI_SPOOF))
		return false;
	return !or_may_use_mac(port, f) || f->flags & OR_FRAME_ARP_FOREIGN;
}

/* Everything the port's own profile says. 0, or the reason to drop. */
static __noinline __u32 or_admit_from_port(struct __sk_buff *skb, struct or_frame *f,
					   const struct or_port *port)
{
	__u32 vlan_reason = or_vlan_from_port(skb, f, port);
	__u32 reason = vlan_reason == OR_DROP_MALFORMED ? vlan_reason : or_parse(skb, f);

	if (!reason)
		or_trace_parse(f);
	if (port->phase == OR_PORT_DEPARTED)
		return OR_DROP_PORT_DEPARTED;
	if (port->phase != OR_PORT_ARMED && port->phase != OR_PORT_ACTIVE)
		return OR_DROP_PORT_BLOCKED;
	if (reason)
		return reason;
	if (or_is_spoofed(f, port))
		return OR_DROP_SPOOFED_MAC;
	if (port->phase == OR_PORT_ARMED || port->flags & OR_PORT_REPORT_FIRST_FRAME)
		or_note_first_frame(f, port->phase);
	/* That has opened it, unless there was no memory to say so. */
	if (or_port_phase(port, f->port) == OR_PORT_ARMED && !or_tracing)
		return OR_DROP_PORT_ARMED;
	if (port->flags & OR_PORT_MOVING)
		or_come_back(f);
	/* Only now: a hypervisor announces the guest of a trunk without a tag, too. */
	if (vlan_reason)
		return vlan_reason;
	if (or_is_link_local(f->eth_dst))
		return OR_DROP_RESERVED_MULTICAST;
	reason = or_check_mtu(f, port);
	if (reason)
		return reason;
	reason = or_secure(skb, f, port);
	if (reason)
		return reason;
	or_trace(OR_TRACE_SECURITY, f->port, port->policy, port->flags, port->max_macs);
	reason = or_filter_from_port(skb, f, port);
	if (reason)
		return reason;
	return or_police_from_port(port, f);
}

/* Whether the frame has become the answer to itself: what it asks for is known here. */
static __always_inline bool or_answer(struct __sk_buff *skb, struct or_frame *f,
				      const struct or_segment *segment)
{
	if (segment->flags & OR_SEGMENT_SUPPRESS_ARP && f->ether == OR_ETHER_ARP)
		return or_answer_arp(skb, f);
	return segment->flags & OR_SEGMENT_SUPPRESS_ND && f->ether == OR_ETHER_IPV6 &&
	       or_answer_nd(skb, f);
}

/* The port's own profile has let the frame through. */
static __always_inline void or_pass(struct __sk_buff *skb, const struct or_frame *f)
{
	or_count_rx(f);
	or_capture_at(skb, f, f->port, OR_CAPTURE_FROM_GUEST_OUT);
}

/* Unicast to a station of the physical network. */
static __always_inline int or_unicast_to_uplink(struct __sk_buff *skb, struct or_frame *f)
{
	__u32 reason = or_may_leave(skb, f);
	int verdict;

	if (reason)
		return or_drop(f->port, reason, f);
	or_capture_at(skb, f, f->port, OR_CAPTURE_FROM_GUEST_OUT);
	verdict = or_send_to_uplink(skb, f);
	if (verdict != TC_ACT_SHOT)
		or_count_rx(f);
	return verdict;
}

/* Broadcast, multicast, and unicast to nobody known. */
static __always_inline int or_switch_bum(struct __sk_buff *skb, struct or_frame *f,
					 const struct or_port *port)
{
	/* As ports' rows, one version of it as long as the frame is looked at, but for its list. */
	const struct or_segment *segment = bpf_map_lookup_elem(&or_segments, &f->vni);
	__u32 reason;

	if (!segment)
		return or_drop(f->port, OR_DROP_SEGMENT_UNKNOWN, f);
	if (!(port->flags & OR_PORT_LEARN_MACS) &&
	    (segment->flags & OR_SEGMENT_PROVIDER || or_is_local_segment(f->vni)))
		or_forget_station(f);
	if (!or_is_multicast(f->eth_dst)) {
		if (segment->flags & OR_SEGMENT_PROVIDER && or_is_station(f))
			return or_unicast_to_uplink(skb, f);
		if (!(segment->flags & OR_SEGMENT_FLOOD_UNKNOWN))
			return or_drop(f->port, OR_DROP_UNKNOWN_UNICAST, f);
	} else if (or_answer(skb, f, segment)) {
		or_count_rx(f);
		f->wire_bytes = skb->len;
		return or_deliver(skb, f, f->port);
	}
	reason = or_police_storm(port, f);
	if (!reason)
		reason = or_scope_multicast(skb, f, segment->flags);
	if (reason)
		return or_drop(f->port, reason, f);
	or_pass(skb, f);
	if (!(segment->flags & OR_SEGMENT_PROVIDER))
		return or_replicate(skb, f, segment, true);
	/* The frame itself is the last copy. */
	or_replicate(skb, f, segment, false);
	return or_send_to_uplink(skb, f);
}

static __always_inline int or_switch_unicast(struct __sk_buff *skb, struct or_frame *f,
					     const struct or_port *port, const struct or_fdb *to)
{
	__u32 device;

	if (to->kind == OR_FDB_LOCAL) {
		if (to->index == f->port)
			return or_drop(f->port, OR_DROP_HAIRPIN, f);
		or_pass(skb, f);
		return or_deliver(skb, f, to->index);
	}
	/* Before it has outer headers. */
	or_capture_at(skb, f, f->port, OR_CAPTURE_FROM_GUEST_OUT);
	device = or_encapsulate(skb, f, to->index);
	if (!device)
		return or_drop(f->port, OR_DROP_ENCAP_FAILED, f);
	or_cache_keep_out(skb, f, port, device);
	or_count_rx(f);
	return or_redirect(device);
}

SEC("tc")
int or_from_port(struct __sk_buff *skb)
{
	struct or_frame *f = or_new_frame(skb, 0);
	const struct or_port *port;
	struct or_fdb to;
	__u32 reason;
	int verdict;

	if (!f)
		return TC_ACT_SHOT;
	verdict = or_cached_from_port(skb, f);
	if (verdict != OR_CACHE_MISS)
		return verdict;
	port = or_find_port(skb, f);
	if (!port)
		return or_drop(0, OR_DROP_PORT_UNKNOWN, f);
	or_capture_at(skb, f, f->port, OR_CAPTURE_FROM_GUEST);
	or_trace(OR_TRACE_PORT, f->port, port->phase, 0, 0);
	reason = or_admit_from_port(skb, f, port);
	if (reason == OR_DROP_ACL_REJECT_INGRESS)
		return or_reject(skb, f, f->port, reason);
	if (reason == OR_DROP_OVER_MTU)
		return or_too_big(skb, f, port);
	if (reason)
		return or_drop(f->port, reason, f);
	or_classify(skb, f, port);
	if (port->flags & OR_PORT_LEARN_MACS)
		or_hear_source(f);
	if (or_is_multicast(f->eth_dst) || (!or_fdb_find(f, &to) && !or_find_learned(f, &to)))
		return or_switch_bum(skb, f, port);
	return or_switch_unicast(skb, f, port, &to);
}
