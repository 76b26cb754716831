// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Removes connections: those that are over or of a port that keeps none any more, or those of a
 * port at the agent's word. Attached nowhere: the agent runs it by BPF_PROG_TEST_RUN with what to
 * do in skb->cb[0] and skb->mark (or_abi.h). The verdict is the number of entries removed.
 */
#include <linux/bpf.h>

#include "vswitch/bpf/conntrack.h"

struct or_sweep {
	__u64 now;
	__u32 what;
	__u32 port;
	__u32 removed;
};

/* A port that keeps no connections any more: its count stays as long as the port. */
static __always_inline bool or_is_stateless(__u32 index)
{
	const struct or_port *port = or_port_row(index);

	return port && !(port->flags & OR_PORT_STATEFUL);
}

static __always_inline bool or_is_swept(const struct or_sweep *sweep,
					const struct or_connection_key *key,
					const struct or_connection *c)
{
	__u32 port = key->port;

	switch (sweep->what) {
	case OR_SWEEP_PORT:
		return port == sweep->port;
	case OR_SWEEP_ALL:
		return true;
	}
	return c->expires_ns <= sweep->now || !bpf_map_lookup_elem(&or_connection_counts, &port) ||
	       or_is_stateless(port);
}

static long or_sweep_step(void *map, const struct or_connection_key *key,
			  const struct or_connection *c, struct or_sweep *sweep)
{
	/* The key goes with the element. */
	struct or_connection_key copy = *key;

	if (or_is_swept(sweep, &copy, c) && or_connection_forget(&copy))
		sweep->removed++;
	return 0;
}

SEC("tc")
int or_sweep_connections(struct __sk_buff *skb)
{
	struct or_sweep sweep = {
		.now = bpf_ktime_get_coarse_ns(),
		.what = skb->cb[0],
		.port = skb->mark,
	};

	bpf_for_each_map_elem(&or_connections, or_sweep_step, &sweep, 0);
	/* What is over by itself nobody goes by any more. */
	if (skb->cb[0] != OR_SWEEP_OVER)
		or_note_change();
	return sweep.removed;
}
