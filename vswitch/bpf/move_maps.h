/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Maps of ports on their way to another host (or_move.h); else as maps.h. */
#ifndef OUTRIDER_BPF_MOVE_MAPS_H_
#define OUTRIDER_BPF_MOVE_MAPS_H_

#include "vswitch/bpf/maps.h"

/* The row as the verifier wants it: the lock word has a type. */
struct or_move_locked {
	struct bpf_spin_lock lock;
	__u32 mode;
	__u64 next;
	__u64 place;
	__u64 sent;
	__u64 redirected_from;
	__u64 redirected_to;
	__u64 returned_ns;
	__u32 told;
	__u32 aside;
	__u64 until_ns;
};
OR_STATIC_ASSERT(sizeof(struct or_move_locked) == sizeof(struct or_move), "or_move");

/* port index -> struct or_departure. Writer: agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OR_MAX_PORTS);
	__type(key, __u32);
	__type(value, struct or_departure);
} or_departures SEC(".maps");
/* port index -> struct or_departure_info. Writer and reader: agent. */
OR_HASH(or_departure_info, __u32, struct or_departure_info, OR_MAX_PORTS);
/* outer source and label -> port index. Writer: agent. */
OR_HASH(or_arrivals, struct or_arrival_key, __u32, OR_MAX_PORTS);
/* port index -> struct or_move. Writer: bpf. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OR_MAX_PORTS);
	__type(key, __u32);
	__type(value, struct or_move_locked);
} or_moves SEC(".maps");
/* port index -> struct or_move_counts per CPU. Writer: bpf. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OR_MAX_PORTS);
	__type(key, __u32);
	__type(value, struct or_move_counts);
} or_move_counts SEC(".maps");
/* place modulo OR_RECORD_SLOTS -> struct or_record_slot. Mapped by the agent to read it. */
struct or_record_array {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct or_record_slot));
};
/* port index -> record. Elements: agent; contents: bpf. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, OR_MAX_PORTS);
	__type(key, __u32);
	__array(values, struct or_record_array);
} or_records SEC(".maps");

#endif /* OUTRIDER_BPF_MOVE_MAPS_H_ */
