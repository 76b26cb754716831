// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Takes over connections that a port had on its former host, and forgets those that have ended
 * there (or_connection.h). Attached nowhere: the agent runs it by BPF_PROG_TEST_RUN, as only
 * programs write entries, so that the counts stay exact and frames that pass meanwhile lose
 * nothing.
 */
#include <linux/bpf.h>

#include "vswitch/bpf/conntrack.h"

struct or_import {
	struct __sk_buff *skb;
	__u32 port;
	__u32 ended;
	__u32 taken;
	__u32 share_full;
	__u32 table_full;
};

/* What a side has sent is the most of what either host saw: none of it is taken back. */
static __always_inline void or_import_side(struct or_tcp_side *here, const struct or_tcp_side *from)
{
	if (or_tcp_after(from->end, here->end))
		here->end = from->end;
	if (or_tcp_after(from->max_end, here->max_end))
		here->max_end = from->max_end;
	here->max_window = or_tcp_max(here->max_window, from->max_window);
	if (from->flags & OR_TCP_SIDE_ACK &&
	    (!(here->flags & OR_TCP_SIDE_ACK) || or_tcp_after(from->max_ack, here->max_ack)))
		here->max_ack = from->max_ack;
	/* It was taken up in its middle here. */
	if (!(here->flags & OR_TCP_SIDE_SCALE))
		here->scale = from->scale;
	here->flags |= from->flags;
}

/* Both hosts have seen frames of it that the other has not: the former one those before the guest's
 * pause, this one those that were sent after the guest. */
static __always_inline void or_import_into(struct or_connection *here,
					   const struct or_connection *from, __u8 protocol)
{
	if ((here->flags ^ from->flags) & OR_CONNECTION_FROM_GUEST)
		return;
	if (protocol != IPPROTO_TCP) {
		if (here->state == OR_CONNECTION_NEW && from->state == OR_CONNECTION_REPLIED) {
			here->state = from->state;
			here->replied_s = from->replied_s;
		}
		return;
	}
	if (here->state == OR_CONNECTION_CLOSED || from->state == OR_CONNECTION_CLOSED ||
	    !or_tcp_is_near(here->sides[OR_GUEST].end, from->sides[OR_GUEST].end) ||
	    !or_tcp_is_near(here->sides[OR_REMOTE].end, from->sides[OR_REMOTE].end))
		return;
	or_import_side(&here->sides[OR_GUEST], &from->sides[OR_GUEST]);
	or_import_side(&here->sides[OR_REMOTE], &from->sides[OR_REMOTE]);
	here->state = or_tcp_state(here);
}

static __always_inline void or_import_over(struct or_connection *here,
					   const struct or_connection *from, __u8 protocol)
{
	__u64 now = bpf_ktime_get_coarse_ns();

	bpf_spin_lock(&here->lock);
	if (here->port == from->port) {
		if (here->flags & OR_CONNECTION_IMPORTED || here->expires_ns <= now)
			__builtin_memcpy(&here->port, &from->port,
					 sizeof(*here) -
						 __builtin_offsetof(struct or_connection, port));
		else
			or_import_into(here, from, protocol);
	}
	bpf_spin_unlock(&here->lock);
}

/* What a frame has met here is this host's own: it ends here by itself. */
static __always_inline bool or_import_end(const struct or_connection_key *key)
{
	const struct or_connection *here = bpf_map_lookup_elem(&or_connections, key);

	return here && here->flags & OR_CONNECTION_IMPORTED && or_connection_forget(key);
}

static long or_import_step(__u32 at, struct or_import *import)
{
	const struct or_port *port = or_port_row(import->port);
	struct or_connection_row row;
	struct or_connection *here;
	__u32 reason;

	if (!port ||
	    bpf_skb_load_bytes(import->skb, OR_IMPORT_OFFSET + at * sizeof(row), &row, sizeof(row)))
		return 1;
	row.key.port = import->port;
	if (import->ended) {
		import->taken += or_import_end(&row.key);
		return 0;
	}
	row.entry.port = import->port;
	row.entry.flags |= OR_CONNECTION_IMPORTED | OR_CONNECTION_FOLLOWED;
	here = bpf_map_lookup_elem(&or_connections, &row.key);
	if (here) {
		or_import_over(here, &row.entry, row.key.protocol);
		import->taken++;
		return 0;
	}
	reason = or_connection_insert(&row.key, &row.entry, port, row.key.protocol);
	if (!reason)
		import->taken++;
	else if (reason == OR_DROP_CONNECTION_TABLE_FULL)
		import->table_full++;
	else
		import->share_full++;
	return 0;
}

SEC("tc")
int or_import_connections(struct __sk_buff *skb)
{
	struct or_import import = {
		.skb = skb,
		.port = skb->mark,
		.ended = skb->cb[0] & OR_IMPORT_ENDED,
	};
	__u32 rows = skb->cb[0] & ~OR_IMPORT_ENDED;

	if (rows > OR_IMPORT_ROWS)
		rows = OR_IMPORT_ROWS;
	bpf_loop(rows, or_import_step, &import, 0);
	or_note_change();
	return import.taken | import.share_full << 8 | import.table_full << 16;
}
