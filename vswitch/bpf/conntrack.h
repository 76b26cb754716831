/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The table of connections of stateful ports: finding, opening and forgetting entries. A port and a
 * segment are a zone: the same addresses behind another port or in another segment are another
 * connection. Each port has a share of the table; when it is used up its own new connections are
 * refused, and nobody else's. Over three quarters of it, what is not answered yet is soon given up:
 * a stranger who sends one packet each to a server has less of it than who is talked to. Does not
 * know rules (filter.h).
 *
 * Every deletion that succeeds takes one off the port's count, every insertion adds one: the count
 * is exact. An entry that is found expired is deleted there and then; the rest is the sweep's.
 */
#ifndef OUTRIDER_BPF_CONNTRACK_H_
#define OUTRIDER_BPF_CONNTRACK_H_

#include <linux/in.h>
#include <linux/in6.h>

#include "vswitch/abi/or_drop.h"
#include "vswitch/bpf/clock.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/tcp_track.h"
#include "vswitch/bpf/trace.h"

#define OR_EEXIST 17
/* Of what is not answered, when the port's share is short: a handshake whose packets are lost twice
 * (RFC 6298: after 1 and 2 s more) takes less. */
#define OR_BRIEF_SECONDS 10
#define OR_ANSWER_SECONDS 2

#define OR_TO_GUEST 0u
#define OR_FROM_GUEST 1u

/* What or_connection_find() found. */
#define OR_FLOW_NONE 0u
#define OR_FLOW_PASS 1u
#define OR_FLOW_INVALID 2u
/* Admitted by another rule set than is in force now: bit 8, the guest began it; bits 16-23, TCP
 * flags of its first packet. */
#define OR_FLOW_STALE 3u
#define OR_FLOW_OVER 4u /* expired, or this frame begins another one; to be forgotten */
#define OR_FLOW_KIND(found) ((found)&0xff)
#define OR_FLOW_FROM_GUEST(found) (!!((found)&0x100))
#define OR_FLOW_FIRST_FLAGS(found) ((found) >> 16 & 0xff)

/* Whether UDP is more than a question and its answers. */
static __always_inline bool or_is_stream(const struct or_connection *c, __u64 now)
{
	return c->state == OR_CONNECTION_REPLIED &&
	       (__s32)(now / OR_NS_PER_S - c->replied_s) > OR_ANSWER_SECONDS;
}

/* Seconds until a silent connection is forgotten: netfilter's defaults, which keep to RFC 5382 (an
 * established connection: 2 h 4 min at least) and, of streams, to RFC 4787 (UDP: 2 min). */
static __always_inline __u64 or_connection_seconds(const struct or_connection *c, __u8 protocol,
						   __u64 now)
{
	switch (c->state) {
	case OR_CONNECTION_SYN_SENT:
	case OR_CONNECTION_FIN_WAIT:
	case OR_CONNECTION_TIME_WAIT:
		return 120;
	case OR_CONNECTION_SYN_RECEIVED:
	case OR_CONNECTION_CLOSE_WAIT:
		return 60;
	case OR_CONNECTION_LAST_ACK:
		return 30;
	case OR_CONNECTION_CLOSED:
		return 10;
	case OR_CONNECTION_ESTABLISHED:
		return or_tcp_unacknowledged(c) ? 300 : 5 * 24 * 3600;
	}
	if (protocol == IPPROTO_UDP)
		return or_is_stream(c, now) ? 120 : 30;
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ? 30 : 600;
}

static __always_inline bool or_is_unanswered(__u8 state)
{
	return state == OR_CONNECTION_NEW || state == OR_CONNECTION_SYN_SENT ||
	       state == OR_CONNECTION_SYN_RECEIVED;
}

static __always_inline bool or_share_is_short(__u32 held, const struct or_port *port)
{
	return (__u64)held * 4 > (__u64)port->max_connections * 3;
}

/* When `c` is forgotten if nothing more is heard of it; `brief`: its port's share is short. */
static __always_inline __u64 or_connection_expiry(const struct or_connection *c, __u8 protocol,
						  __u64 now, bool brief)
{
	__u64 seconds = or_connection_seconds(c, protocol, now);

	if (brief && or_is_unanswered(c->state) && seconds > OR_BRIEF_SECONDS)
		seconds = OR_BRIEF_SECONDS;
	return now + seconds * OR_NS_PER_S;
}

/* Whether port `index` has just arrived here. The first who asks begins its time. */
static __always_inline bool or_adopts(__u32 index)
{
	struct or_adoption *adoption = bpf_map_lookup_elem(&or_adoptions, &index);
	__u64 now;

	if (!adoption)
		return false;
	now = bpf_ktime_get_coarse_ns();
	if (adoption->begun_ns)
		return or_ns_between(adoption->begun_ns, now) < (__s64)adoption->duration_ns;
	if (!or_tracing)
		adoption->begun_ns = now;
	return true;
}

/* Puts who sent it and who gets it on the two sides of the key. */
static __always_inline void or_connection_sides(struct or_connection_key *key, bool guest_sends,
						const __u8 *src, const __u8 *dst, __u16 src_port,
						__u16 dst_port)
{
	__builtin_memcpy(key->guest, guest_sends ? src : dst, 16);
	__builtin_memcpy(key->remote, guest_sends ? dst : src, 16);
	key->guest_port = guest_sends ? src_port : dst_port;
	key->remote_port = guest_sends ? dst_port : src_port;
}

/* Deletes the entry, if it is there. */
static __noinline bool or_connection_forget(const struct or_connection_key *key)
{
	__u32 port = key->port, *held;

	if (or_trace(OR_TRACE_CONNECTION, port, OR_TRACE_FLOW_OVER, 0, 0))
		return true;
	if (bpf_map_delete_elem(&or_connections, key))
		return false;
	held = bpf_map_lookup_elem(&or_connection_counts, &port);
	if (held)
		__sync_fetch_and_add(held, -1);
	return true;
}

/* Under the lock. `lenient`: what its port's former host saw last is not known here. */
static __always_inline enum or_track or_connection_track(struct or_connection *c,
							 const struct or_frame *f, bool from_guest,
							 __u64 now, bool lenient)
{
	enum or_track track;

	if (f->protocol == IPPROTO_TCP) {
		track = or_tcp_track(c, f, from_guest, lenient);
		/* Not by one that is of the connection by its addresses alone. What a first
		 * fragment shows of its data is within the window if all of it is. */
		if (track == OR_TRACK_PASS && f->flags & OR_FRAME_FRAGMENT)
			c->flags |= OR_CONNECTION_LIBERAL;
		return track;
	}
	if (from_guest != !!(c->flags & OR_CONNECTION_FROM_GUEST) &&
	    c->state != OR_CONNECTION_REPLIED) {
		c->state = OR_CONNECTION_REPLIED;
		c->replied_s = now / OR_NS_PER_S;
	}
	return OR_TRACK_PASS;
}

/* A traced connection is not admitted again, but from then on taken for it. */
static __always_inline bool or_traced_renewal(__u32 port, bool begin)
{
	__u32 zero = 0;
	struct or_trace *trace;

	if (!or_tracing)
		return false;
	trace = bpf_map_lookup_elem(&or_trace_scratch, &zero);
	if (!trace)
		return false;
	if (begin)
		trace->renewed = port;
	return trace->renewed == port;
}

/* Of the list that a port's connection of this direction is admitted by: what it says, with the
 * groups it names. */
static __always_inline __u64 or_admission(const struct or_port *port, bool from_guest)
{
	__u64 content = from_guest ? port->ingress_content : port->egress_content;
	const __u64 *revision;
	__u32 zero = 0;

	if (!(port->flags & OR_PORT_NAMES_GROUPS))
		return content;
	revision = bpf_map_lookup_elem(&or_group_revision, &zero);
	return revision ? content + *revision * OR_REVISION_STEP : content;
}

static __always_inline bool or_connection_is_stale(const struct or_connection *c,
						   const struct or_port *port)
{
	if (port->flags & OR_PORT_KEEP_ESTABLISHED || or_traced_renewal(c->port, false))
		return false;
	return c->admitted_by != or_admission(port, c->flags & OR_CONNECTION_FROM_GUEST);
}

/* Whether its port's former host may know more of it. */
static __always_inline bool or_is_lenient(const struct or_connection *c)
{
	return c->flags & OR_CONNECTION_FOLLOWED && or_adopts(c->port);
}

static __always_inline __u32 or_connection_verdict(enum or_track track)
{
	if (track == OR_TRACK_REOPEN)
		return OR_FLOW_OVER;
	return track == OR_TRACK_INVALID ? OR_FLOW_INVALID : OR_FLOW_PASS;
}

/* 0 -> struct or_connection. Of a trace: what the frame would make of its connection. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_connection);
} or_trace_connection_scratch SEC(".maps");

static __always_inline __u32 or_connection_stale_flow(const struct or_connection *c)
{
	return OR_FLOW_STALE | (c->flags & OR_CONNECTION_FROM_GUEST ? 0x100 : 0) |
	       (__u32)c->first_flags << 16;
}

static __always_inline __u32 or_traced_flow(__u32 found)
{
	if (found == OR_FLOW_OVER)
		return OR_TRACE_FLOW_OVER;
	return found == OR_FLOW_INVALID ? OR_TRACE_FLOW_INVALID : OR_TRACE_FLOW_PASS;
}

/* What or_connection_find() says, with the connection left as it is. */
static __noinline __u32 or_connection_peek(const struct or_frame *f,
					   const struct or_connection_key *key,
					   const struct or_port *port, bool from_guest)
{
	const struct or_connection *c = bpf_map_lookup_elem(&or_connections, key);
	__u32 zero = 0, found;
	struct or_connection *copy = bpf_map_lookup_elem(&or_trace_connection_scratch, &zero);

	if (!c || !copy) {
		or_trace(OR_TRACE_CONNECTION, key->port, OR_TRACE_FLOW_UNKNOWN, 0, 0);
		return OR_FLOW_NONE;
	}
	if (c->expires_ns <= bpf_ktime_get_coarse_ns()) {
		or_trace(OR_TRACE_CONNECTION, key->port, OR_TRACE_FLOW_OVER, c->state, 0);
		return OR_FLOW_NONE;
	}
	if (or_connection_is_stale(c, port)) {
		or_trace(OR_TRACE_CONNECTION, key->port, OR_TRACE_FLOW_STALE, c->state, 0);
		return or_connection_stale_flow(c);
	}
	/* All behind the lock. */
	__builtin_memcpy(&copy->port, &c->port,
			 sizeof(*c) - __builtin_offsetof(struct or_connection, port));
	found = or_connection_verdict(
		or_connection_track(copy, f, from_guest, 0, or_is_lenient(c)));
	or_trace(OR_TRACE_CONNECTION, c->port, or_traced_flow(found), c->state, 0);
	return found == OR_FLOW_OVER ? OR_FLOW_NONE : found;
}

/* OR_FLOW_*: what the table says of a frame with this key. */
static __noinline __u32 or_connection_match(const struct or_frame *f,
					    const struct or_connection_key *key,
					    const struct or_port *port, bool from_guest)
{
	struct or_connection *c = bpf_map_lookup_elem(&or_connections, key);
	enum or_track track = OR_TRACK_ASIDE;
	bool was_closed, lenient, brief = false;
	__u32 index = key->port, *held;
	__u64 now;

	if (!c)
		return OR_FLOW_NONE;
	now = bpf_ktime_get_coarse_ns();
	if (c->expires_ns <= now)
		return OR_FLOW_OVER;
	if (or_connection_is_stale(c, port))
		return or_connection_stale_flow(c);
	if (or_is_unanswered(c->state)) {
		held = bpf_map_lookup_elem(&or_connection_counts, &index);
		brief = held && or_share_is_short(*held, port);
	}
	lenient = or_is_lenient(c);
	bpf_spin_lock(&c->lock);
	if (c->port == key->port) {
		was_closed = c->state == OR_CONNECTION_CLOSED;
		track = or_connection_track(c, f, from_guest, now, lenient);
		if (track == OR_TRACK_PASS)
			c->flags &= ~OR_CONNECTION_IMPORTED;
		if (!was_closed && (track == OR_TRACK_PASS || c->state == OR_CONNECTION_CLOSED))
			c->expires_ns = or_connection_expiry(c, f->protocol, now, brief);
	}
	bpf_spin_unlock(&c->lock);
	return or_connection_verdict(track);
}

/* OR_FLOW_* but OVER: whether the frame is of a connection of `port`, which is moved on by it. */
static __always_inline __u32 or_connection_find(const struct or_frame *f,
						const struct or_connection_key *key,
						const struct or_port *port, bool from_guest)
{
	__u32 found;

	if (or_tracing)
		return or_connection_peek(f, key, port, from_guest);
	found = or_connection_match(f, key, port, from_guest);
	if (found != OR_FLOW_OVER)
		return found;
	or_connection_forget(key);
	return OR_FLOW_NONE;
}

/* The rule set in force admits the connection, too. */
static __noinline void or_connection_renew(const struct or_connection_key *key,
					   const struct or_port *port)
{
	struct or_connection *c = bpf_map_lookup_elem(&or_connections, key);

	if (or_trace(OR_TRACE_CONNECTION, key->port, OR_TRACE_FLOW_RENEW, 0, 0)) {
		or_traced_renewal(key->port, true);
		return;
	}
	if (c && c->port == key->port)
		c->admitted_by = or_admission(port, c->flags & OR_CONNECTION_FROM_GUEST);
}

/* Puts a connection under its key, if there is room. 0, or the reason why not. */
static __always_inline __u32 or_connection_insert(const struct or_connection_key *key,
						  struct or_connection *c,
						  const struct or_port *port, __u8 protocol)
{
	__u32 index = key->port, *held, others;
	long error;

	held = bpf_map_lookup_elem(&or_connection_counts, &index);
	if (!held)
		return OR_DROP_CONNECTIONS_FULL;
	if (or_tracing) {
		bool full = *held >= port->max_connections;

		or_trace(OR_TRACE_CONNECTION, index, full ? OR_TRACE_FLOW_FULL : OR_TRACE_FLOW_OPEN,
			 c->state, 0);
		return full ? OR_DROP_CONNECTIONS_FULL : 0;
	}
	others = __sync_fetch_and_add(held, 1);
	if (others >= port->max_connections) {
		__sync_fetch_and_add(held, -1);
		return OR_DROP_CONNECTIONS_FULL;
	}
	if (!c->expires_ns)
		c->expires_ns = or_connection_expiry(c, protocol, bpf_ktime_get_coarse_ns(),
						     or_share_is_short(others + 1, port));
	error = bpf_map_update_elem(&or_connections, key, c, BPF_NOEXIST);
	if (!error)
		return 0;
	__sync_fetch_and_add(held, -1);
	/* Another CPU was faster, or the shares together are more than the table. */
	return error == -OR_EEXIST ? 0 : OR_DROP_CONNECTION_TABLE_FULL;
}

/* A connection that a rule admits begins with this frame. 0, or the reason to drop it. */
static __noinline __u32 or_connection_open(const struct or_frame *f,
					   const struct or_connection_key *key,
					   const struct or_port *port, bool from_guest)
{
	struct or_connection c = {.port = key->port, .state = OR_CONNECTION_NEW};

	if (f->flags & OR_FRAME_ECHO_REPLY)
		return OR_DROP_CONNECTION_INVALID;
	if (f->protocol == IPPROTO_TCP) {
		if (!or_tcp_is_syn(f->tcp_flags) || !or_tcp_flags_valid(f->tcp_flags))
			return OR_DROP_CONNECTION_INVALID;
		or_tcp_begin(&c.sides[from_guest ? OR_GUEST : OR_REMOTE], f);
		c.state = OR_CONNECTION_SYN_SENT;
		c.first_flags = f->tcp_flags;
	}
	c.flags = (from_guest ? OR_CONNECTION_FROM_GUEST : 0) |
		  (f->flags & OR_FRAME_FRAGMENT ? OR_CONNECTION_LIBERAL : 0);
	c.admitted_by = or_admission(port, from_guest);
	return or_connection_insert(key, &c, port, f->protocol);
}

#endif /* OUTRIDER_BPF_CONNTRACK_H_ */
