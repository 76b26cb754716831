/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Copies of frames for an operator (or_capture.h). Without a capture each point costs a look at one
 * word that is always in the cache. A full ring costs copies, never frames.
 */
#ifndef OUTRIDER_BPF_CAPTURE_H_
#define OUTRIDER_BPF_CAPTURE_H_

#include "vswitch/abi/or_capture.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* 0 -> struct or_capture. Writer: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_capture);
} or_capture SEC(".maps");

/* port index -> 1. Writer: agent. */
OR_HASH(or_capture_ports, __u32, __u32, OR_MAX_PORTS);

/* 0 -> records that found no room. Writer: bpf. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} or_capture_missed SEC(".maps");

/* 0 -> ring of struct or_captured. Writer of the element: agent; of records: bpf. */
struct or_capture_ring_type {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct or_capture_ring_type);
} or_capture_ring SEC(".maps");

/* A capture that is under way, or seems so. */
static __always_inline const struct or_capture *or_capture_of(void)
{
	__u32 zero = 0;
	const struct or_capture *capture = bpf_map_lookup_elem(&or_capture, &zero);

	return capture && capture->until_ns && !or_tracing ? capture : NULL;
}

static __always_inline bool or_capture_wants(const struct or_capture *capture, __u32 port)
{
	if (bpf_ktime_get_coarse_ns() > capture->until_ns)
		return false;
	return capture->all || bpf_map_lookup_elem(&or_capture_ports, &port);
}

static __always_inline void or_capture_miss(void)
{
	__u32 zero = 0;
	__u64 *missed = bpf_map_lookup_elem(&or_capture_missed, &zero);

	if (missed)
		__sync_fetch_and_add(missed, 1);
}

static __always_inline void or_capture_head(struct or_captured *to, __u32 port, __u32 point)
{
	__u32 zero = 0;
	const __u64 *missed = bpf_map_lookup_elem(&or_capture_missed, &zero);

	__builtin_memset(to, 0, sizeof(*to));
	to->boot_ns = bpf_ktime_get_boot_ns();
	to->missed = missed ? *missed : 0;
	to->port = port;
	to->cpu = bpf_get_smp_processor_id();
	to->point = point;
}

/* One record with room for `room` bytes, a power of two, of which `kept` are used. */
static __always_inline void or_capture_copy(struct __sk_buff *skb, void *ring,
					    const struct or_frame *f, __u32 port, __u32 point,
					    __u32 kept, const __u32 room)
{
	struct or_captured *to;
	__u32 size = kept;

	to = bpf_ringbuf_reserve(ring, sizeof(*to) + room, 0);
	if (!to) {
		or_capture_miss();
		return;
	}
	or_capture_head(to, port, point);
	to->vni = f->vni;
	to->length = skb->len;
	to->tagged = !!skb->vlan_present;
	to->tag_type = bpf_ntohs(skb->vlan_proto);
	to->tag = skb->vlan_tci;
	to->kept = kept;
	/* It is 1..room already; this is how the verifier of Linux 6.1 sees both bounds. */
	asm volatile("" : "+r"(size));
	size = ((size - 1) & (room - 1)) + 1;
	if (bpf_skb_load_bytes(skb, 0, to + 1, size))
		to->kept = 0;
	bpf_ringbuf_submit(to, 0);
}

/* Global, as or_parse() is: verified once. */
__noinline int or_capture_put(struct __sk_buff *skb, const struct or_frame *f, __u32 port,
			      __u32 point)
{
	const struct or_capture *capture = or_capture_of();
	__u32 zero = 0, kept = skb->len;
	void *ring;

	if (!capture || !f || !or_capture_wants(capture, port))
		return 0;
	ring = bpf_map_lookup_elem(&or_capture_ring, &zero);
	if (!ring)
		return 0;
	if (kept > capture->keep)
		kept = capture->keep;
	if (kept > OR_CAPTURE_MAX)
		kept = OR_CAPTURE_MAX;
	if (kept <= OR_CAPTURE_SMALL)
		or_capture_copy(skb, ring, f, port, point, kept, OR_CAPTURE_SMALL);
	else if (kept <= OR_CAPTURE_MEDIUM)
		or_capture_copy(skb, ring, f, port, point, kept, OR_CAPTURE_MEDIUM);
	else
		or_capture_copy(skb, ring, f, port, point, kept, OR_CAPTURE_MAX);
	return 0;
}

__noinline int or_capture_put_drop(__u32 port, __u32 reason)
{
	const struct or_capture *capture = or_capture_of();
	struct or_captured *to;
	__u32 zero = 0;
	void *ring;

	if (!capture || !or_capture_wants(capture, port))
		return 0;
	ring = bpf_map_lookup_elem(&or_capture_ring, &zero);
	if (!ring)
		return 0;
	to = bpf_ringbuf_reserve(ring, sizeof(*to), 0);
	if (!to) {
		or_capture_miss();
		return 0;
	}
	or_capture_head(to, port, OR_CAPTURE_DROP);
	to->reason = reason;
	bpf_ringbuf_submit(to, 0);
	return 0;
}

/* The frame as it is at a point (enum or_capture_point) of port `port`. */
static __always_inline void or_capture_at(struct __sk_buff *skb, const struct or_frame *f,
					  __u32 port, __u32 point)
{
	if (or_capture_of())
		or_capture_put(skb, f, port, point);
}

/* The frame at hand ends at the port. */
static __always_inline void or_capture_drop(__u32 port, __u32 reason)
{
	if (or_capture_of())
		or_capture_put_drop(port, reason);
}

#endif /* OUTRIDER_BPF_CAPTURE_H_ */
