// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The agent's hand on or_moves, under the lock that frames take. Attached nowhere: the agent runs
 * it by BPF_PROG_TEST_RUN (or_move.h, enum or_move_command). The verdict is 1 when the command
 * changed something.
 */
#include <linux/bpf.h>

#include "vswitch/bpf/move.h"

static __always_inline void or_begin_move(struct or_move_locked *move, __u32 mode)
{
	move->mode = mode;
	move->next = 0;
	move->place = 0;
	move->sent = 0;
	move->redirected_from = 0;
	move->redirected_to = 0;
	move->returned_ns = 0;
	move->told = 0;
	move->aside = 0;
	move->until_ns = 0;
}

/* Under the lock. */
static __always_inline int or_redirect_port(struct or_move_locked *move, __u64 first)
{
	__u64 next = move->next;

	if (move->mode == OR_MOVE_WATCHED)
		move->redirected_from = next;
	else if (move->mode == OR_MOVE_RETURNING)
		/* What has only waited is still to be sent. */
		next = move->redirected_to;
	else
		return 0;
	move->mode = OR_MOVE_QUEUED;
	move->sent = first < next ? first : next;
	move->returned_ns = 0;
	return 1;
}

/* Likewise. */
static __always_inline int or_take_port_back(struct or_move_locked *move, __u64 until_ns)
{
	/* A frame of the guest has been faster; the agent is there now. */
	if (move->mode == OR_MOVE_RETURNING)
		move->until_ns = until_ns;
	if (!or_is_redirected(move->mode))
		return 0;
	or_begin_return(move, until_ns);
	return 1;
}

/* Likewise. Who sent what stood before has done so up to number `next`. */
static __always_inline int or_catch_up(struct or_move_locked *move, __u64 next)
{
	if (move->mode != OR_MOVE_QUEUED || move->next != next)
		return 0;
	move->mode = OR_MOVE_STRAIGHT;
	return 1;
}

/* Likewise, who gave it to the guest. */
static __always_inline int or_end_return(struct or_move_locked *move, __u64 next)
{
	if (move->mode != OR_MOVE_RETURNING || move->next != next)
		return 0;
	move->mode = OR_MOVE_WATCHED;
	move->redirected_from = move->redirected_to;
	return 1;
}

/* Likewise. What each command does; see there. */
static __always_inline int or_command(struct or_move_locked *move, __u32 command, __u64 argument)
{
	switch (command) {
	case OR_MOVE_WATCH:
		or_begin_move(move, OR_MOVE_WATCHED);
		return 1;
	case OR_MOVE_END:
		or_begin_move(move, OR_MOVE_NONE);
		return 1;
	case OR_MOVE_REDIRECT:
		return or_redirect_port(move, argument);
	case OR_MOVE_SENT:
		move->sent = argument;
		return 1;
	case OR_MOVE_CAUGHT_UP:
		return or_catch_up(move, argument);
	case OR_MOVE_GIVEN:
		return or_end_return(move, argument);
	case OR_MOVE_GO_STRAIGHT:
		if (move->mode == OR_MOVE_NONE || move->mode == OR_MOVE_STRAIGHT)
			return 0;
		if (move->mode == OR_MOVE_WATCHED)
			move->redirected_from = move->next;
		move->mode = OR_MOVE_STRAIGHT;
		return 1;
	case OR_MOVE_TAKE_BACK:
		return or_take_port_back(move, argument);
	case OR_MOVE_SETTLED:
		if (move->mode == OR_MOVE_RETURNING)
			or_let_pass(move);
		move->redirected_from = move->redirected_to;
		return 1;
	case OR_MOVE_HEARD:
		move->returned_ns = 0;
		return 1;
	}
	return 0;
}

/* Counters of one CPU each: no lock. */
static __always_inline int or_count_command(__u32 index, __u32 command, __u64 argument)
{
	struct or_move_counts *counts = or_counts_of(index);

	if (!counts)
		return 0;
	if (command == OR_MOVE_LOST)
		counts->lost += argument;
	else
		counts->replayed += argument;
	return 1;
}

SEC("tc")
int or_move_port(struct __sk_buff *skb)
{
	__u64 argument = (__u64)skb->cb[2] << 32 | skb->cb[1];
	__u32 index = skb->cb[0], command = skb->mark;
	struct or_move_locked *move;
	int done;

	if (command == OR_MOVE_LOST || command == OR_MOVE_REPLAYED)
		return or_count_command(index, command, argument);
	move = bpf_map_lookup_elem(&or_moves, &index);
	if (!move)
		return 0;
	bpf_spin_lock(&move->lock);
	done = or_command(move, command, argument);
	bpf_spin_unlock(&move->lock);
	return done;
}
