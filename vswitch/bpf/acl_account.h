/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is kept of a rule's decision: counters per port, rule set and rule, and a record of the
 * frame for the agent's log where the rule asks for it. */
#ifndef OUTRIDER_BPF_ACL_ACCOUNT_H_
#define OUTRIDER_BPF_ACL_ACCOUNT_H_

#include "vswitch/bpf/acl_lookup.h"
#include "vswitch/bpf/limit.h"
#include "vswitch/bpf/trace.h"

static __always_inline void or_acl_count(const struct or_rule_count_key *key,
					 const struct or_frame *f)
{
	struct or_rule_count first = {.packets = f->wire_packets, .bytes = f->wire_bytes};
	struct or_rule_count *count = bpf_map_lookup_elem(&or_rule_counts, key);

	if (!count) {
		if (!bpf_map_update_elem(&or_rule_counts, key, &first, BPF_NOEXIST))
			return;
		/* Another CPU was faster. */
		count = bpf_map_lookup_elem(&or_rule_counts, key);
		if (!count)
			return;
	}
	count->packets += first.packets;
	count->bytes += first.bytes;
}

static __always_inline void or_acl_log(const struct or_rule_count_key *key,
				       const struct or_frame *f, __u64 decision)
{
	struct or_acl_event *event;

	if (!or_within_limit(key, or_acl_log_rate(decision)))
		return;
	event = bpf_ringbuf_reserve(&or_events, sizeof(*event), 0);
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = OR_EVENT_ACL;
	event->port = key->port;
	event->number = key->number;
	event->to_guest = key->to_guest;
	event->action = decision & OR_ACL_DECISION_ACTION;
	event->ip = f->flags & OR_FRAME_IP ? 1 : 0;
	event->protocol = f->protocol;
	event->ether_type = f->ether_type;
	event->src_port = f->src_port;
	event->dst_port = f->dst_port;
	event->length = f->wire_bytes;
	__builtin_memcpy(event->src, f->src, 16);
	__builtin_memcpy(event->dst, f->dst, 16);
	__builtin_memcpy(event->eth_src, f->eth_src, 6);
	__builtin_memcpy(event->eth_dst, f->eth_dst, 6);
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void or_trace_acl(const struct or_acl_scratch *s, __u32 port, bool to_guest)
{
	__u32 where = to_guest ? OR_TRACE_TO_GUEST : 0;

	if (s->decided)
		or_trace(OR_TRACE_ACL, port, s->set, s->decision, s->rule | where);
	else
		or_trace(OR_TRACE_ACL, port, s->set, 0, where | OR_TRACE_UNDECIDED);
}

/* To be called right after or_acl_classify(), which leaves behind what it decided: `port` is the
 * one whose list it was. Global, as or_parse() is: verified once. */
__noinline int or_acl_account(__u32 port, const struct or_frame *f, bool to_guest)
{
	struct or_rule_count_key key = {.port = port, .to_guest = to_guest};
	const struct or_acl_scratch *s;
	__u32 zero = 0;
	__u64 decision;

	s = bpf_map_lookup_elem(&or_acl_scratch, &zero);
	if (!s || !f)
		return 0;
	if (or_tracing) {
		or_trace_acl(s, port, to_guest);
		return 0;
	}
	if (!s->decided)
		return 0;
	decision = s->decision;
	key.set = s->set;
	key.number = decision >> OR_ACL_DECISION_NUMBER_SHIFT;
	or_acl_count(&key, f);
	if (or_acl_log_rate(decision))
		or_acl_log(&key, f, decision);
	return 0;
}

#endif /* OUTRIDER_BPF_ACL_ACCOUNT_H_ */
