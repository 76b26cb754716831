// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Takes over connections that a port had on its former host (or_connection.h). Attached nowhere:
 * the agent runs it by BPF_PROG_TEST_RUN, as only programs write entries, so that the counts stay
 * exact and frames that pass meanwhile lose nothing.
 */
#include <linux/bpf.h>

#include "vswitch/bpf/conntrack.h"

struct or_import {
	struct __sk_buff *skb;
	__u32 port;
	__u32 taken;
	__u32 share_full;
	__u32 table_full;
};

/* One that is here already stays if a frame has met it here. */
static __always_inline void or_import_over(struct or_connection *here,
					   const struct or_connection *from)
{
	__u64 now = bpf_ktime_get_coarse_ns();

	bpf_spin_lock(&here->lock);
	if (here->port == from->port &&
	    (here->flags & OR_CONNECTION_IMPORTED || here->expires_ns <= now))
		__builtin_memcpy(&here->port, &from->port,
				 sizeof(*here) - __builtin_offsetof(struct or_connection, port));
	bpf_spin_unlock(&here->lock);
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
	row.entry.port = import->port;
	row.entry.flags |= OR_CONNECTION_IMPORTED;
	here = bpf_map_lookup_elem(&or_connections, &row.key);
	if (here) {
		or_import_over(here, &row.entry);
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
	struct or_import import = {.skb = skb, .port = skb->mark};
	__u32 rows = skb->cb[0];

	if (rows > OR_IMPORT_ROWS)
		rows = OR_IMPORT_ROWS;
	bpf_loop(rows, or_import_step, &import, 0);
	return import.taken | import.share_full << 8 | import.table_full << 16;
}
