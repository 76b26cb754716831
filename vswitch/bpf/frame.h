/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the programs know of one frame. parse.h fills it from the headers, the entry programs add
 * where it came from; everybody else reads it.
 */
#ifndef OUTRIDER_BPF_FRAME_H_
#define OUTRIDER_BPF_FRAME_H_

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/types.h>
#include <stdbool.h>

#include "vswitch/abi/or_abi.h"

#define OR_ETH_HLEN 14
#define OR_VLAN_HLEN 4
#define OR_ETH_P_IPV4 0x0800
#define OR_ETH_P_ARP 0x0806
#define OR_ETH_P_RARP 0x8035
#define OR_ETH_P_8021Q 0x8100
#define OR_ETH_P_8021AD 0x88a8
#define OR_ETH_P_IPV6 0x86dd

#define OR_FRAME_IP (1u << 0)	       /* addresses and protocol are set */
#define OR_FRAME_PORTS (1u << 1)       /* src_port, dst_port are set */
#define OR_FRAME_ICMP (1u << 2)	       /* icmp_type, icmp_code are set */
#define OR_FRAME_FRAGMENT (1u << 3)    /* any fragment */
#define OR_FRAME_NO_LAYER4 (1u << 4)   /* non-first fragment */
#define OR_FRAME_HIDDEN (1u << 5)      /* ... of a protocol that only the first one shows */
#define OR_FRAME_ND (1u << 6)	       /* RS, NS or NA, whole and from this link */
#define OR_FRAME_ARP_REQUEST (1u << 7) /* request for another's address: src, dst are set */
#define OR_FRAME_ARP_FOREIGN (1u << 8) /* sender hardware address is not the source MAC */
#define OR_FRAME_RA (1u << 9)	       /* router advertisement, whole and from this link */
#define OR_FRAME_ECHO (1u << 10)       /* ICMP or ICMPv6 echo: icmp_id is set */
#define OR_FRAME_ECHO_REPLY (1u << 11) /* ... a reply */
#define OR_FRAME_SCALE (1u << 12)      /* SYN with a window scale, once filter.h has looked */
#define OR_FRAME_MOVED (1u << 13)      /* sent after a guest that has left another host */
#define OR_FRAME_COUNTED (1u << 14)    /* ... which has counted it already */
#define OR_FRAME_REFUSED (1u << 15)    /* ... which does not know its connection */

/* Whether a port's profile says of the next frames of a flow what it says of this one. */
enum or_settled {
	OR_UNSETTLED,
	OR_SETTLED_FREE,  /* there are no rules */
	OR_SETTLED_KNOWN, /* it is of a connection, by or_key_scratch */
};

struct or_frame {
	__u8 src[16]; /* IPv4-mapped; of ARP: sender's and target's protocol address */
	__u8 dst[16];
	__u64 wire_bytes;   /* Ethernet frames as sent on a wire, without FCS and the port's tag */
	__u32 wire_packets; /* 1, or the segments of a GSO packet */
	__u32 l3_length;    /* largest layer-3 packet it becomes */
	__u32 vni;
	__u32 port;    /* index of the port it came from; 0: from the overlay */
	__u32 tcp_seq; /* host order, as all of TCP's */
	__u32 tcp_end; /* behind the data; SYN and FIN count */
	__u32 tcp_ack;
	__u32 fragment_id; /* of a fragment: identification of IPv4 or IPv6 */
	__u32 takers;	   /* local ports a copy was for, whatever became of it */
	__u8 eth_dst[6];
	__u8 eth_src[6];
	__u16 ether_type; /* host order */
	__u16 src_port;	  /* host order */
	__u16 dst_port;
	__u16 flags; /* OR_FRAME_* */
	/* Outermost VLAN as the port's guest sends it, or, in deliver(), as the guest gets it. 0:
	 * untagged, or a priority tag. */
	__u16 vlan;
	/* VLAN of the tag that stays on the frame in the segment (QinQ), in skb->vlan_tci and not
	 * among the bytes. 0: none. */
	__u16 customer_vlan;
	__u8 ether;    /* enum or_ether_match, OR_ETHER_ANY: none of them */
	__u8 protocol; /* IP protocol after extension headers */
	__u8 icmp_type;
	__u8 icmp_code;
	__u16 l4_offset;  /* of the layer-4 header in the skb, as parsed; 0: none */
	__u16 tcp_window; /* unscaled */
	__u16 icmp_id;	  /* of an echo request or reply */
	__u8 tcp_flags;	  /* with OR_FRAME_PORTS, of TCP: the byte CWR..FIN (RFC 9293) */
	__u8 tcp_scale;	  /* window scale of a SYN, when OR_FRAME_SCALE says so */
	__u8 tos;	  /* IPv4's, or IPv6's traffic class: DSCP and ECN */
	__u8 outer_tos;	  /* the tunnel header's; ECN is the kernel's */
	__u8 extensions;  /* IPv6 extension headers: bit i is AclMatch.Ipv6Extension i + 1 */
	__u8 scope;	  /* enum or_multicast_scope: whom copies are for */
	__u8 outer;	  /* bytes of outer headers in front of it (outer.h) */
	__u8 settled;	  /* enum or_settled: what the last port's profile says of its flow */
} __attribute__((aligned(8)));

static __always_inline bool or_is_multicast(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline bool or_is_broadcast(const __u8 *mac)
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static __always_inline bool or_mac_equal(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] && a[4] == b[4] &&
	       a[5] == b[5];
}

/* In the order in which it is written. */
static __always_inline __u64 or_mac_number(const __u8 *mac)
{
	return (__u64)mac[0] << 40 | (__u64)mac[1] << 32 | (__u64)mac[2] << 24 |
	       (__u64)mac[3] << 16 | (__u64)mac[4] << 8 | mac[5];
}

/* `to` gets the IPv4-mapped form of an address in wire order. */
static __always_inline void or_map_ipv4(__u8 *to, __u32 address_be)
{
	__u32 *words = (__u32 *)to;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = address_be;
}

static __always_inline bool or_is_mapped_ipv4(const __u8 *address)
{
	const __u32 *words = (const __u32 *)address;

	return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

/* 01:80:c2:00:00:00 to :0f never leave a link (IEEE 802.1D, 7.12.6). */
static __always_inline bool or_is_link_local(const __u8 *mac)
{
	return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && mac[3] == 0 && mac[4] == 0 &&
	       mac[5] < 0x10;
}

#endif /* OUTRIDER_BPF_FRAME_H_ */
