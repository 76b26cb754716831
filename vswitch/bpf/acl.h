/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Rule sets. or_acl_classify() is all that others see, and filter.h the only one who calls it: a
 * linear walk over an immutable list in this release, bounded by OR_MAX_RULES.
 *
 * The first rule that matches decides, else the default action; except:
 *  - ARP, and neighbour and router discovery (RS, RA, NS, NA), pass unless a rule that names them
 *    (ARP; protocol icmpv6) drops them. RARP, by which hypervisors announce a guest, always passes.
 *  - Of a non-first fragment ports and ICMP type are unknown: allow rules that name them never
 * match, drop rules match on the rest. Likewise the protocol where only the first fragment shows
 * it.
 */
#ifndef OUTRIDER_BPF_ACL_H_
#define OUTRIDER_BPF_ACL_H_

#include <linux/in.h>
#include <linux/in6.h>

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"

#define OR_RULE_LAYER4 (OR_RULE_SRC_PORT | OR_RULE_DST_PORT | OR_RULE_ICMP_TYPE | OR_RULE_ICMP_CODE)

struct or_acl_walk {
	const struct or_rule_set *set;
	const struct or_frame *frame;
	__u32 verdict;
	__u32 exempt;
};

/* The packed verdict of or_acl_classify(): bits 0-7 enum or_acl_action, bit 8 log, bits 9-31 the
 * rule's place in the set, from 1; 0 is the default action. */
#define OR_ACL_ACTION(verdict) ((verdict)&0xff)
#define OR_ACL_VERDICT(rule, action) ((rule) << 9 | (action))

static __always_inline bool or_acl_denies(__u32 action)
{
	return action == OR_ACL_DROP || action == OR_ACL_REJECT;
}

/* Lengths below 96 are of IPv6 prefixes: ::/0 is not IPv4's default route. */
static __always_inline bool or_in_prefix(const struct or_frame *f, const __u8 *address,
					 const __u8 *prefix, __u32 length)
{
	const __u64 *a = (const __u64 *)address;
	const __u64 *p = (const __u64 *)prefix;
	__u64 high = bpf_be64_to_cpu(a[0] ^ p[0]);

	if (length < 96 && f->ether != OR_ETHER_IPV6)
		return false;
	if (!length)
		return true;
	if (length <= 64)
		return high >> (64 - length) == 0;
	return high == 0 && bpf_be64_to_cpu(a[1] ^ p[1]) >> ((128 - length) & 63) == 0;
}

static __always_inline bool or_match_ports(const struct or_rule *r, const struct or_frame *f)
{
	if (r->flags & (OR_RULE_SRC_PORT | OR_RULE_DST_PORT) && !(f->flags & OR_FRAME_PORTS))
		return false;
	if (r->flags & OR_RULE_SRC_PORT &&
	    (f->src_port < r->src_port_first || f->src_port > r->src_port_last))
		return false;
	if (r->flags & OR_RULE_DST_PORT &&
	    (f->dst_port < r->dst_port_first || f->dst_port > r->dst_port_last))
		return false;
	return true;
}

static __always_inline bool or_match_icmp(const struct or_rule *r, const struct or_frame *f)
{
	if (r->flags & (OR_RULE_ICMP_TYPE | OR_RULE_ICMP_CODE) && !(f->flags & OR_FRAME_ICMP))
		return false;
	if (r->flags & OR_RULE_ICMP_TYPE && f->icmp_type != r->icmp_type)
		return false;
	if (r->flags & OR_RULE_ICMP_CODE && f->icmp_code != r->icmp_code)
		return false;
	return true;
}

static __always_inline bool or_match_protocol(const struct or_rule *r, const struct or_frame *f)
{
	if (!r->protocol)
		return true;
	if (!(f->flags & OR_FRAME_IP))
		return false;
	if (f->flags & OR_FRAME_HIDDEN)
		return or_acl_denies(r->action);
	return f->protocol == r->protocol;
}

static __always_inline bool or_rule_matches(const struct or_rule *r, const struct or_frame *f)
{
	if (r->ether != OR_ETHER_ANY && r->ether != f->ether)
		return false;
	if (r->flags & (OR_RULE_SRC_PREFIX | OR_RULE_DST_PREFIX) && !(f->flags & OR_FRAME_IP))
		return false;
	if (!or_match_protocol(r, f))
		return false;
	if (r->flags & OR_RULE_SRC_PREFIX && !or_in_prefix(f, f->src, r->src, r->src_length))
		return false;
	if (r->flags & OR_RULE_DST_PREFIX && !or_in_prefix(f, f->dst, r->dst, r->dst_length))
		return false;
	if (f->flags & OR_FRAME_NO_LAYER4)
		return !(r->flags & OR_RULE_LAYER4) || or_acl_denies(r->action);
	return or_match_ports(r, f) && or_match_icmp(r, f);
}

/* Whether a guest may advertise itself as a router is the security section's matter (RA guard). */
static __always_inline bool or_is_exempt(const struct or_frame *f)
{
	return f->ether == OR_ETHER_ARP || f->flags & (OR_FRAME_ND | OR_FRAME_RA);
}

static long or_acl_step(__u32 i, void *context)
{
	struct or_acl_walk *walk = context;
	const struct or_frame *f = walk->frame;
	const struct or_rule *r;

	if (i >= OR_MAX_RULES)
		return 1;
	r = &walk->set->rules[i];
	if (!or_rule_matches(r, f))
		return 0;
	if (or_acl_denies(r->action) && walk->exempt && r->ether != OR_ETHER_ARP &&
	    r->protocol != IPPROTO_ICMPV6)
		return 0;
	walk->verdict = OR_ACL_VERDICT(i + 1, r->action);
	return 1;
}

/* What the set says of the frame, packed as above. Set 0 allows all. Global, as or_parse(). */
__noinline __u32 or_acl_classify(__u32 set_id, const struct or_frame *f, bool to_guest)
{
	struct or_acl_walk walk = {.frame = f};

	if (!f)
		return OR_ACL_MISSING;
	if (!set_id)
		return OR_ACL_ALLOW;
	walk.set = bpf_map_lookup_elem(&or_rule_sets, &set_id);
	if (!walk.set)
		return OR_ACL_MISSING;
	if (f->ether_type == OR_ETH_P_RARP)
		return OR_ACL_ALLOW;
	walk.exempt = or_is_exempt(f);
	walk.verdict = walk.exempt ? OR_ACL_ALLOW : walk.set->default_action;
	bpf_loop(walk.set->count, or_acl_step, &walk, 0);
	return walk.verdict;
}

#endif /* OUTRIDER_BPF_ACL_H_ */
