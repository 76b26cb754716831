/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ARP (RFC 826) over Ethernet and IPv4: parsing, and answering for addresses the controller told
 * us. */
#ifndef OUTRIDER_BPF_ARP_H_
#define OUTRIDER_BPF_ARP_H_

#include <linux/types.h>

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

#define OR_ARP_REQUEST 1
#define OR_ARP_REPLY 2

struct or_arp {
	__u16 hardware_be;
	__u16 protocol_be;
	__u8 hardware_length;
	__u8 protocol_length;
	__u16 operation_be;
	__u8 sender_mac[6];
	__u8 sender_ip[4];
	__u8 target_mac[6];
	__u8 target_ip[4];
} __attribute__((packed));

/* The smallest Ethernet frame, FCS included: what announces a guest is not longer. */
#define OR_RARP_MAX 64

/* ARP, and RARP (RFC 903), which has the same shape. Returns the offset behind the header, or 0:
 * malformed. */
static __noinline __u32 or_parse_arp(struct __sk_buff *skb, struct or_frame *f)
{
	struct or_arp arp;
	__u32 sender, target;

	if (bpf_skb_load_bytes(skb, OR_ETH_HLEN, &arp, sizeof(arp)))
		return 0;
	if (arp.hardware_be != bpf_htons(1) || arp.protocol_be != bpf_htons(OR_ETH_P_IPV4) ||
	    arp.hardware_length != 6 || arp.protocol_length != 4)
		return 0;
	if (!or_mac_equal(arp.sender_mac, f->eth_src))
		f->flags |= OR_FRAME_ARP_FOREIGN;
	if (f->ether_type == OR_ETH_P_RARP)
		return skb->len > OR_RARP_MAX ? 0 : OR_ETH_HLEN + sizeof(arp);
	__builtin_memcpy(&sender, arp.sender_ip, 4);
	__builtin_memcpy(&target, arp.target_ip, 4);
	or_map_ipv4(f->src, sender);
	or_map_ipv4(f->dst, target);
	f->ether = OR_ETHER_ARP;
	/* A sender that asks for its own address announces itself: nothing to answer. */
	if (arp.operation_be == bpf_htons(OR_ARP_REQUEST) && sender != target)
		f->flags |= OR_FRAME_ARP_REQUEST;
	return OR_ETH_HLEN + sizeof(arp);
}

/* Turns a broadcast request for a known address into its reply, in place: bytes change, lengths and
 * checksum state do not. `f` becomes the reply's. False: the frame is as it was and has to be
 * replicated. A guest that probes its own address (RFC 5227) gets no answer, which it would take
 * for a conflict. */
static __noinline bool or_answer_arp(struct __sk_buff *skb, struct or_frame *f)
{
	struct or_neighbor_key key = {.vni = f->vni};
	struct {
		__u8 dst[6];
		__u8 src[6];
		__u16 type_be;
		struct or_arp arp;
	} __attribute__((packed)) reply;
	const struct or_neighbor *known;
	__u8 mac[6];

	/* The addresses we know are those of untagged frames. */
	if (!(f->flags & OR_FRAME_ARP_REQUEST) || f->customer_vlan)
		return false;
	__builtin_memcpy(key.address, f->dst, 16);
	known = bpf_map_lookup_elem(&or_neighbors, &key);
	if (!known)
		return false;
	__builtin_memcpy(mac, known->mac, 6);
	if (or_mac_equal(mac, f->eth_src) || bpf_skb_load_bytes(skb, 0, &reply, sizeof(reply)))
		return false;
	__builtin_memcpy(reply.dst, f->eth_src, 6);
	__builtin_memcpy(reply.src, mac, 6);
	reply.arp.operation_be = bpf_htons(OR_ARP_REPLY);
	__builtin_memcpy(reply.arp.target_mac, reply.arp.sender_mac, 6);
	__builtin_memcpy(reply.arp.sender_mac, mac, 6);
	__builtin_memcpy(reply.arp.target_ip, f->src + 12, 4);
	__builtin_memcpy(reply.arp.sender_ip, f->dst + 12, 4);
	if (bpf_skb_store_bytes(skb, 0, &reply, sizeof(reply), BPF_F_RECOMPUTE_CSUM))
		return false;
	or_trace(OR_TRACE_ANSWER, f->port, or_mac_number(mac), 0, 0);
	__builtin_memcpy(f->eth_dst, f->eth_src, 6);
	__builtin_memcpy(f->eth_src, mac, 6);
	__builtin_memcpy(f->dst, f->src, 16);
	__builtin_memcpy(f->src, key.address, 16);
	f->flags &= ~OR_FRAME_ARP_REQUEST;
	return true;
}

#endif /* OUTRIDER_BPF_ARP_H_ */
