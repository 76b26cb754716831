// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Ingress of a device of the underlay: unicast that other hosts send to our guests, taken out of
 * its tunnel here. Only what is beyond doubt: all else passes untouched, and so gets to the tunnel
 * device, which unpacks it for or_from_overlay, the one to say what is wrong with it. Frames of one
 * flow take one of the two ways, so that their order is kept, unless the network marks them (CE),
 * or their connection has just begun at a port whose list may reject.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "vswitch/bpf/cache_in.h"
#include "vswitch/bpf/deliver.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/fdb.h"
#include "vswitch/bpf/outer.h"
#include "vswitch/bpf/overlay.h"

#define OR_ECN_CE 3
#define OR_IPV4_FRAGMENT 0x3fff
#define OR_BURST_FLOWS 1024u /* a power of two */
#define OR_BURST_NS OR_NS_PER_S

/* What every VTEP has to say in VXLAN's header. What is marked (OR_GBP_*) keeps its order with the
 * rest of a migration, by the tunnel device. */
static __always_inline bool or_read_tunnel(const struct udphdr *udp, const struct or_vxlan *vxlan,
					   struct or_unpacked *u)
{
	__u32 vni = bpf_ntohl(vxlan->vni);

	if (udp->dest != bpf_htons(or_vxlan_port) || udp->check ||
	    vxlan->flags != bpf_htonl(OR_VXLAN_VNI) || vni & 0xff)
		return false;
	u->from.vni = vni >> 8;
	return true;
}

/* Lengths of a super-packet are its segments'. */
static __always_inline bool or_is_whole(const struct __sk_buff *skb, __u32 length)
{
	return skb->gso_size || length == skb->len - OR_ETH_HLEN;
}

static __noinline bool or_read_v4(struct __sk_buff *skb, struct or_unpacked *u)
{
	struct or_outer_v4 outer;
	__u16 check;

	if (bpf_skb_load_bytes(skb, 0, &outer.eth, OR_ETH_HLEN + OR_ROOM_V4))
		return false;
	if (outer.ip.protocol != IPPROTO_UDP || outer.ip.version != 4 || outer.ip.ihl != 5 ||
	    outer.ip.frag_off & bpf_htons(OR_IPV4_FRAGMENT) || (outer.ip.tos & 3) == OR_ECN_CE ||
	    outer.ip.daddr != *(const volatile __u32 *)(or_local_vtep + 12) ||
	    !or_is_whole(skb, bpf_ntohs(outer.ip.tot_len)))
		return false;
	check = outer.ip.check;
	outer.ip.check = 0;
	if (or_header_check(&outer.ip) != check)
		return false;
	or_map_ipv4(u->from.address, outer.ip.saddr);
	u->inner = outer.inner;
	u->room = OR_ROOM_V4;
	return or_read_tunnel(&outer.udp, &outer.vxlan, u);
}

static __noinline bool or_read_v6(struct __sk_buff *skb, struct or_unpacked *u)
{
	const volatile __u32 *own = (const volatile __u32 *)or_local_vtep6;
	struct or_outer_v6 outer;

	if (bpf_skb_load_bytes(skb, 0, &outer.eth, OR_ETH_HLEN + OR_ROOM_V6))
		return false;
	if (outer.ip.nexthdr != IPPROTO_UDP || outer.ip.version != 6 ||
	    (outer.ip.flow_lbl[0] >> 4 & 3) == OR_ECN_CE ||
	    !or_is_whole(skb, bpf_ntohs(outer.ip.payload_len) + sizeof(outer.ip)))
		return false;
	for (int i = 0; i < 4; i++) {
		if (outer.ip.daddr.in6_u.u6_addr32[i] != own[i])
			return false;
	}
	__builtin_memcpy(u->from.address, &outer.ip.saddr, 16);
	u->inner = outer.inner;
	u->room = OR_ROOM_V6;
	return or_read_tunnel(&outer.udp, &outer.vxlan, u);
}

/* A flow of UDP that came as super-packets. */
struct or_burst {
	__u64 last_ns;
	__u32 hash;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OR_BURST_FLOWS);
	__type(key, __u32);
	__type(value, struct or_burst);
} or_udp_bursts SEC(".maps");

/* Whether UDP comes as super-packets, or has a moment ago: then small ones must not overtake large
 * ones. */
static __always_inline bool or_is_burst(const struct __sk_buff *skb,
					const struct or_cache_question *q)
{
	__u32 hash = or_cache_hash(&q->key), slot = hash & (OR_BURST_FLOWS - 1);
	struct or_burst *burst = bpf_map_lookup_elem(&or_udp_bursts, &slot);
	__u64 now = bpf_ktime_get_coarse_ns();

	if (!burst)
		return true;
	if (skb->gso_size) {
		burst->hash = hash;
		burst->last_ns = now;
	}
	return burst->hash == hash && burst->last_ns && now - burst->last_ns < OR_BURST_NS;
}

/* Whether the frame's connection is one of the port's. */
static __always_inline bool or_is_known(const struct or_cache_question *q,
					const struct or_unpacked *u, __u32 index)
{
	struct or_connection_key *key = or_new_key(index);

	if (!key)
		return false;
	key->vni = u->from.vni;
	key->protocol = q->key.protocol;
	or_connection_sides(key, false, q->key.src, q->key.dst, bpf_ntohs(q->key.src_port),
			    bpf_ntohs(q->key.dst_port));
	return bpf_map_lookup_elem(&or_connections, key);
}

/* Whether it is TCP, if only a fragment. */
static __always_inline bool or_is_tcp(struct __sk_buff *skb, const struct or_unpacked *u)
{
	__u32 at = OR_ETH_HLEN + u->room;
	__u8 protocol;

	at += u->inner.h_proto == bpf_htons(OR_ETH_P_IPV4)
		      ? __builtin_offsetof(struct iphdr, protocol)
		      : __builtin_offsetof(struct ipv6hdr, nexthdr);
	return bpf_skb_load_bytes(skb, at, &protocol, 1) || protocol == IPPROTO_TCP;
}

/* Whether the frame, once unpacked here, can go the way of all others to port `index`: the kernel
 * still takes it for one of a tunnel, and would cut up what is large (TCP for a tap; UDP wrongly,
 * wherever it has to), and not let it be made the answer to itself. Small frames of a flow that has
 * large ones must not overtake them. */
static __always_inline bool or_takes_unpacked(struct __sk_buff *skb, const struct or_unpacked *u,
					      __u32 index)
{
	const struct or_cache_question *q = or_cache_question_of(OR_CACHE_FROM_UNDERLAY);
	const struct or_port *port = or_port_row(index);

	if (!port || !q)
		return false;
	if (!q->named)
		return !skb->gso_size && !(port->flags & OR_PORT_REJECTS) &&
		       (port->device & OR_DEVICE_TAKES_UNPACKED || !or_is_tcp(skb, u));
	if (q->key.protocol == IPPROTO_TCP && !(port->device & OR_DEVICE_TAKES_UNPACKED))
		return false;
	if (q->key.protocol == IPPROTO_UDP && or_is_burst(skb, q))
		return false;
	return !(port->flags & OR_PORT_REJECTS) || or_is_known(q, u, index);
}

/* The port the frame is for; 0: that is not for this program to say. */
static __noinline __u32 or_find_guest(struct __sk_buff *skb, const struct or_unpacked *u)
{
	__u32 vni = u->from.vni, index;

	if (!bpf_map_lookup_elem(&or_members, &u->from))
		return 0;
	index = or_fdb_index(or_fdb_place(or_fdb_word(u->inner.h_dest, vni), vni), OR_FDB_LOCAL);
	return index && or_takes_unpacked(skb, u, index) ? index : 0;
}

/* Whether it is of a tunnel that ends here, for a guest, and this program's to unpack. */
static __noinline bool or_read_outer(struct __sk_buff *skb, struct or_unpacked *u)
{
	bool ours;

	if (skb->pkt_type != PACKET_HOST || skb->vlan_present)
		return false;
	if (skb->protocol == bpf_htons(OR_ETH_P_IPV4))
		ours = or_read_v4(skb, u);
	else
		ours = skb->protocol == bpf_htons(OR_ETH_P_IPV6) && or_read_v6(skb, u);
	return ours && !or_is_multicast(u->inner.h_dest) &&
	       (u->inner.h_proto == bpf_htons(OR_ETH_P_IPV4) ||
		u->inner.h_proto == bpf_htons(OR_ETH_P_IPV6));
}

SEC("tc")
int or_from_underlay(struct __sk_buff *skb)
{
	struct or_unpacked u = {};
	struct or_frame *f;
	__u32 index, reason;
	int verdict;

	if (!or_knows_underlay() || !or_read_outer(skb, &u))
		return TC_ACT_UNSPEC;
	f = or_new_frame(skb, 3);
	if (!f)
		return TC_ACT_SHOT;
	verdict = or_cached_from_underlay(skb, f, &u);
	if (verdict != OR_CACHE_MISS)
		return verdict;
	index = or_find_guest(skb, &u);
	if (!index)
		return TC_ACT_UNSPEC;
	switch (or_unpack(skb, &u)) {
	case OR_NOT_UNPACKED:
		return TC_ACT_UNSPEC;
	case OR_UNPACKING_FAILED:
		return or_drop(0, OR_DROP_MALFORMED, f);
	case OR_UNPACKED:
		break;
	}
	f->vni = u.from.vni;
	reason = or_admit_unpacked(skb, f);
	if (reason)
		return or_drop(0, reason, f);
	verdict = or_deliver(skb, f, index);
	if (verdict == TC_ACT_REDIRECT)
		or_cache_keep_in(f, &u, index);
	return verdict;
}
