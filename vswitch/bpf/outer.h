/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Outer headers, put on and taken off here rather than by the tunnel device: Ethernet, IPv4 or
 * IPv6, UDP, VXLAN (RFC 7348; the group policy draft's mark). The frame's own Ethernet header
 * becomes the inner one. Who sends where: encap.h.
 *
 * Room is made between the Ethernet and the network header, and the outer headers are written over
 * both, so that offsets and offload state stay the kernel's: it knows the frame as UDP tunnel.
 */
#ifndef OUTRIDER_BPF_OUTER_H_
#define OUTRIDER_BPF_OUTER_H_

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"

#define OR_OUTER_TTL 64
#define OR_VXLAN_PORT_FIRST 49152u /* RFC 7348, section 5: 49152..65535 */
#define OR_VXLAN_VNI 0x08000000u
#define OR_VXLAN_GBP 0x80000000u

struct or_vxlan {
	__be32 flags;
	__be32 vni;
};

struct or_outer_v4 {
	__u16 pad;
	struct ethhdr eth; /* the first byte of the frame */
	struct iphdr ip;
	struct udphdr udp;
	struct or_vxlan vxlan;
	struct ethhdr inner;
};

struct or_outer_v6 {
	__u16 pad;
	struct ethhdr eth; /* the first byte of the frame */
	struct ipv6hdr ip;
	struct udphdr udp;
	struct or_vxlan vxlan;
	struct ethhdr inner;
};

#define OR_ROOM(ip)                                                                                \
	((__u32)(sizeof(ip) + sizeof(struct udphdr) + sizeof(struct or_vxlan) + OR_ETH_HLEN))
#define OR_ROOM_V4 OR_ROOM(struct iphdr)
#define OR_ROOM_V6 OR_ROOM(struct ipv6hdr)
#define OR_ENCAP_FLAGS                                                                             \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |                                  \
	 BPF_F_ADJ_ROOM_ENCAP_L2(OR_ETH_HLEN) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH)

/* What goes in front of a frame. */
struct or_tunnelling {
	const struct or_vtep *to;
	const struct or_path *path;
	__u32 gbp;
	struct ethhdr inner;
};

/* The same for all frames of a flow; of fragments by their addresses, for only the first one has
 * ports. */
static __always_inline __u32 or_flow_hash(const struct or_frame *f)
{
	const __u32 *src = (const __u32 *)f->src, *dst = (const __u32 *)f->dst;
	__u32 hash = f->protocol;

	for (int i = 0; i < 4; i++)
		hash = (hash ^ src[i] ^ (dst[i] << 16 | dst[i] >> 16)) * 0x9e3779b1u;
	if (!(f->flags & OR_FRAME_FRAGMENT))
		hash = (hash ^ ((__u32)f->src_port << 16 | f->dst_port)) * 0x85ebca6bu;
	return hash ^ hash >> 15;
}

/* Of an outer header, by RFC 3168, 9.1.1 (full functionality), as Linux has it: congestion that the
 * packet has met already is not shown again. */
static __always_inline __u8 or_outer_tos(const struct or_frame *f)
{
	__u8 ecn = f->tos & 3;

	return (f->outer_tos & ~3) | (ecn == 3 ? 2 : ecn);
}

static __always_inline void or_write_link(const struct or_path *path, __u16 type,
					  struct ethhdr *eth)
{
	__builtin_memcpy(eth->h_dest, path->eth_dst, 6);
	__builtin_memcpy(eth->h_source, path->eth_src, 6);
	eth->h_proto = bpf_htons(type);
}

static __always_inline void or_write_tunnel(const struct or_frame *f, __u32 gbp, __u32 length,
					    __u32 hash, struct udphdr *udp, struct or_vxlan *vxlan)
{
	udp->source = bpf_htons(OR_VXLAN_PORT_FIRST | (hash & 0x3fff));
	udp->dest = bpf_htons(or_vxlan_port);
	udp->len = bpf_htons(length);
	udp->check = 0;
	vxlan->flags = bpf_htonl(OR_VXLAN_VNI | (gbp ? OR_VXLAN_GBP | gbp : 0));
	vxlan->vni = bpf_htonl(f->vni << 8);
}

/* RFC 1071 over a header without its checksum, which is 0 in it. */
static __always_inline __u16 or_header_check(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u32 sum = 0;

	for (int i = 0; i < (int)sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Larger than a header can say: segments have lengths of their own. */
static __always_inline __u16 or_ip_length(__u32 length)
{
	return length > 0xffff ? 0 : length;
}

static __noinline long or_write_v4(struct __sk_buff *skb, const struct or_frame *f,
				   const struct or_tunnelling *t)
{
	__u32 length = skb->len - OR_ETH_HLEN;
	struct or_outer_v4 outer = {};

	or_write_link(t->path, OR_ETH_P_IPV4, &outer.eth);
	outer.inner = t->inner;
	outer.ip.version = 4;
	outer.ip.ihl = 5;
	outer.ip.tos = or_outer_tos(f);
	outer.ip.tot_len = bpf_htons(or_ip_length(length));
	outer.ip.id = bpf_get_prandom_u32();
	outer.ip.ttl = OR_OUTER_TTL;
	outer.ip.protocol = IPPROTO_UDP;
	outer.ip.saddr = *(const volatile __u32 *)(or_local_vtep + 12);
	__builtin_memcpy(&outer.ip.daddr, t->to->address + 12, 4);
	outer.ip.check = or_header_check(&outer.ip);
	or_write_tunnel(f, t->gbp, length - sizeof(outer.ip), or_flow_hash(f), &outer.udp,
			&outer.vxlan);
	return bpf_skb_store_bytes(skb, 0, &outer.eth, OR_ETH_HLEN + OR_ROOM_V4, 0);
}

static __noinline long or_write_v6(struct __sk_buff *skb, const struct or_frame *f,
				   const struct or_tunnelling *t)
{
	__u32 length = skb->len - OR_ETH_HLEN - sizeof(struct ipv6hdr);
	const volatile __u32 *source = (const volatile __u32 *)or_local_vtep6;
	__u8 tos = or_outer_tos(f);
	struct or_outer_v6 outer = {};

	or_write_link(t->path, OR_ETH_P_IPV6, &outer.eth);
	outer.inner = t->inner;
	outer.ip.version = 6;
	outer.ip.priority = tos >> 4;
	outer.ip.flow_lbl[0] = tos << 4;
	outer.ip.payload_len = bpf_htons(or_ip_length(length));
	outer.ip.nexthdr = IPPROTO_UDP;
	outer.ip.hop_limit = OR_OUTER_TTL;
	for (int i = 0; i < 4; i++)
		outer.ip.saddr.in6_u.u6_addr32[i] = source[i];
	__builtin_memcpy(&outer.ip.daddr, t->to->address, 16);
	or_write_tunnel(f, t->gbp, length, or_flow_hash(f), &outer.udp, &outer.vxlan);
	return bpf_skb_store_bytes(skb, 0, &outer.eth, OR_ETH_HLEN + OR_ROOM_V6, 0);
}

/* The frame's own Ethernet header, wherever it is. */
static __always_inline bool or_read_inner(struct __sk_buff *skb, const struct or_frame *f,
					  struct ethhdr *inner)
{
	return !bpf_skb_load_bytes(skb, f->outer, inner, sizeof(*inner));
}

/* Puts the headers of a path in front, or in the place of those that are there. False: the frame is
 * as it was, or is lost. */
static __noinline bool or_put_outer_on(struct __sk_buff *skb, struct or_frame *f,
				       const struct or_vtep *to, const struct or_path *path,
				       __u32 gbp)
{
	bool v4 = or_is_mapped_ipv4(to->address);
	__u8 room = v4 ? OR_ROOM_V4 : OR_ROOM_V6;
	__u64 flags =
		OR_ENCAP_FLAGS | (v4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
	struct or_tunnelling t = {.to = to, .path = path, .gbp = gbp};

	if (!or_read_inner(skb, f, &t.inner))
		return false;
	if (f->outer != room &&
	    (f->outer || bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, flags)))
		return false;
	f->outer = room;
	return !(v4 ? or_write_v4(skb, f, &t) : or_write_v6(skb, f, &t));
}

/* Gives the frame back its own Ethernet header; for the tunnel device, which puts on its own.
 * False: it is lost. */
static __always_inline bool or_take_outer_off(struct __sk_buff *skb, struct or_frame *f)
{
	struct ethhdr inner;
	__s32 room = f->outer;

	if (!room)
		return true;
	if (!or_read_inner(skb, f, &inner) ||
	    bpf_skb_adjust_room(skb, -room, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) ||
	    bpf_skb_store_bytes(skb, 0, &inner, sizeof(inner), 0))
		return false;
	f->outer = 0;
	return true;
}

#endif /* OUTRIDER_BPF_OUTER_H_ */
