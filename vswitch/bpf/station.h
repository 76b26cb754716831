/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Stations: MACs that are where they were heard last, behind an uplink or, in a segment of this
 * host alone, behind a port that carries many (a bridge, a router, the host's own stack).
 *
 * Learning (IEEE 802.1Q, 8.7) tells which unicast has somebody to go to. It never says where a port
 * with a MAC of its own is: the FDB, the agent's word, is asked first. In segments that others have
 * a part in nothing is learned from ports. MACs that the FDB has not, which several guests there
 * may use in turn, are forgotten when a guest here broadcasts with them, as whoever takes one over
 * does; unicast to them is flooded, here as there.
 */
#ifndef OUTRIDER_BPF_STATION_H_
#define OUTRIDER_BPF_STATION_H_

#include "vswitch/bpf/clock.h"
#include "vswitch/bpf/fdb.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/source_macs.h"
#include "vswitch/bpf/trace.h"

/* Where a station is, beside the indices of ports. */
#define OR_AT_UPLINK 0
#define OR_NOWHERE (~0u)

static __always_inline bool or_is_local_segment(__u32 vni)
{
	return vni >= OR_LOCAL_VNI;
}

/* A new station. A port's own MAC is none, nor is what a port makes up beyond its share. */
static __always_inline void or_add_station(const struct or_frame *f, const struct or_fdb_key *key,
					   const struct or_station *heard)
{
	if (heard->port != OR_AT_UPLINK &&
	    (or_fdb_place(or_fdb_word(key->mac, key->vni), key->vni) ||
	     or_is_mac_too_many(f, OR_MAX_PORT_STATIONS)))
		return;
	bpf_map_update_elem(&or_stations, key, heard, BPF_ANY);
}

/* The frame's source was heard where it came from, and is there from now on. To a second: not a
 * write for each frame. */
static __noinline void or_hear_source(const struct or_frame *f)
{
	struct or_station heard = {.heard_ns = bpf_ktime_get_ns(), .port = f->port};
	struct or_fdb_key key = {.vni = f->vni};
	struct or_station *known;

	if (or_tracing)
		return;
	__builtin_memcpy(key.mac, f->eth_src, 6);
	known = bpf_map_lookup_elem(&or_stations, &key);
	if (!known) {
		or_add_station(f, &key, &heard);
	} else if (known->port != heard.port ||
		   or_ns_between(known->heard_ns, heard.heard_ns) > (__s64)OR_NS_PER_S) {
		known->heard_ns = heard.heard_ns;
		known->port = heard.port;
	}
}

/* A guest here that is not learned from speaks with the frame's source now, one of several it may
 * use: what moved here is no station any more. */
static __noinline void or_forget_station(const struct or_frame *f)
{
	struct or_fdb_key key = {.vni = f->vni};

	__builtin_memcpy(key.mac, f->eth_src, 6);
	if (!or_tracing && bpf_map_lookup_elem(&or_stations, &key))
		bpf_map_delete_elem(&or_stations, &key);
}

/* Where the frame's destination was heard of late: OR_AT_UPLINK, OR_NOWHERE, or a port. */
static __noinline __u32 or_find_station(const struct or_frame *f)
{
	struct or_fdb_key key = {.vni = f->vni};
	const struct or_station *known;

	__builtin_memcpy(key.mac, f->eth_dst, 6);
	known = bpf_map_lookup_elem(&or_stations, &key);
	if (!known ||
	    or_ns_between(known->heard_ns, bpf_ktime_get_ns()) >= (__s64)OR_STATION_AGE_NS)
		return OR_NOWHERE;
	return known->port;
}

static __always_inline bool or_is_station(const struct or_frame *f)
{
	return or_find_station(f) == OR_AT_UPLINK;
}

/* The port behind which the frame's destination was learned, as if the FDB said so. False: none.
 * One that is gone is none, until the agent has removed what was learned there. */
static __always_inline bool or_find_learned(const struct or_frame *f, struct or_fdb *found)
{
	__u32 port;

	if (!or_is_local_segment(f->vni))
		return false;
	port = or_find_station(f);
	if (port == OR_AT_UPLINK || port == OR_NOWHERE || !or_port_row(port))
		return false;
	found->kind = OR_FDB_LOCAL;
	found->index = port;
	or_trace(OR_TRACE_STATION, f->port, f->vni, port, 0);
	return true;
}

#endif /* OUTRIDER_BPF_STATION_H_ */
