// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Writes the FDB. Attached nowhere: the agent runs it by BPF_PROG_TEST_RUN over what or_fdb_batch
 * says, so that where a row belongs is said once, in fdb.h, and thousands of rows are one system
 * call.
 */
#include <linux/bpf.h>

#include "vswitch/bpf/fdb.h"

/* A bucket with its epochs, and where in it. */
struct or_fdb_spot {
	struct or_fdb_bucket *bucket;
	struct or_fdb_epochs *epochs;
	__u32 slot;
};

/* The row at hand. */
struct or_fdb_target {
	__u64 word;
	__u64 tag;
	struct or_fdb_head *head;
	struct or_fdb_spot spots[2];
};

static __always_inline bool or_fdb_open(struct or_fdb_spot *spot, __u32 number)
{
	spot->bucket = bpf_map_lookup_elem(&or_fdb, &number);
	spot->epochs = bpf_map_lookup_elem(&or_fdb_epochs, &number);
	return spot->bucket && spot->epochs;
}

static __always_inline bool or_fdb_aim(struct or_fdb_target *t, const struct or_fdb_key *key)
{
	__u32 zero = 0, first;
	__u64 hash;

	t->head = bpf_map_lookup_elem(&or_fdb_head, &zero);
	if (!t->head)
		return false;
	if (!t->head->seed)
		t->head->seed = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;
	t->word = or_fdb_word(key->mac, key->vni);
	hash = or_fdb_hash(t->word, key->vni, t->head->seed);
	t->tag = or_fdb_tag(hash, key->vni);
	first = or_fdb_first(hash);
	return or_fdb_open(&t->spots[0], first) &&
	       or_fdb_open(&t->spots[1], or_fdb_second(first, hash));
}

static __always_inline bool or_fdb_is_in(const struct or_fdb_target *t, struct or_fdb_spot *spot)
{
	for (__u32 i = 0; i < OR_FDB_SLOTS; i++) {
		if (or_fdb_place_in(&spot->bucket->slots[i], t->word, t->tag)) {
			spot->slot = i;
			return true;
		}
	}
	return false;
}

/* Free slots; spot->slot becomes one of them. */
static __always_inline __u32 or_fdb_room(struct or_fdb_spot *spot)
{
	__u32 room = 0;

	for (__u32 i = 0; i < OR_FDB_SLOTS; i++) {
		if (spot->bucket->slots[i].where)
			continue;
		spot->slot = i;
		room++;
	}
	return room;
}

/* Takes what was there, and says whether the new row may take its place. */
static __always_inline bool or_fdb_may_replace(struct or_fdb_write *write, __u64 where, __u64 epoch)
{
	__u64 wanted = write->row.epoch;

	write->row.kind = where >> OR_FDB_INDEX_BITS & 3;
	write->row.index = where & OR_FDB_INDEX_MASK;
	write->row.epoch = epoch;
	return write->action == OR_FDB_REMOVE || !wanted || wanted >= epoch;
}

/* Puts the row of `write` over the one that is there, or takes that one away. */
static __always_inline __u16 or_fdb_replace(struct or_fdb_target *t, struct or_fdb_write *write,
					    __u64 where, __u64 *there, __u64 *epoch)
{
	__u64 wanted = write->row.epoch;

	if (!or_fdb_may_replace(write, *there, *epoch))
		return OR_FDB_OLDER;
	if (write->action == OR_FDB_PUT) {
		*epoch = wanted;
		*(volatile __u64 *)there = where;
		return OR_FDB_DONE;
	}
	*(volatile __u64 *)there = 0;
	t->head->rows--;
	return OR_FDB_DONE;
}

/* A row that neither bucket has room for. */
static __always_inline __u16 or_fdb_spill(struct or_fdb_target *t, const struct or_fdb_write *write,
					  __u64 where)
{
	struct or_fdb_more row = {.where = where, .epoch = write->row.epoch};

	if (t->head->more >= OR_MAX_FDB_MORE)
		return OR_FDB_FULL;
	if (bpf_map_update_elem(&or_fdb_more, &write->key, &row, BPF_NOEXIST))
		return OR_FDB_NO_MEMORY;
	t->head->more++;
	return OR_FDB_DONE;
}

/* A row that is not there: into the bucket with more room. */
static __always_inline __u16 or_fdb_insert(struct or_fdb_target *t, struct or_fdb_write *write,
					   __u64 where)
{
	__u32 first = or_fdb_room(&t->spots[0]), second = or_fdb_room(&t->spots[1]);
	struct or_fdb_spot *spot = second > first ? &t->spots[1] : &t->spots[0];
	__u32 i = spot->slot & (OR_FDB_SLOTS - 1);
	__u16 result = OR_FDB_DONE;

	if (t->head->rows >= OR_MAX_FDB)
		return OR_FDB_FULL;
	if (first || second) {
		spot->epochs->of[i] = write->row.epoch;
		*(volatile __u64 *)&spot->bucket->slots[i].key = t->word;
		/* In order on every machine: readers take the key first. */
		__sync_lock_test_and_set(&spot->bucket->slots[i].where, where);
	} else {
		result = or_fdb_spill(t, write, where);
	}
	if (result == OR_FDB_DONE)
		t->head->rows++;
	__builtin_memset(&write->row, 0, sizeof(write->row));
	return result;
}

/* Of a row that is in or_fdb_more. */
static __always_inline __u16 or_fdb_replace_more(struct or_fdb_target *t,
						 struct or_fdb_write *write,
						 struct or_fdb_more *more, __u64 where)
{
	__u16 result = or_fdb_replace(t, write, where, &more->where, &more->epoch);

	if (write->action != OR_FDB_REMOVE)
		return result;
	bpf_map_delete_elem(&or_fdb_more, &write->key);
	t->head->more--;
	return result;
}

static __noinline __u16 or_fdb_do(struct or_fdb_write *write)
{
	struct or_fdb_target t = {};
	struct or_fdb_more *more;
	__u64 where;

	if (!or_fdb_aim(&t, &write->key))
		return OR_FDB_UNTRIED;
	where = t.tag << OR_FDB_PLACE_BITS | (__u64)(write->row.kind & 3) << OR_FDB_INDEX_BITS |
		(write->row.index & OR_FDB_INDEX_MASK);
	for (__u32 i = 0; i < 2; i++) {
		struct or_fdb_spot *spot = &t.spots[i];
		__u32 slot;

		if (!or_fdb_is_in(&t, spot))
			continue;
		slot = spot->slot & (OR_FDB_SLOTS - 1);
		return or_fdb_replace(&t, write, where, &spot->bucket->slots[slot].where,
				      &spot->epochs->of[slot]);
	}
	more = t.head->more ? bpf_map_lookup_elem(&or_fdb_more, &write->key) : NULL;
	if (more)
		return or_fdb_replace_more(&t, write, more, where);
	if (write->action == OR_FDB_PUT)
		return or_fdb_insert(&t, write, where);
	write->row.kind = 0;
	return OR_FDB_DONE;
}

static long or_write_fdb_step(__u32 at, __u32 *done)
{
	struct or_fdb_write *write = bpf_map_lookup_elem(&or_fdb_batch, &at);

	if (!write)
		return 1;
	write->result = or_fdb_do(write);
	++*done;
	return 0;
}

SEC("tc")
int or_write_fdb(struct __sk_buff *skb)
{
	__u32 done = 0, count = skb->cb[0];

	if (count > OR_FDB_BATCH)
		count = OR_FDB_BATCH;
	bpf_loop(count, or_write_fdb_step, &done, 0);
	or_note_change();
	return done;
}
