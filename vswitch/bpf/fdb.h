/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a MAC is, by the agent's word (or_fdb.h). What is learned from frames: station.h. Where a
 * row is found is part of the pinned tables' layout: a change of the hash, or of what is made of
 * it, changes OR_ABI_VERSION.
 */
#ifndef OUTRIDER_BPF_FDB_H_
#define OUTRIDER_BPF_FDB_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* A slot's key: struct or_fdb_name. */
static __always_inline __u64 or_fdb_word(const __u8 *mac, __u32 vni)
{
	struct or_fdb_name name = {.vni = vni};
	__u64 word;

	__builtin_memcpy(name.mac, mac, 6);
	__builtin_memcpy(&word, &name, sizeof(word));
	return word;
}

/* Every bit depends on every bit of key, VNI and seed. */
static __always_inline __u64 or_fdb_hash(__u64 key, __u32 vni, __u64 seed)
{
	__u64 hash = (key ^ seed) * 0x9e3779b97f4a7c15ull;

	hash = (hash ^ hash >> 32 ^ vni) + (seed >> 32 | seed << 32);
	hash *= 0xbf58476d1ce4e5b9ull;
	hash = (hash ^ hash >> 29) * 0x94d049bb133111ebull;
	return hash ^ hash >> 32;
}

/* The number of a row's first bucket: by bits 0 to 27 of the hash the page, by 28 to 33 where in
 * it. */
static __always_inline __u32 or_fdb_first(__u64 hash)
{
	__u32 page = (hash & 0xfffffff) * OR_FDB_PAGES >> 28;

	return page << OR_FDB_PAGE_BITS | (hash >> 28 & ((1u << OR_FDB_PAGE_BITS) - 1));
}

/* That of its second, another one in the same page, by bits 34 to 39. */
static __always_inline __u32 or_fdb_second(__u32 first, __u64 hash)
{
	__u32 apart = hash >> 34 & ((1u << OR_FDB_PAGE_BITS) - 1);

	return first ^ (apart ? apart : 1);
}

/* What `where` of a row has above its place. */
static __always_inline __u64 or_fdb_tag(__u64 hash, __u32 vni)
{
	return hash >> 40 << OR_FDB_VNI_BITS | vni >> OR_FDB_VNI_BITS;
}

/* The slot's place if the row is in it; else 0. */
static __always_inline __u32 or_fdb_place_in(const struct or_fdb_slot *slot, __u64 key, __u64 tag)
{
	__u64 where;

	if (*(const volatile __u64 *)&slot->key != key)
		return 0;
	where = *(const volatile __u64 *)&slot->where;
	return where >> OR_FDB_PLACE_BITS == tag ? where & OR_FDB_PLACE_MASK : 0;
}

static __always_inline __u32 or_fdb_look(__u32 bucket, __u64 key, __u64 tag)
{
	const struct or_fdb_bucket *b = bpf_map_lookup_elem(&or_fdb, &bucket);
	__u32 place;

	if (!b)
		return 0;
	for (__u32 i = 0; i < OR_FDB_SLOTS; i++) {
		place = or_fdb_place_in(&b->slots[i], key, tag);
		if (place)
			return place;
	}
	return 0;
}

/* Of a row that found no room. */
static __noinline __u32 or_fdb_look_further(__u64 word, __u32 vni, __u64 tag)
{
	struct or_fdb_key key = {.vni = vni};
	const struct or_fdb_more *more;
	__u64 where;

	__builtin_memcpy(key.mac, &word, 6);
	more = bpf_map_lookup_elem(&or_fdb_more, &key);
	if (!more)
		return 0;
	where = *(const volatile __u64 *)&more->where;
	return where >> OR_FDB_PLACE_BITS == tag ? where & OR_FDB_PLACE_MASK : 0;
}

/* The place of the MAC in `word` (or_fdb_word()); 0: unknown. */
__noinline __u32 or_fdb_place(__u64 word, __u32 vni)
{
	__u32 zero = 0, first, place;
	const struct or_fdb_head *head = bpf_map_lookup_elem(&or_fdb_head, &zero);
	__u64 hash, tag;

	if (!head)
		return 0;
	hash = or_fdb_hash(word, vni, head->seed);
	tag = or_fdb_tag(hash, vni);
	first = or_fdb_first(hash);
	place = or_fdb_look(first, word, tag);
	if (!place)
		place = or_fdb_look(or_fdb_second(first, hash), word, tag);
	if (!place && head->more)
		place = or_fdb_look_further(word, vni, tag);
	return place;
}

/* The index of a place that is of this kind; 0: it is not. */
static __always_inline __u32 or_fdb_index(__u32 place, __u32 kind)
{
	return place >> OR_FDB_INDEX_BITS == kind ? place & OR_FDB_INDEX_MASK : 0;
}

/* Kind and index of the frame's destination. False: unknown. */
static __always_inline bool or_fdb_find(const struct or_frame *f, struct or_fdb *found)
{
	__u32 place = or_fdb_place(or_fdb_word(f->eth_dst, f->vni), f->vni);

	if (!place) {
		or_trace(OR_TRACE_FDB, f->port, f->vni, 0, 0);
		return false;
	}
	found->kind = place >> OR_FDB_INDEX_BITS;
	found->index = place & OR_FDB_INDEX_MASK;
	or_trace(OR_TRACE_FDB, f->port, f->vni, found->kind, found->index);
	return true;
}

#endif /* OUTRIDER_BPF_FDB_H_ */
