/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The only place that knows how a frame gets to another host and how it came from one: a
 * collect-metadata vxlan device ("external"), addressed by tunnel keys. IPv4 underlay.
 */
#ifndef OUTRIDER_BPF_ENCAP_H_
#define OUTRIDER_BPF_ENCAP_H_

#include <linux/pkt_cls.h>

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"

#define OR_TUNNEL_TTL 64

/* Sets up `skb` for the VTEP with index `vtep`. False: it cannot be sent there. */
static __noinline bool or_encapsulate(struct __sk_buff *skb, __u32 vni, __u32 vtep)
{
	struct bpf_tunnel_key key = {.tunnel_id = vni, .tunnel_ttl = OR_TUNNEL_TTL};
	const struct or_vtep *to = bpf_map_lookup_elem(&or_vteps, &vtep);
	__u32 address, source;

	if (!to || !or_tunnel_ifindex || !or_is_mapped_ipv4(to->address))
		return false;
	__builtin_memcpy(&address, to->address + 12, 4);
	source = *(const volatile __u32 *)(or_local_vtep + 12);
	key.remote_ipv4 = bpf_ntohl(address);
	key.local_ipv4 = bpf_ntohl(source);
	/* The outer UDP checksum is zero (RFC 7348, section 5): inner ones protect what matters. */
	if (bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX))
		return false;
	skb->mark = OR_MARK_TUNNEL;
	return true;
}

/* Sends the frame itself. A TC verdict. After or_encapsulate(). */
static __always_inline int or_send_to_tunnel(struct __sk_buff *skb)
{
	return bpf_redirect(or_tunnel_ifindex, 0);
}

/* Sends a copy. 0, or not when the kernel refused. After or_encapsulate(). */
static __always_inline long or_copy_to_tunnel(struct __sk_buff *skb)
{
	return bpf_clone_redirect(skb, or_tunnel_ifindex, 0);
}

/* VNI and outer source of a frame that came in by the tunnel device. False: there is no such thing.
 */
static __noinline bool or_decapsulated(struct __sk_buff *skb, struct or_member_key *from)
{
	struct bpf_tunnel_key key = {};

	if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0))
		return false;
	from->vni = key.tunnel_id;
	or_map_ipv4(from->address, bpf_htonl(key.remote_ipv4));
	return true;
}

#endif /* OUTRIDER_BPF_ENCAP_H_ */
