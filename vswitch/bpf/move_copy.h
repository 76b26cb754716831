/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Broadcasts and multicasts for a port that moves come to the destination twice: by themselves, as
 * its host is on the senders' lists, and from the source, sent after the guest. An ARMED port takes
 * the second one and refuses the first, an open one does it the other way. In between the first one
 * may have been refused and the second come when the port is open: so an ARMED port notes what it
 * has refused until the other copy comes, and an open one takes that one, too.
 */
#ifndef OUTRIDER_BPF_MOVE_COPY_H_
#define OUTRIDER_BPF_MOVE_COPY_H_

#include <linux/in.h>

#include "vswitch/bpf/clock.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

#define OR_MET_COPIES 4096
/* Twice as long as a source may take to send what stood before (move_path.h). */
#define OR_MET_NS (2 * OR_NS_PER_S)
#define OR_COPY_BYTES 64u /* a power of two */

/* What becomes of a copy. */
enum or_copy {
	OR_COPY_REFUSED, /* of an ARMED port: it came by itself */
	OR_COPY_TAKEN,	 /* of an ARMED port: it was sent after the guest */
	OR_COPY_LATE,	 /* sent after a guest whose port is open */
};

/* A frame for a port: what two frames have in common that differ in no header but checksums, nor
 * in the bytes that follow. */
struct or_copy_key {
	__u64 print;
	__u32 port; /* index */
	__u32 pad;
};
/* Copies whose other one has not come yet. Writer and reader: bpf. A cache: one that is not there
 * any more was met. */
struct or_met_copy {
	__u64 boot_ns; /* CLOCK_BOOTTIME */
	__u32 what;    /* enum or_copy */
	__u32 pad;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OR_MET_COPIES);
	__type(key, struct or_copy_key);
	__type(value, struct or_met_copy);
} or_met_copies SEC(".maps");
/* 0 -> bytes of the frame at hand. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[OR_COPY_BYTES / 8]);
} or_copy_scratch SEC(".maps");

static __always_inline __u64 or_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

/* Where the bytes begin that are told apart by: behind a checksum, which a copy that never left a
 * host may not have yet. */
static __always_inline __u32 or_copy_offset(const struct or_frame *f)
{
	if (!f->l4_offset)
		return OR_ETH_HLEN;
	return f->l4_offset + (f->protocol == IPPROTO_UDP ? 8 : 4);
}

static __always_inline __u64 or_copy_bytes(struct __sk_buff *skb, const struct or_frame *f)
{
	__u32 zero = 0, offset = or_copy_offset(f), size = skb->len - offset;
	__u64 *bytes = bpf_map_lookup_elem(&or_copy_scratch, &zero), hash = 0;
	__u32 i;

	if (!bytes || skb->len <= offset)
		return 0;
	__builtin_memset(bytes, 0, OR_COPY_BYTES);
	if (size > OR_COPY_BYTES)
		size = OR_COPY_BYTES;
	/* As in or_record_part(). */
	asm volatile("" : "+r"(size));
	size = ((size - 1) & (OR_COPY_BYTES - 1)) + 1;
	if (bpf_skb_load_bytes(skb, offset, bytes, size))
		return 0;
#pragma unroll
	for (i = 0; i < OR_COPY_BYTES / 8; i++)
		hash = or_mix(hash, bytes[i]);
	return hash;
}

static __always_inline __u64 or_copy_print(struct __sk_buff *skb, const struct or_frame *f)
{
	const __u64 *addresses = (const __u64 *)f->src;
	__u64 print = or_copy_bytes(skb, f);

	print = or_mix(print, addresses[0]);
	print = or_mix(print, addresses[1]);
	print = or_mix(print, addresses[2]);
	print = or_mix(print, addresses[3]);
	print = or_mix(print, or_mac_number(f->eth_src) << 16 | f->ether_type);
	print = or_mix(print, or_mac_number(f->eth_dst) << 16 | f->customer_vlan);
	print = or_mix(print, (__u64)f->vni << 32 | (__u32)f->src_port << 16 | f->dst_port);
	return or_mix(print, (__u64)f->fragment_id << 8 | f->protocol);
}

/* A copy of a frame for port `index` has come. 1 if the other one was the opposite of `what`, a
 * moment ago: of a late one, that it was refused. Global, as or_parse() is: verified once. */
__noinline int or_meet_copy(struct __sk_buff *skb, const struct or_frame *f, __u32 index,
			    __u32 what)
{
	struct or_met_copy now = {.boot_ns = bpf_ktime_get_boot_ns(), .what = what};
	struct or_copy_key key = {.port = index};
	const struct or_met_copy *other;
	bool is_second;

	if (!f)
		return 0;
	key.print = or_copy_print(skb, f);
	other = bpf_map_lookup_elem(&or_met_copies, &key);
	is_second = other && now.boot_ns - other->boot_ns < OR_MET_NS &&
		    (other->what == OR_COPY_REFUSED) != (what == OR_COPY_REFUSED);
	/* Those that say the same again at this moment are heard once more rather than never. */
	if (or_tracing || what == OR_COPY_LATE)
		return is_second;
	if (is_second)
		bpf_map_delete_elem(&or_met_copies, &key);
	else
		bpf_map_update_elem(&or_met_copies, &key, &now, BPF_ANY);
	return is_second;
}

#endif /* OUTRIDER_BPF_MOVE_COPY_H_ */
