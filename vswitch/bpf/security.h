/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the profile's security section forbids a guest to send, beside a foreign source MAC.
 *
 * Frames for a VTEP never leave the overlay by themselves. They are dropped because a router in the
 * segment may lead to the underlay, where a guest could then forge tunnel packets: the VTEPs trust
 * each other by address only. An address that a port of the segment has is the overlay's own and
 * stays reachable, whatever the underlay uses it for.
 */
#ifndef OUTRIDER_BPF_SECURITY_H_
#define OUTRIDER_BPF_SECURITY_H_

#include <linux/in.h>

#include "vswitch/abi/or_drop.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/source_macs.h"
#include "vswitch/bpf/spoof.h"

#define OR_DHCP6_CLIENT_PORT 546
#define OR_DHCP6_SERVER_PORT 547

/* Clients listen on their port and send to the server's (RFC 2131, RFC 8415): what goes to the
 * client's port, or comes from the server's, is a server's or a relay's. */
static __always_inline bool or_is_from_dhcp_server(const struct or_frame *f)
{
	if (f->protocol != IPPROTO_UDP || !(f->flags & OR_FRAME_PORTS))
		return false;
	if (f->ether == OR_ETHER_IPV4)
		return f->dst_port == OR_DHCP_CLIENT_PORT || f->src_port == OR_DHCP_SERVER_PORT;
	return f->dst_port == OR_DHCP6_CLIENT_PORT || f->src_port == OR_DHCP6_SERVER_PORT;
}

/* Of fragments the first one shows the type, or was malformed (RFC 7113). */
static __always_inline bool or_is_router_advertisement(const struct or_frame *f)
{
	return or_is_neighbour_discovery(f) && f->icmp_type == OR_ND_ADVERTISE_ROUTER;
}

static __always_inline bool or_is_address(const __u8 *address, const volatile __u8 *own)
{
	const volatile __u32 *own_words = (const volatile __u32 *)own;
	const __u32 *words = (const __u32 *)address;

	return words[3] == own_words[3] && words[2] == own_words[2] && words[1] == own_words[1] &&
	       words[0] == own_words[0];
}

static __always_inline bool or_is_local_vtep(const __u8 *address)
{
	return or_is_address(address, or_local_vtep) || or_is_address(address, or_local_vtep6);
}

static __noinline bool or_is_to_vtep(const struct or_frame *f)
{
	struct or_member_key vtep = {.vni = f->vni};
	struct or_neighbor_key neighbour = {.vni = f->vni};

	if (!(f->flags & OR_FRAME_IP))
		return false;
	__builtin_memcpy(vtep.address, f->dst, 16);
	if (!or_is_local_vtep(f->dst) && !bpf_map_lookup_elem(&or_members, &vtep))
		return false;
	__builtin_memcpy(neighbour.address, f->dst, 16);
	return !bpf_map_lookup_elem(&or_neighbors, &neighbour);
}

/* 0, or the reason to drop. The source MAC is the guest's. */
static __noinline __u32 or_secure(struct __sk_buff *skb, const struct or_frame *f,
				  const struct or_port *port)
{
	if (port->policy & OR_POLICY_IP_ANTI_SPOOF && or_is_spoofed_ip(skb, f, port->allowed))
		return OR_DROP_SPOOFED_IP;
	if (port->policy & OR_POLICY_DHCP_GUARD && or_is_from_dhcp_server(f))
		return OR_DROP_DHCP_SERVER;
	if (port->policy & OR_POLICY_RA_GUARD && or_is_router_advertisement(f))
		return OR_DROP_ROUTER_ADVERTISEMENT;
	if (or_is_to_vtep(f))
		return OR_DROP_VTEP_DESTINATION;
	/* Last: what is dropped takes no place. */
	if (port->max_macs && !(port->flags & OR_PORT_ANTI_SPOOF) &&
	    or_is_mac_too_many(f, port->max_macs))
		return OR_DROP_TOO_MANY_MACS;
	return 0;
}

#endif /* OUTRIDER_BPF_SECURITY_H_ */
