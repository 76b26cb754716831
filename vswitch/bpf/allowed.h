/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The MACs and addresses a guest may use as its own: the port's MAC, and what its list names. */
#ifndef OUTRIDER_BPF_ALLOWED_H_
#define OUTRIDER_BPF_ALLOWED_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"

#define OR_ALLOWED_KEY_BITS (OR_ALLOWED_FIXED_BITS + 128)

static __noinline bool or_mac_in_list(__u32 list, const struct or_frame *f)
{
	struct or_allowed_mac key = {.list = list};

	__builtin_memcpy(key.mac, f->eth_src, 6);
	return bpf_map_lookup_elem(&or_allowed_macs, &key);
}

/* Whether the frame's source MAC is one of the guest's. */
static __always_inline bool or_may_use_mac(const struct or_port *port, const struct or_frame *f)
{
	if (or_mac_equal(f->eth_src, port->mac))
		return true;
	return port->allowed && or_mac_in_list(port->allowed, f);
}

/* fe80::/64 with the interface id made of the source MAC (RFC 4291, appendix A). */
static __always_inline bool or_is_own_link_local(const struct or_frame *f, const __u8 *address)
{
	const __u64 *prefix = (const __u64 *)address;
	const __u8 *mac = f->eth_src;

	return *prefix == bpf_cpu_to_be64(0xfe80ull << 48) && address[8] == (mac[0] ^ 2) &&
	       address[9] == mac[1] && address[10] == mac[2] && address[11] == 0xff &&
	       address[12] == 0xfe && address[13] == mac[3] && address[14] == mac[4] &&
	       address[15] == mac[5];
}

/* Whether the guest may use `address` (16 bytes, aligned) together with the frame's source MAC. */
static __noinline bool or_may_use_address(__u32 list, const struct or_frame *f, const __u8 *address)
{
	struct or_allowed_key key = {.prefix_length = OR_ALLOWED_KEY_BITS, .list = list};

	if (or_is_own_link_local(f, address))
		return true;
	key.family = or_is_mapped_ipv4(address) ? 4 : 6;
	__builtin_memcpy(key.mac, f->eth_src, 6);
	__builtin_memcpy(key.address, address, 16);
	return bpf_map_lookup_elem(&or_allowed, &key);
}

#endif /* OUTRIDER_BPF_ALLOWED_H_ */
