/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A frame's value of each field that rules may look at. */
#ifndef OUTRIDER_BPF_ACL_KEY_H_
#define OUTRIDER_BPF_ACL_KEY_H_

#include <linux/in.h>

#include "vswitch/bpf/frame.h"

struct or_acl_key {
	__u64 high;
	__u64 low;
};

enum or_acl_key_state {
	OR_ACL_KEY_KNOWN = 0,
	OR_ACL_KEY_ABSENT = 1, /* the frame does not have the field */
	OR_ACL_KEY_HIDDEN = 2, /* it does, but another fragment shows it */
};

static __always_inline void or_acl_address(const __u8 *address, struct or_acl_key *key)
{
	const __u64 *words = (const __u64 *)address;

	key->high = bpf_be64_to_cpu(words[0]);
	key->low = bpf_be64_to_cpu(words[1]);
}

static __always_inline __u64 or_acl_shape(const struct or_frame *f)
{
	__u64 shape = (__u64)f->extensions << OR_ACL_SHAPE_EXTENSIONS_SHIFT;

	if (f->flags & OR_FRAME_HIDDEN)
		shape |= OR_ACL_SHAPE_HIDDEN;
	if (f->flags & OR_FRAME_NO_LAYER4)
		return shape | OR_ACL_SHAPE_LATER;
	if (f->flags & OR_FRAME_FRAGMENT)
		return shape | OR_ACL_SHAPE_FIRST;
	return shape;
}

/* What a layer-4 field is when `known` flags of the frame say that it is there. */
static __always_inline __u32 or_acl_layer4(const struct or_frame *f, __u32 known)
{
	if (f->flags & OR_FRAME_NO_LAYER4)
		return OR_ACL_KEY_HIDDEN;
	return f->flags & known ? OR_ACL_KEY_KNOWN : OR_ACL_KEY_ABSENT;
}

/* Returns enum or_acl_key_state; the key is set when it is known. Global (not static), so that the
 * verifier follows its callers once and not once per field. */
__noinline __u32 or_acl_key_of(const struct or_frame *f, __u32 field, struct or_acl_key *key)
{
	bool ip;

	if (!f || !key)
		return OR_ACL_KEY_ABSENT;
	ip = f->flags & OR_FRAME_IP;
	switch (field) {
	case OR_ACL_ETHER:
		key->low = f->ether_type;
		return OR_ACL_KEY_KNOWN;
	case OR_ACL_PROTOCOL:
		key->low = f->protocol;
		if (f->flags & OR_FRAME_HIDDEN)
			return OR_ACL_KEY_HIDDEN;
		return ip ? OR_ACL_KEY_KNOWN : OR_ACL_KEY_ABSENT;
	case OR_ACL_SRC_ADDRESS:
		or_acl_address(f->src, key);
		return ip ? OR_ACL_KEY_KNOWN : OR_ACL_KEY_ABSENT;
	case OR_ACL_DST_ADDRESS:
		or_acl_address(f->dst, key);
		return ip ? OR_ACL_KEY_KNOWN : OR_ACL_KEY_ABSENT;
	case OR_ACL_SRC_PORT:
		key->low = f->src_port;
		return or_acl_layer4(f, OR_FRAME_PORTS);
	case OR_ACL_DST_PORT:
		key->low = f->dst_port;
		return or_acl_layer4(f, OR_FRAME_PORTS);
	case OR_ACL_ICMP:
		key->low = f->icmp_type << 8 | f->icmp_code;
		return or_acl_layer4(f, OR_FRAME_ICMP);
	case OR_ACL_TCP_FLAGS:
		key->low = f->tcp_flags;
		return or_acl_layer4(f, f->protocol == IPPROTO_TCP ? OR_FRAME_PORTS : 0);
	case OR_ACL_SHAPE:
		key->low = or_acl_shape(f);
		return OR_ACL_KEY_KNOWN;
	case OR_ACL_VLAN:
		key->low = f->vlan;
		return OR_ACL_KEY_KNOWN;
	case OR_ACL_SRC_MAC:
		key->low = or_mac_number(f->eth_src);
		return OR_ACL_KEY_KNOWN;
	case OR_ACL_DST_MAC:
		key->low = or_mac_number(f->eth_dst);
		return OR_ACL_KEY_KNOWN;
	}
	return OR_ACL_KEY_ABSENT;
}

#endif /* OUTRIDER_BPF_ACL_KEY_H_ */
