/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The only place that knows how a frame gets to another host and how it came from one: a
 * collect-metadata vxlan device ("external"), addressed by tunnel keys, over IPv4 and IPv6.
 */
#ifndef OUTRIDER_BPF_ENCAP_H_
#define OUTRIDER_BPF_ENCAP_H_

#include <linux/pkt_cls.h>

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

#define OR_TUNNEL_TTL 64

/* Addresses of a key. False: this host has no VTEP of that family. */
static __always_inline bool or_address_v4(const struct or_vtep *to, struct bpf_tunnel_key *key)
{
	__u32 address, source = *(const volatile __u32 *)(or_local_vtep + 12);

	__builtin_memcpy(&address, to->address + 12, 4);
	key->remote_ipv4 = bpf_ntohl(address);
	key->local_ipv4 = bpf_ntohl(source);
	return source;
}

static __always_inline bool or_address_v6(const struct or_vtep *to, struct bpf_tunnel_key *key)
{
	const volatile __u32 *source = (const volatile __u32 *)or_local_vtep6;

	__builtin_memcpy(key->remote_ipv6, to->address, 16);
	for (int i = 0; i < 4; i++)
		key->local_ipv6[i] = source[i];
	return key->local_ipv6[0] | key->local_ipv6[1] | key->local_ipv6[2] | key->local_ipv6[3];
}

/* Sets up `skb` for the VTEP with index `vtep`, with a mark (OR_GBP_*; 0: none). False: it cannot
 * be sent there. */
static __noinline bool or_encapsulate_marked(struct __sk_buff *skb, const struct or_frame *f,
					     __u32 vtep, __u32 gbp)
{
	struct bpf_tunnel_key key = {
		.tunnel_id = f->vni,
		.tunnel_ttl = OR_TUNNEL_TTL,
		.tunnel_tos = f->outer_tos,
	};
	const struct or_vtep *to = bpf_map_lookup_elem(&or_vteps, &vtep);
	__u64 flags;

	if (!to || !or_tunnel_ifindex)
		return false;
	if (or_is_mapped_ipv4(to->address)) {
		if (!or_address_v4(to, &key))
			return false;
		/* RFC 7348, section 5: inner checksums protect what matters. */
		flags = BPF_F_ZERO_CSUM_TX;
	} else {
		if (!or_address_v6(to, &key))
			return false;
		/* Over IPv6 with a checksum: no other header has one, and receivers may insist
		 * (RFC 8200, 8.1). */
		flags = BPF_F_TUNINFO_IPV6;
	}
	if (bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags))
		return false;
	/* Always: a device with group policies takes it from the metadata, whether it is there or
	 * not. */
	if (bpf_skb_set_tunnel_opt(skb, &gbp, sizeof(gbp)))
		return false;
	skb->mark = OR_MARK_TUNNEL;
	or_trace(OR_TRACE_ENCAP, f->port, vtep, f->vni, f->outer_tos);
	return true;
}

static __always_inline bool or_encapsulate(struct __sk_buff *skb, const struct or_frame *f,
					   __u32 vtep)
{
	return or_encapsulate_marked(skb, f, vtep, 0);
}

/* Sends the frame itself. A TC verdict. After or_encapsulate(). */
static __always_inline int or_send_to_tunnel(struct __sk_buff *skb)
{
	return or_redirect(or_tunnel_ifindex);
}

/* Sends a copy. 0, or not when the kernel refused. After or_encapsulate(). */
static __always_inline long or_copy_to_tunnel(struct __sk_buff *skb)
{
	return or_clone_redirect(skb, or_tunnel_ifindex);
}

/* The same of a frame that is traced: what the agent says. */
static __noinline bool or_traced_tunnel(struct or_member_key *from)
{
	__u32 zero = 0;
	const struct or_trace *trace = bpf_map_lookup_elem(&or_trace_scratch, &zero);

	if (!trace || !trace->from_vni)
		return false;
	from->vni = trace->from_vni;
	__builtin_memcpy(from->address, trace->from_vtep, 16);
	return true;
}

/* VNI and outer source of a frame that came in by the tunnel device. False: there is no such thing.
 */
static __noinline bool or_decapsulated(struct __sk_buff *skb, struct or_member_key *from)
{
	struct bpf_tunnel_key key = {};

	if (or_tracing)
		return or_traced_tunnel(from);
	if (!bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0)) {
		or_map_ipv4(from->address, bpf_htonl(key.remote_ipv4));
	} else if (!bpf_skb_get_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6)) {
		__builtin_memcpy(from->address, key.remote_ipv6, 16);
	} else {
		return false;
	}
	from->vni = key.tunnel_id;
	return true;
}

/* The mark of a frame that came in by the tunnel device (OR_GBP_*); without a label it is none.
 * Guests have no way to set it: what they send is encapsulated by us. */
static __always_inline __u32 or_mark_of(struct __sk_buff *skb)
{
	__u32 gbp = 0;

	if (or_tracing || bpf_skb_get_tunnel_opt(skb, &gbp, sizeof(gbp)) < 0)
		return 0;
	return gbp & OR_GBP_LABEL ? gbp : 0;
}

#endif /* OUTRIDER_BPF_ENCAP_H_ */
