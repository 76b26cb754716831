/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where a MAC is, by the agent's word. What is learned from frames: station.h. */
#ifndef OUTRIDER_BPF_FDB_H_
#define OUTRIDER_BPF_FDB_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* Copies the entry of the frame's destination. False: unknown. */
static __always_inline bool or_fdb_find(const struct or_frame *f, struct or_fdb *found)
{
	struct or_fdb_key key = {.vni = f->vni};
	const struct or_fdb *entry;

	__builtin_memcpy(key.mac, f->eth_dst, 6);
	entry = bpf_map_lookup_elem(&or_fdb, &key);
	if (!entry) {
		or_trace(OR_TRACE_FDB, f->port, f->vni, 0, 0);
		return false;
	}
	*found = *entry;
	or_trace(OR_TRACE_FDB, f->port, f->vni, found->kind, found->index);
	return true;
}

#endif /* OUTRIDER_BPF_FDB_H_ */
