/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Source addresses that are not the guest's (IP anti-spoofing). Every address by which a frame says
 * "this is me" must be one the guest may use with the frame's source MAC (allowed.h): the IPv4 or
 * IPv6 source, ARP's sender, the target of a neighbour advertisement. Link-layer addresses in ARP
 * and in neighbour discovery's options must be the source MAC itself.
 *
 * Who has no address yet must be able to get one. Accepted besides:
 *  - fe80::/64 with the interface id made of the source MAC; other link-local addresses are like
 *    any other
 *  - from 0.0.0.0: DHCP requests (UDP 68 to 67) to 255.255.255.255, and ARP probes (RFC 5227) for
 *    an address the guest may use
 *  - from ::, duplicate address detection (RFC 4862) of an address the guest may use, router
 *    solicitations, and multicast listener reports (RFC 3590)
 * Neighbour discovery in fragments is refused, as receivers do (RFC 6980). RARP names no address of
 * the guest's; what is neither IP nor ARP has none.
 */
#ifndef OUTRIDER_BPF_SPOOF_H_
#define OUTRIDER_BPF_SPOOF_H_

#include <linux/in.h>

#include "vswitch/bpf/allowed.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/icmp.h"

#define OR_DHCP_SERVER_PORT 67
#define OR_DHCP_CLIENT_PORT 68
#define OR_MLD_REPORT 131
#define OR_MLD_DONE 132
#define OR_MLD2_REPORT 143
#define OR_ND_OPTION_SOURCE 1 /* link-layer address; in units of 8 bytes */
#define OR_ND_OPTION_TARGET 2
/* More options than this are refused: no sane sender has them, and the walk must end. */
#define OR_ND_MAX_OPTIONS 8

static __always_inline bool or_is_zero_address(const __u8 *address)
{
	const __u64 *words = (const __u64 *)address;

	return !words[0] && !words[1];
}

static __always_inline bool or_is_zero_ipv4(const __u8 *address)
{
	return ((const __u32 *)address)[3] == 0;
}

static __always_inline bool or_is_neighbour_discovery(const struct or_frame *f)
{
	return f->ether == OR_ETHER_IPV6 && f->protocol == IPPROTO_ICMPV6 &&
	       f->flags & OR_FRAME_ICMP && f->icmp_type >= OR_ND_SOLICIT_ROUTER &&
	       f->icmp_type <= OR_ND_REDIRECT;
}

/* A link-layer address in the options that is not the source MAC. */
static __noinline bool or_nd_names_other_mac(struct __sk_buff *skb, const struct or_frame *f,
					     __u32 offset)
{
	for (int i = 0; i < OR_ND_MAX_OPTIONS; i++) {
		__u8 option[8];

		/* Less than an option: receivers discard the whole, and so for length 0. */
		if (bpf_skb_load_bytes(skb, offset, option, sizeof(option)) || !option[1])
			return false;
		if ((option[0] == OR_ND_OPTION_SOURCE || option[0] == OR_ND_OPTION_TARGET) &&
		    !or_mac_equal(option + 2, f->eth_src))
			return true;
		offset += option[1] * 8;
	}
	return true;
}

static __noinline bool or_is_spoofed_nd(struct __sk_buff *skb, const struct or_frame *f, __u32 list)
{
	__u8 target[16] __attribute__((aligned(8))) = {};
	__u32 offset = f->l4_offset + 8;

	if (f->flags & OR_FRAME_FRAGMENT)
		return true;
	if (f->icmp_type == OR_ND_ADVERTISE_ROUTER)
		offset += 8;
	if (f->icmp_type == OR_ND_REDIRECT)
		offset += 32;
	if (f->icmp_type == OR_ND_SOLICIT || f->icmp_type == OR_ND_ADVERTISE) {
		if (bpf_skb_load_bytes(skb, offset, target, sizeof(target)))
			return true;
		offset += 16;
		/* Of a solicitation from :: the target is what the guest is about to use. */
		if ((f->icmp_type == OR_ND_ADVERTISE || or_is_zero_address(f->src)) &&
		    !or_may_use_address(list, f, target))
			return true;
	}
	return or_nd_names_other_mac(skb, f, offset);
}

static __noinline bool or_is_spoofed_ipv6(struct __sk_buff *skb, const struct or_frame *f,
					  __u32 list)
{
	bool is_nd = or_is_neighbour_discovery(f);

	if (is_nd && or_is_spoofed_nd(skb, f, list))
		return true;
	if (!or_is_zero_address(f->src))
		return !or_may_use_address(list, f, f->src);
	if (is_nd)
		return f->icmp_type != OR_ND_SOLICIT && f->icmp_type != OR_ND_SOLICIT_ROUTER;
	return f->protocol != IPPROTO_ICMPV6 || !(f->flags & OR_FRAME_ICMP) ||
	       (f->icmp_type != OR_MLD_REPORT && f->icmp_type != OR_MLD_DONE &&
		f->icmp_type != OR_MLD2_REPORT);
}

static __always_inline bool or_is_dhcp_request(const struct or_frame *f)
{
	return f->protocol == IPPROTO_UDP && f->flags & OR_FRAME_PORTS &&
	       f->src_port == OR_DHCP_CLIENT_PORT && f->dst_port == OR_DHCP_SERVER_PORT &&
	       ((const __u32 *)f->dst)[3] == 0xffffffff;
}

/* Whether the frame uses an address that the guest may not use. */
static __noinline bool or_is_spoofed_ip(struct __sk_buff *skb, const struct or_frame *f, __u32 list)
{
	switch (f->ether) {
	case OR_ETHER_IPV4:
		if (or_is_zero_ipv4(f->src))
			return !or_is_dhcp_request(f);
		return !or_may_use_address(list, f, f->src);
	case OR_ETHER_IPV6:
		return or_is_spoofed_ipv6(skb, f, list);
	case OR_ETHER_ARP:
		if (f->flags & OR_FRAME_ARP_FOREIGN)
			return true;
		if (!or_is_zero_ipv4(f->src))
			return !or_may_use_address(list, f, f->src);
		return !(f->flags & OR_FRAME_ARP_REQUEST) || !or_may_use_address(list, f, f->dst);
	default:
		return false;
	}
}

#endif /* OUTRIDER_BPF_SPOOF_H_ */
