/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Rule sets: the verdict of or_acl_classify() is that of the first rule which matches, else the
 * default action; how it is found, and what it costs at most, is in vswitch/abi/or_acl.h. Except:
 *
 *  - ARP, and neighbour and router discovery (RS, RA, NS, NA), pass unless a rule that names them
 *    (ARP; protocol icmpv6) denies them. RARP, by which hypervisors announce a guest, always
 * passes.
 *  - Of a later fragment ports, TCP flags and ICMP type are unknown: rules that allow and name them
 *    never match, rules that drop or reject match on the rest. Likewise the protocol, and further
 *    extension headers, where only the first fragment shows them.
 */
#ifndef OUTRIDER_BPF_ACL_H_
#define OUTRIDER_BPF_ACL_H_

#include <linux/in.h>

#include "vswitch/bpf/acl_account.h"
#include "vswitch/bpf/acl_lookup.h"

/* A verdict: action (enum or_acl_action), whether the rule wants it logged, the rule's place from 1
 * (0: the default action, or none). */
#define OR_VERDICT_ACTION 0xffu
#define OR_VERDICT_LOG (1u << 8)
#define OR_VERDICT_RULE_SHIFT 9

/* Whether a guest may advertise itself as a router is the security section's matter (RA guard). */
static __always_inline bool or_is_exempt(const struct or_frame *f)
{
	return f->ether == OR_ETHER_ARP || f->flags & (OR_FRAME_ND | OR_FRAME_RA);
}

/* Every block of the set is a candidate until a dimension rules it out. Global, like the others
 * here: the verifier looks at it once, and follows none of its ways any further. */
__noinline int or_acl_begin(struct or_acl_scratch *s, const struct or_acl_header *h,
			    const struct or_frame *f)
{
	__u32 blocks;

	if (!s || !h || !f)
		return 0;
	s->exempt = or_is_exempt(f);
	blocks = (h->rules + 63) / 64;
	for (__u32 i = 0; i < OR_ACL_SUMMARY; i++) {
		__u64 all = ~0ull;

		if (blocks <= i * 64)
			all = 0;
		else if (blocks < i * 64 + 64)
			all = (1ull << (blocks - i * 64)) - 1;
		if (s->exempt)
			all &= h->exempt_summary[i];
		s->candidates[i] = all;
	}
	s->rule = 0;
	s->broken = 0;
	s->rules = h->rules;
	s->dimensions = h->dimensions;
	s->any_line = h->any_line;
	s->any_lines = h->any_lines;
	s->exempt_line = h->exempt_line;
	s->decision_line = h->decision_line;
	/* What it is when no rule matches. */
	s->decision = h->default_decision;
	return 0;
}

/* The verdict of rule set `set_id` on a frame. Set 0 allows all. Global (not static), as or_parse()
 * is: the verifier looks at it once. */
__noinline __u32 or_acl_classify(__u32 set_id, const struct or_frame *f)
{
	struct or_acl_walk w = {.frame = f};
	const struct or_acl_header *header;
	__u32 key = 0, verdict;

	w.scratch = bpf_map_lookup_elem(&or_acl_scratch, &key);
	if (!w.scratch || !f)
		return OR_ACL_MISSING;
	w.scratch->decided = 0;
	w.scratch->set = set_id;
	if (!set_id)
		return OR_ACL_ALLOW;
	key = set_id;
	w.image = bpf_map_lookup_elem(&or_rule_sets, &key);
	if (!w.image)
		return OR_ACL_MISSING;
	key = 0;
	header = bpf_map_lookup_elem(w.image, &key);
	if (!header)
		return OR_ACL_MISSING;
	if (f->ether_type == OR_ETH_P_RARP)
		return OR_ACL_ALLOW;
	or_acl_begin(w.scratch, header, f);
	bpf_loop(w.scratch->dimensions, or_acl_narrow, &w, 0);
	if (w.scratch->broken)
		return OR_ACL_MISSING;
	bpf_loop(OR_ACL_BLOCKS, or_acl_try, &w, 0);
	if (!w.scratch->rule && w.scratch->exempt)
		return OR_ACL_ALLOW;
	w.scratch->decided = 1;
	verdict = w.scratch->decision & OR_ACL_DECISION_ACTION;
	if (or_acl_log_rate(w.scratch->decision))
		verdict |= OR_VERDICT_LOG;
	return verdict | w.scratch->rule << OR_VERDICT_RULE_SHIFT;
}

#endif /* OUTRIDER_BPF_ACL_H_ */
