/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The FDB: where the MAC of a segment is, by the controller's word only; or_abi.h has the rules for
 * all maps.
 *
 * A table of buckets, each a cache line of four slots. A MAC has two buckets of one page, by a hash
 * with a seed of the table's own, and is put into the one with more room; rows are never moved.
 * What finds no room, one row in 70 when there are as many as may be, is in a hash map beside it.
 * So a frame asks for two cache lines of one page whatever the number of MACs is. A slot is 16
 * bytes, and 8 of an array that no frame reads; a quarter more than there may be rows.
 *
 * One writer, the program or_write_fdb, which the agent runs. Its every step is the store of one
 * word. A row comes by its key and its epoch, then `where`; it changes by `where` alone, and goes
 * by `where` 0. A reader reads the key, then `where`. If the slot has become another's in between,
 * the two do not belong together, which the tag in `where` says: the slot is not the reader's.
 */
#ifndef OUTRIDER_ABI_OR_FDB_H_
#define OUTRIDER_ABI_OR_FDB_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

/* Rows of all segments. */
#define OR_MAX_FDB (1u << 20)
/* Those of them that may have no room in their buckets. */
#define OR_MAX_FDB_MORE (1u << 16)
#define OR_FDB_SLOTS 4u
#define OR_FDB_PAGE_BITS 6 /* of the number of a bucket in its page of 4 KiB */
#define OR_FDB_PAGES 5120u
#define OR_FDB_BUCKETS (OR_FDB_PAGES << OR_FDB_PAGE_BITS)

struct or_fdb_key {
  or_u32 vni;
  or_u8 mac[6];
  or_u16 pad; /* 0 */
};
OR_STATIC_ASSERT(sizeof(struct or_fdb_key) == 12, "or_fdb_key layout");

enum or_fdb_kind {
  OR_FDB_LOCAL = 1,  /* index is a port index */
  OR_FDB_REMOTE = 2, /* index is a VTEP index */
};

/* A row as the agent has it. */
struct or_fdb {
  or_u32 kind; /* enum or_fdb_kind */
  or_u32 index;
  or_u64 epoch;
};
OR_STATIC_ASSERT(sizeof(struct or_fdb) == 16, "or_fdb layout");

/* `where` of a row: its place, the kind above the index, and its tag, the rest of the key and of
 * the hash: 16 bits of the VNI, 24 of the hash. */
#define OR_FDB_INDEX_BITS 22
#define OR_FDB_PLACE_BITS 24
#define OR_FDB_INDEX_MASK ((1u << OR_FDB_INDEX_BITS) - 1)
#define OR_FDB_PLACE_MASK ((1u << OR_FDB_PLACE_BITS) - 1)
#define OR_FDB_VNI_BITS 16 /* of a VNI in the key; the others are in the tag */

/* A slot's key as bytes. */
struct or_fdb_name {
  or_u8 mac[6];
  or_u16 vni; /* its low bits */
};
OR_STATIC_ASSERT(sizeof(struct or_fdb_name) == 8, "or_fdb_name layout");

/* ---- or_fdb: bucket (u32) -> struct or_fdb_bucket. Mapped by the agent to read it. Writer:
 * or_write_fdb. ---- */
struct or_fdb_slot {
  or_u64 key;   /* struct or_fdb_name */
  or_u64 where; /* 0: empty */
};
struct or_fdb_bucket {
  struct or_fdb_slot slots[OR_FDB_SLOTS];
};
OR_STATIC_ASSERT(sizeof(struct or_fdb_bucket) == 64, "or_fdb_bucket layout");

/* ---- or_fdb_epochs: bucket (u32) -> struct or_fdb_epochs, of the rows in or_fdb. Writer:
 * or_write_fdb; reader: agent. ---- */
struct or_fdb_epochs {
  or_u64 of[OR_FDB_SLOTS];
};

/* ---- or_fdb_more: struct or_fdb_key -> struct or_fdb_more. Rows that found both buckets full;
 * they stay there until they go. Writer: or_write_fdb. ---- */
struct or_fdb_more {
  or_u64 where;
  or_u64 epoch;
};
OR_STATIC_ASSERT(sizeof(struct or_fdb_more) == 16, "or_fdb_more layout");

/* ---- or_fdb_head: 0 -> struct or_fdb_head. Writer: or_write_fdb. ---- */
struct or_fdb_head {
  or_u64 seed; /* of the hash; 0: nothing was written yet */
  or_u32 rows;
  or_u32 more; /* of them in or_fdb_more */
};
OR_STATIC_ASSERT(sizeof(struct or_fdb_head) == 16, "or_fdb_head layout");

/* ---- or_fdb_batch: number (u32) -> struct or_fdb_write: what or_write_fdb is to do, skb->cb[0] of
 * them from the first on, and what came of it. Its verdict is the number it has done. Mapped by the
 * agent. Writers: agent, then or_write_fdb. ---- */
#define OR_FDB_BATCH 512u

enum or_fdb_action {
  OR_FDB_PUT = 1, /* creates or replaces */
  OR_FDB_REMOVE = 2,
};

enum or_fdb_result {
  OR_FDB_UNTRIED = 0,
  OR_FDB_DONE = 1,  /* also when there was nothing to remove */
  OR_FDB_OLDER = 2, /* a row with a later epoch is in force; epoch 0 is older than none */
  OR_FDB_FULL = 3,
  OR_FDB_NO_MEMORY = 4, /* it may have some a moment later */
};

struct or_fdb_write {
  struct or_fdb_key key;
  or_u16 action;     /* enum or_fdb_action */
  or_u16 result;     /* enum or_fdb_result */
  struct or_fdb row; /* to put; after that what was there before, of kind 0: nothing */
};
OR_STATIC_ASSERT(sizeof(struct or_fdb_write) == 32, "or_fdb_write layout");

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_FDB_H_ */
