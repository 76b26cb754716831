/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The steps of or_acl_classify() over the image of a rule set (vswitch/abi/or_acl.h): narrow the
 * candidate blocks down by one dimension after the other, then try them in order.
 */
#ifndef OUTRIDER_BPF_ACL_LOOKUP_H_
#define OUTRIDER_BPF_ACL_LOOKUP_H_

#include "vswitch/bpf/acl_key.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"

/* A dimension's record for the frame at hand. */
struct or_acl_found {
	__u64 own[OR_ACL_SUMMARY];
	__u32 line;
	__u32 combo; /* of groups, whose row counts, too; 0: none */
	__u32 destination;
	__u32 pad;
	__u8 ranks[8];
};

/* Working memory of one classification: too much for the stack. Programs of one kind of CPU context
 * do not interrupt each other, and nothing in between sends frames. */
struct or_acl_scratch {
	__u64 candidates[OR_ACL_SUMMARY];
	__u64 decision; /* with `decided`: as in the image */
	__u32 rule;	/* place from 1; 0: the default */
	__u32 set;
	__u32 decided; /* a rule or the default action decided */
	__u32 exempt;
	__u32 broken; /* the image is not whole */
	/* The block at hand, as a bit of candidates[part], and its rules that match so far. */
	__u32 part;
	__u32 bit;
	__u32 pad;
	__u64 word;
	/* Of the image's header. */
	__u32 rules;
	__u32 dimensions;
	__u32 any_line;
	__u32 any_lines;
	__u32 exempt_line;
	__u32 decision_line;
	struct or_acl_key key;
	struct or_group_key group_key;
	struct or_group_row_key row_key;
	struct or_acl_found found[OR_ACL_FIELDS];
};

/* 0 -> struct or_acl_scratch. Writer and reader: bpf, within one call. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_acl_scratch);
} or_acl_scratch SEC(".maps");

/* What the steps share. Values that change are in the scratch: of what is on the stack the verifier
 * follows every value apart. */
struct or_acl_walk {
	void *image;
	const struct or_frame *frame;
	struct or_acl_scratch *scratch;
};

static __always_inline __u32 or_acl_log_rate(__u64 decision)
{
	return decision >> OR_ACL_DECISION_LOG_SHIFT & 0xffff;
}

static __always_inline __u64 or_popcount(__u64 x)
{
	x -= x >> 1 & 0x5555555555555555ull;
	x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return x * 0x0101010101010101ull >> 56;
}

/* Place of the lowest bit; x is not 0. */
static __always_inline __u64 or_lowest_bit(__u64 x)
{
	return or_popcount((x & -x) - 1) & 63;
}

static __always_inline const struct or_acl_line *or_acl_at(void *image, __u32 line)
{
	return bpf_map_lookup_elem(image, &line);
}

/* Element `index` of an array of u32 that begins with `line`; 0 when there is none, which is no
 * record's line. */
static __always_inline __u32 or_acl_int(void *image, __u32 line, __u32 index)
{
	const struct or_acl_line *l = or_acl_at(image, line + index / 16);

	if (!l)
		return 0;
	return l->words[index / 2 & 7] >> (index & 1) * 32;
}

static __always_inline __u64 or_acl_word(void *image, __u32 line, __u32 index)
{
	const struct or_acl_line *l = or_acl_at(image, line + index / 8);

	return l ? l->words[index & 7] : 0;
}

/* How many of a line's four keys are not above the key. Without branches, which nobody could
 * predict: bit 63 of (~a & b) | ((~a | b) & (a - b)) is the borrow of a - b. */
static __always_inline __u32 or_acl_rank(const struct or_acl_line *l, __u64 high, __u64 low)
{
	__u32 count = 0;

	for (int i = 0; i < 4; i++) {
		__u64 h = l->words[2 * i], b = l->words[2 * i + 1];
		__u64 borrow = ((~low & b) | ((~low | b) & (low - b))) >> 63;

		borrow = ((~high & h) | ((~high | h) & (high - h - borrow))) >> 63;
		count += 1 - borrow;
	}
	return count;
}

/* Line of the record of a wide key; 0: the image is not whole. */
static __noinline __u32 or_acl_search(void *image, const struct or_acl_dimension *d, __u64 high,
				      __u64 low)
{
	__u32 index = d->index, depth = d->depth, n = 0;
	const struct or_acl_levels *levels = bpf_map_lookup_elem(image, &index);
	const struct or_acl_line *l;

	if (!levels)
		return 0;
	for (__u32 i = 0; i < OR_ACL_LEVELS - 1; i++) {
		if (i + 1 >= depth)
			break;
		l = or_acl_at(image, levels->line[i] + n);
		if (!l)
			return 0;
		n = n * OR_ACL_FANOUT + or_acl_rank(l, high, low);
		/* All ones is a key, too, and what fills up lines. */
		if (n >= levels->lines[i + 1])
			n = levels->lines[i + 1] - 1;
	}
	l = or_acl_at(image, levels->line[(depth - 1) & (OR_ACL_LEVELS - 1)] + n);
	if (!l)
		return 0;
	n = n * 4 + or_acl_rank(l, high, low) - 1;
	if (n >= d->intervals)
		n = d->intervals - 1;
	return or_acl_int(image, d->classes, n);
}

/* Line of the record of a 16-bit key. */
static __always_inline __u32 or_acl_page(void *image, const struct or_acl_dimension *d, __u32 key)
{
	__u32 page = or_acl_int(image, d->index, key >> 8 & 255);

	return or_acl_int(image, page, key & 255);
}

/* Line of the frame's record in a dimension. */
static __always_inline __u32 or_acl_class(const struct or_acl_walk *w,
					  const struct or_acl_dimension *d)
{
	struct or_acl_key *key = &w->scratch->key;

	key->high = 0;
	key->low = 0;
	switch (or_acl_key_of(w->frame, d->field, key)) {
	case OR_ACL_KEY_ABSENT:
		return d->absent;
	case OR_ACL_KEY_HIDDEN:
		return d->hidden;
	}
	if (d->depth)
		return or_acl_search(w->image, d, key->high, key->low);
	return or_acl_page(w->image, d, key->low);
}

/* The combo of groups an address is in; 0: in none. */
static __always_inline __u32 or_acl_combo(struct or_group_key *key, const struct or_frame *f,
					  bool destination)
{
	const __u32 *combo;

	if (!(f->flags & OR_FRAME_IP))
		return 0;
	__builtin_memset(key, 0, sizeof(*key));
	key->length = OR_GROUP_KEY_BITS + 128;
	key->family = f->ether == OR_ETHER_IPV6 ? 6 : 4;
	__builtin_memcpy(key->address, destination ? f->dst : f->src, 16);
	combo = bpf_map_lookup_elem(&or_group_combos, key);
	return combo ? *combo : 0;
}

/* Rows of the rules that name a group of the combo; NULL: there are none. */
static __always_inline const struct or_group_row *or_acl_group_row(struct or_acl_scratch *s,
								   const struct or_acl_found *found)
{
	struct or_group_row_key *key = &s->row_key;

	if (!found->combo)
		return NULL;
	__builtin_memset(key, 0, sizeof(*key));
	key->set = s->set;
	key->combo = found->combo;
	key->destination = found->destination;
	return bpf_map_lookup_elem(&or_group_rows, key);
}

/* bpf_loop step: finds the frame's record in dimension `i` and strikes out the blocks without a
 * rule that agrees. */
static long or_acl_narrow(__u32 i, void *context)
{
	struct or_acl_walk *w = context;
	struct or_acl_scratch *s = w->scratch;
	struct or_acl_found *found;
	const struct or_group_row *row;
	__u32 line = OR_ACL_FIRST_DIMENSION + i;
	const struct or_acl_dimension *d = bpf_map_lookup_elem(w->image, &line);
	const struct or_acl_record *r;

	s->broken = 1;
	if (!d || i >= OR_ACL_FIELDS)
		return 1;
	line = or_acl_class(w, d);
	r = bpf_map_lookup_elem(w->image, &line);
	if (!r || !line)
		return 1;
	s->broken = 0;
	found = &s->found[i];
	found->line = line;
	found->combo = 0;
	found->destination = d->field == OR_ACL_DST_ADDRESS;
	if (d->groups)
		found->combo = or_acl_combo(&s->group_key, w->frame, found->destination);
	row = or_acl_group_row(s, found);
	__builtin_memcpy(found->ranks, r->ranks, 8);
	for (int k = 0; k < OR_ACL_SUMMARY; k++) {
		__u64 agree = r->summary[k] | d->any_summary[k];

		found->own[k] = r->summary[k];
		if (row)
			agree |= row->summary[k];
		s->candidates[k] &= agree;
	}
	return 0;
}

/* bpf_loop step: strikes out the rules of the block at hand that do not agree in dimension `i`. */
static long or_acl_agree(__u32 i, void *context)
{
	struct or_acl_walk *w = context;
	struct or_acl_scratch *s = w->scratch;
	const struct or_acl_found *found;
	const struct or_group_row *row;
	__u32 part = s->part, bit = s->bit & 63, block = part * 64 + bit;
	__u64 word, own;

	/* The verifier does not follow the sum's bounds; the compiler does, and would leave out
	 * what tells it. */
	asm volatile("" : "+r"(block));
	if (i >= OR_ACL_FIELDS || part >= OR_ACL_SUMMARY || block >= OR_ACL_BLOCKS)
		return 1;
	found = &s->found[i];
	word = or_acl_word(w->image, s->any_line + block * s->any_lines, i);
	own = found->own[part];
	if (own >> bit & 1) {
		__u32 rank = found->ranks[part] + or_popcount(own & ((1ull << bit) - 1));

		word |= or_acl_word(w->image, found->line, OR_ACL_RECORD_HEAD + rank);
	}
	row = or_acl_group_row(s, found);
	if (row)
		word |= row->words[block];
	s->word &= word;
	return !s->word;
}

/* bpf_loop step: tries the first candidate block that is left; ends the loop with a match. */
static long or_acl_try(__u32 i, void *context)
{
	struct or_acl_walk *w = context;
	struct or_acl_scratch *s = w->scratch;
	__u32 part = 0, block;
	__u64 left;

	if (!s->candidates[0])
		part = s->candidates[1] ? 1 : 2;
	left = s->candidates[part];
	if (!left)
		return 1;
	s->candidates[part] = left & (left - 1);
	s->part = part;
	s->bit = or_lowest_bit(left);
	block = part * 64 + s->bit;
	s->word = ~0ull;
	if (s->exempt)
		s->word = or_acl_word(w->image, s->exempt_line, block);
	bpf_loop(s->dimensions, or_acl_agree, w, 0);
	if (!s->word)
		return 0;
	block = block * 64 + or_lowest_bit(s->word);
	/* Without a dimension the last block's bits go beyond the rules. */
	if (block >= s->rules)
		return 1;
	s->rule = block + 1;
	s->decision = or_acl_word(w->image, s->decision_line, block);
	return 1;
}

#endif /* OUTRIDER_BPF_ACL_LOOKUP_H_ */
