/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The only place that knows how a frame gets to another host and how it came from one, over IPv4
 * and IPv6: with outer headers put on here (outer.h), straight to a device of the underlay, or,
 * where that cannot be, by a collect-metadata vxlan device ("external"), addressed by tunnel keys.
 */
#ifndef OUTRIDER_BPF_ENCAP_H_
#define OUTRIDER_BPF_ENCAP_H_

#include <linux/pkt_cls.h>

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/outer.h"
#include "vswitch/bpf/trace.h"

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

/* For the tunnel device. False: it cannot be sent there. */
static __noinline bool or_set_key(struct __sk_buff *skb, const struct or_frame *f,
				  const struct or_vtep *to, __u32 gbp)
{
	struct bpf_tunnel_key key = {
		.tunnel_id = f->vni,
		.tunnel_ttl = OR_OUTER_TTL,
		.tunnel_tos = f->outer_tos,
	};
	__u64 flags;

	if (!or_tunnel_ifindex)
		return false;
	if (or_is_mapped_ipv4(to->address)) {
		if (!or_address_v4(to, &key))
			return false;
		/* RFC 7348, section 5: inner checksums protect what matters. */
		flags = or_checksums & OR_CHECKSUM_IPV4 ? 0 : BPF_F_ZERO_CSUM_TX;
	} else {
		if (!or_address_v6(to, &key))
			return false;
		/* RFC 6935 and 6936: of a tunnel whose ends are known to each other likewise. */
		flags = BPF_F_TUNINFO_IPV6 |
			(or_checksums & OR_CHECKSUM_IPV6 ? 0 : BPF_F_ZERO_CSUM_TX);
	}
	if (bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags))
		return false;
	/* Always: a device with group policies takes it from the metadata, whether it is there or
	 * not. */
	if (bpf_skb_set_tunnel_opt(skb, &gbp, sizeof(gbp)))
		return false;
	skb->mark = OR_MARK_TUNNEL;
	return true;
}

/* The same for the VTEP with index `vtep`. */
static __always_inline bool or_set_key_of(struct __sk_buff *skb, const struct or_frame *f,
					  __u32 vtep, __u32 gbp)
{
	const struct or_vtep *to = bpf_map_lookup_elem(&or_vteps, &vtep);

	return to && or_set_key(skb, f, to, gbp);
}

static __always_inline void or_count_detour(__u32 why)
{
	__u64 *count = bpf_map_lookup_elem(&or_detours, &why);

	if (count && !or_tracing)
		++*count;
}

/* The path of the frame's flow, or NULL and why it goes by the tunnel device (enum or_detour). */
static __always_inline const struct or_path *or_choose_path(const struct or_frame *f,
							    const struct or_vtep *to, __u32 *why)
{
	__u32 paths = to->paths, chosen = 0;

	*why = OR_DETOUR_NO_PATH;
	if (!paths || or_tracing)
		return NULL;
	*why = OR_DETOUR_STALE;
	if (!or_knows_underlay())
		return NULL;
	*why = OR_DETOUR_CHECKSUM;
	if (or_is_mapped_ipv4(to->address) ? or_checksums & OR_CHECKSUM_IPV4
					   : or_checksums & OR_CHECKSUM_IPV6)
		return NULL;
	*why = OR_DETOUR_TAGGED;
	if (f->customer_vlan)
		return NULL;
	*why = OR_DETOUR_NOT_IP;
	if (f->ether != OR_ETHER_IPV4 && f->ether != OR_ETHER_IPV6)
		return NULL;
	if (paths > 1)
		chosen = (or_flow_hash(f) >> 16) % paths;
	return &to->path[chosen & (OR_MAX_PATHS - 1)];
}

/* Sets up `skb` for the VTEP with index `vtep`, with a mark (OR_GBP_*; 0: none). The device to send
 * it to, or a copy of it; 0: it cannot be sent there. Until the next call for another VTEP the
 * frame may have outer headers; nobody looks at it again. */
static __noinline __u32 or_encapsulate_marked(struct __sk_buff *skb, struct or_frame *f, __u32 vtep,
					      __u32 gbp)
{
	const struct or_vtep *to = bpf_map_lookup_elem(&or_vteps, &vtep);
	const struct or_path *path;
	__u32 why;

	if (!to)
		return 0;
	or_trace(OR_TRACE_ENCAP, f->port, vtep, f->vni, f->outer_tos);
	path = or_choose_path(f, to, &why);
	if (path && or_put_outer_on(skb, f, to, path, gbp)) {
		/* Not routed by our mark, nor filtered. */
		skb->mark = 0;
		return path->ifindex;
	}
	if (path)
		why = OR_DETOUR_REFUSED;
	or_count_detour(why);
	if (!or_take_outer_off(skb, f) || !or_set_key(skb, f, to, gbp))
		return 0;
	return or_tunnel_ifindex;
}

static __always_inline __u32 or_encapsulate(struct __sk_buff *skb, struct or_frame *f, __u32 vtep)
{
	return or_encapsulate_marked(skb, f, vtep, 0);
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
