/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One frame explained. Programs loaded with or_tracing set say what they do at each stage
 * (or_trace.h), and leave everything as it is: who would count, remember, take from a bucket, tell
 * the agent or send asks or_tracing first, at the lowest place. In the programs that frames meet
 * the constant is 0, and the verifier takes out all that hangs on it.
 */
#ifndef OUTRIDER_BPF_TRACE_H_
#define OUTRIDER_BPF_TRACE_H_

#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "vswitch/abi/or_trace.h"
#include "vswitch/bpf/frame.h"

const volatile __u8 or_tracing = 0;

/* 0 -> struct or_trace. Writers: agent, bpf. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_trace);
} or_trace_scratch SEC(".maps");

/* step -> struct or_trace_step. Writer: bpf. The agent makes it larger where it is used. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_trace_step);
} or_trace_step_scratch SEC(".maps");

static __noinline void or_trace_put(__u32 stage, __u32 port, __u64 a, __u64 b, __u64 c)
{
	__u32 at = 0;
	struct or_trace *trace = bpf_map_lookup_elem(&or_trace_scratch, &at);
	struct or_trace_step *step;

	if (!trace)
		return;
	at = trace->steps++;
	step = bpf_map_lookup_elem(&or_trace_step_scratch, &at);
	if (!step)
		return;
	step->stage = stage;
	step->port = port;
	step->a = a;
	step->b = b;
	step->c = c;
}

/* Says what happens at a stage. True when that must not change anything. */
static __always_inline bool or_trace(__u32 stage, __u32 port, __u64 a, __u64 b, __u64 c)
{
	if (!or_tracing)
		return false;
	or_trace_put(stage, port, a, b, c);
	return true;
}

static __always_inline __u8 or_trace_known(const struct or_frame *f)
{
	__u8 known = 0;

	if (f->flags & OR_FRAME_IP)
		known |= OR_TRACE_FRAME_IP;
	if (f->ether == OR_ETHER_ARP)
		known |= OR_TRACE_FRAME_ARP;
	if (f->flags & OR_FRAME_PORTS)
		known |= OR_TRACE_FRAME_PORTS;
	if (f->flags & OR_FRAME_ICMP)
		known |= OR_TRACE_FRAME_ICMP;
	if (f->flags & OR_FRAME_FRAGMENT)
		known |= OR_TRACE_FRAME_FRAGMENT;
	if (f->flags & OR_FRAME_NO_LAYER4)
		known |= OR_TRACE_FRAME_LATER;
	return known;
}

static __noinline void or_trace_headers(const struct or_frame *f)
{
	__u32 zero = 0;
	struct or_trace *trace = bpf_map_lookup_elem(&or_trace_scratch, &zero);
	struct or_trace_frame *to;

	if (!trace)
		return;
	to = &trace->frame;
	__builtin_memcpy(to->src, f->src, 16);
	__builtin_memcpy(to->dst, f->dst, 16);
	__builtin_memcpy(to->eth_dst, f->eth_dst, 6);
	__builtin_memcpy(to->eth_src, f->eth_src, 6);
	to->ether_type = f->ether_type;
	to->src_port = f->src_port;
	to->dst_port = f->dst_port;
	to->protocol = f->protocol;
	to->icmp_type = f->icmp_type;
	to->icmp_code = f->icmp_code;
	to->tcp_flags = f->tcp_flags;
	to->tos = f->tos;
	to->known = or_trace_known(f);
	to->wire_bytes = f->wire_bytes;
	to->wire_packets = f->wire_packets;
	to->l3_length = f->l3_length;
	to->parsed = 1;
}

/* What the parser made of the frame. */
static __always_inline void or_trace_parse(const struct or_frame *f)
{
	if (!or_tracing)
		return;
	or_trace_headers(f);
	or_trace_put(OR_TRACE_PARSE, f->port, f->vlan, f->customer_vlan, f->vni);
}

/* bpf_redirect(). A TC verdict. */
static __always_inline int or_redirect(__u32 ifindex)
{
	return or_tracing ? TC_ACT_REDIRECT : bpf_redirect(ifindex, 0);
}

/* bpf_redirect_peer(), to whoever it is for there. A TC verdict. */
static __always_inline int or_redirect_peer(struct __sk_buff *skb, __u32 ifindex)
{
	if (or_tracing)
		return TC_ACT_REDIRECT;
	skb->mark = 0;
	if (skb->pkt_type != PACKET_HOST && bpf_skb_change_type(skb, PACKET_HOST))
		return TC_ACT_SHOT;
	return bpf_redirect_peer(ifindex, 0);
}

/* bpf_clone_redirect(): 0, or not when the kernel refused. When tracing it is asked only whether
 * there is such a device. */
static __always_inline long or_clone_redirect(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 mtu = 0;
	long error;

	if (!or_tracing)
		return bpf_clone_redirect(skb, ifindex, 0);
	error = bpf_check_mtu(skb, ifindex, &mtu, 0, 0);
	return error < 0 ? error : 0;
}

#endif /* OUTRIDER_BPF_TRACE_H_ */
