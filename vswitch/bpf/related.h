/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * ICMP and ICMPv6 errors. An error is a part of the connection whose packet it quotes: who gets it
 * must be who sent that packet, and the connection must be there. It moves nothing on. Unlike in
 * the connection's own packets, a rule set that changed is not asked again: the packet that caused
 * the error has seen to that.
 */
#ifndef OUTRIDER_BPF_RELATED_H_
#define OUTRIDER_BPF_RELATED_H_

#include <linux/ip.h>
#include <linux/ipv6.h>

#include "vswitch/bpf/conntrack.h"
#include "vswitch/bpf/icmp.h"
#include "vswitch/bpf/parse.h"

#define OR_ICMP_TIME_EXCEEDED 11
#define OR_ICMP_PARAMETER 12
#define OR_ICMPV6_FIRST_ERROR 1 /* unreachable, too big, time exceeded, parameter problem */
#define OR_ICMPV6_LAST_ERROR 4

static __always_inline bool or_is_icmp_error(const struct or_frame *f)
{
	if (!(f->flags & OR_FRAME_ICMP))
		return false;
	if (f->protocol == IPPROTO_ICMP)
		return f->icmp_type == OR_ICMP_UNREACHABLE ||
		       f->icmp_type == OR_ICMP_TIME_EXCEEDED || f->icmp_type == OR_ICMP_PARAMETER;
	return f->icmp_type >= OR_ICMPV6_FIRST_ERROR && f->icmp_type <= OR_ICMPV6_LAST_ERROR;
}

/* The following read the quoted packet at `at` into the key's sides and protocol; `guest_sent` says
 * which side it came from. Each returns the offset of what follows, or 0: of no connection. */
static __always_inline __u32 or_quoted_ipv4(struct __sk_buff *skb, __u32 at,
					    struct or_connection_key *key, bool guest_sent)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
	    ip.frag_off & bpf_htons(0x1fff))
		return 0;
	or_map_ipv4(guest_sent ? key->guest : key->remote, ip.saddr);
	or_map_ipv4(guest_sent ? key->remote : key->guest, ip.daddr);
	key->protocol = ip.protocol;
	return at + ip.ihl * 4;
}

struct or_quoted_walk {
	struct __sk_buff *skb;
	__u32 at; /* 0: of no connection */
	__u8 protocol;
};

static long or_quoted_step(__u32 i, void *context)
{
	struct or_quoted_walk *walk = context;
	__u8 head[4];

	if (!or_is_extension(walk->protocol))
		return 1;
	if (bpf_skb_load_bytes(walk->skb, walk->at, head, sizeof(head)) ||
	    (walk->protocol == OR_IPPROTO_FRAGMENT && (head[2] || head[3] & 0xf8))) {
		walk->at = 0;
		return 1;
	}
	if (walk->protocol == OR_IPPROTO_AH)
		walk->at += (head[1] + 2) * 4;
	else if (walk->protocol == OR_IPPROTO_FRAGMENT)
		walk->at += 8;
	else
		walk->at += (head[1] + 1) * 8;
	walk->protocol = head[0];
	return 0;
}

static __always_inline __u32 or_quoted_ipv6(struct __sk_buff *skb, __u32 at,
					    struct or_connection_key *key, bool guest_sent)
{
	struct or_quoted_walk walk = {.skb = skb, .at = at + sizeof(struct ipv6hdr)};
	__u8 head[8];

	if (bpf_skb_load_bytes(skb, at, head, sizeof(head)) || head[0] >> 4 != 6 ||
	    bpf_skb_load_bytes(skb, at + 8, guest_sent ? key->guest : key->remote, 16) ||
	    bpf_skb_load_bytes(skb, at + 24, guest_sent ? key->remote : key->guest, 16))
		return 0;
	walk.protocol = head[6];
	bpf_loop(OR_MAX_EXTENSIONS, or_quoted_step, &walk, 0);
	key->protocol = walk.protocol;
	return walk.at;
}

/* Ports as or_connection_name() has them; an error quotes 8 bytes of layer 4 at least. */
static __always_inline bool or_quoted_ports(struct __sk_buff *skb, __u32 at,
					    struct or_connection_key *key, bool guest_sent)
{
	bool v6 = key->protocol == IPPROTO_ICMPV6, icmp = v6 || key->protocol == IPPROTO_ICMP;
	__u16 src_port = 0, dst_port = 0;
	__u8 head[8];

	if (!icmp && key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP &&
	    key->protocol != OR_IPPROTO_SCTP)
		return true;
	if (bpf_skb_load_bytes(skb, at, head, sizeof(head)))
		return false;
	if (!icmp) {
		src_port = head[0] << 8 | head[1];
		dst_port = head[2] << 8 | head[3];
	} else if (head[0] == (v6 ? OR_ICMPV6_ECHO : OR_ICMP_ECHO)) {
		src_port = head[4] << 8 | head[5];
	} else if (head[0] == (v6 ? OR_ICMPV6_ECHO_REPLY : OR_ICMP_ECHO_REPLY)) {
		dst_port = head[4] << 8 | head[5];
	} else {
		return false;
	}
	key->guest_port = guest_sent ? src_port : dst_port;
	key->remote_port = guest_sent ? dst_port : src_port;
	return true;
}

/* Whether an ICMP error, on its way from or to the guest, is about a connection of its port. `key`
 * has port and segment, and is filled. */
static __noinline bool or_is_related(struct __sk_buff *skb, const struct or_frame *f,
				     const struct or_port *port, struct or_connection_key *key,
				     bool from_guest)
{
	__u32 at = f->l4_offset + OR_ICMP_HLEN;
	const struct or_connection *c;
	const __u64 *sender, *to = (const __u64 *)f->dst;

	if (f->protocol == IPPROTO_ICMP)
		at = or_quoted_ipv4(skb, at, key, !from_guest);
	else
		at = or_quoted_ipv6(skb, at, key, !from_guest);
	sender = (const __u64 *)(from_guest ? key->remote : key->guest);
	if (!at || sender[0] != to[0] || sender[1] != to[1] ||
	    !or_quoted_ports(skb, at, key, !from_guest))
		return false;
	c = bpf_map_lookup_elem(&or_connections, key);
	return c && c->expires_ns > bpf_ktime_get_coarse_ns() && !or_connection_is_stale(c, port);
}

#endif /* OUTRIDER_BPF_RELATED_H_ */
