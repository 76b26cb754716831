/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What TCP allows next. Each side's record says how far it has sent and how far the other lets it;
 * a segment outside is not of the connection (Guido van Rooij, Real Stateful TCP Packet Filtering
 * in IP Filter, 2001; the four bounds are numbered as there). GSO super-packets count as the bytes
 * they hold. States follow from what both sides have sent, so that packets lost behind us do not
 * leave us in a state of our own.
 *
 * Everything here runs under the entry's lock: no helper, no call.
 */
#ifndef OUTRIDER_BPF_TCP_TRACK_H_
#define OUTRIDER_BPF_TCP_TRACK_H_

#include "vswitch/bpf/frame.h"

#define OR_TCP_FIN 0x01
#define OR_TCP_SYN 0x02
#define OR_TCP_RST 0x04
#define OR_TCP_PSH 0x08
#define OR_TCP_ACK 0x10
#define OR_TCP_URG 0x20
#define OR_TCP_ECE 0x40
#define OR_TCP_CWR 0x80

/* Acknowledgements that were overtaken may be older than a window (as Linux has it). */
#define OR_TCP_ACK_SLACK 66000
#define OR_TCP_MAX_WINDOW (1u << 30)

enum or_track {
	OR_TRACK_PASS,	  /* of the connection, which lives on */
	OR_TRACK_ASIDE,	  /* may pass, but says nothing of the connection */
	OR_TRACK_INVALID, /* not of the connection */
	OR_TRACK_REOPEN,  /* the connection is over, and this begins another */
};

static __always_inline bool or_tcp_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline __u32 or_tcp_max(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

/* Only these combinations exist (PSH, ECE and CWR may be with any). */
static __always_inline bool or_tcp_flags_valid(__u8 flags)
{
	switch (flags & (OR_TCP_SYN | OR_TCP_FIN | OR_TCP_RST | OR_TCP_ACK | OR_TCP_URG)) {
	case OR_TCP_SYN:
	case OR_TCP_SYN | OR_TCP_URG:
	case OR_TCP_SYN | OR_TCP_ACK:
	case OR_TCP_RST:
	case OR_TCP_RST | OR_TCP_ACK:
	case OR_TCP_FIN | OR_TCP_ACK:
	case OR_TCP_FIN | OR_TCP_ACK | OR_TCP_URG:
	case OR_TCP_ACK:
	case OR_TCP_ACK | OR_TCP_URG:
		return true;
	}
	return false;
}

static __always_inline bool or_tcp_is_syn(__u8 flags)
{
	return (flags & (OR_TCP_SYN | OR_TCP_ACK)) == OR_TCP_SYN;
}

/* A side's SYN, from which everything about it is counted. */
static __always_inline void or_tcp_begin(struct or_tcp_side *sender, const struct or_frame *f)
{
	sender->end = f->tcp_end;
	sender->max_end = f->tcp_end;
	sender->max_window = or_tcp_max(f->tcp_window, 1);
	sender->max_ack = f->tcp_seq + 1;
	sender->flags = OR_TCP_SIDE_SYN | (f->flags & OR_FRAME_SCALE ? OR_TCP_SIDE_SCALE : 0);
	sender->scale = f->flags & OR_FRAME_SCALE ? f->tcp_scale : 0;
}

/* The second SYN: windows are scaled when both sides said so (RFC 7323). */
static __always_inline void or_tcp_meet(struct or_tcp_side *sender, struct or_tcp_side *receiver,
					const struct or_frame *f)
{
	or_tcp_begin(sender, f);
	sender->max_end += receiver->max_window;
	if (!(sender->flags & receiver->flags & OR_TCP_SIDE_SCALE)) {
		sender->scale = 0;
		receiver->scale = 0;
	}
}

static __always_inline enum or_track or_tcp_syn(struct or_connection *c, struct or_tcp_side *sender,
						struct or_tcp_side *receiver,
						const struct or_frame *f, bool initiator)
{
	if (c->state == OR_CONNECTION_TIME_WAIT || c->state == OR_CONNECTION_CLOSED)
		return OR_TRACK_REOPEN;
	if (initiator) {
		/* Begun anew after a crash, or sent twice: the other side's answer will tell. */
		if (receiver->flags & OR_TCP_SIDE_SYN) {
			c->flags |= OR_CONNECTION_ASIDE;
			c->aside_end = f->tcp_end;
			return OR_TRACK_ASIDE;
		}
		or_tcp_begin(sender, f);
		return OR_TRACK_PASS;
	}
	if (sender->flags & OR_TCP_SIDE_SYN)
		return f->tcp_end == sender->end && c->state == OR_CONNECTION_SYN_SENT
			       ? OR_TRACK_PASS
			       : OR_TRACK_INVALID;
	/* Both at once (RFC 9293, 3.5). */
	or_tcp_meet(sender, receiver, f);
	return OR_TRACK_PASS;
}

/* Before both sides have sent their SYN. */
static __always_inline enum or_track or_tcp_handshake(struct or_connection *c,
						      struct or_tcp_side *sender,
						      struct or_tcp_side *receiver,
						      const struct or_frame *f, bool initiator)
{
	/* The SYN, and perhaps the data in it (RFC 7413). */
	bool answers = !or_tcp_after(f->tcp_ack, receiver->end) &&
		       !or_tcp_after(receiver->max_ack, f->tcp_ack);

	if (initiator) {
		/* Its answer to what an older connection's peer said to the SYN. */
		if (!(f->tcp_flags & OR_TCP_RST))
			return OR_TRACK_INVALID;
		if (f->tcp_seq == sender->end)
			c->state = OR_CONNECTION_CLOSED;
		return OR_TRACK_ASIDE;
	}
	if (f->tcp_flags & OR_TCP_RST) {
		if (!(f->tcp_flags & OR_TCP_ACK) || !answers)
			return OR_TRACK_INVALID;
		c->state = OR_CONNECTION_CLOSED;
		return OR_TRACK_PASS;
	}
	if (f->tcp_flags & OR_TCP_SYN) {
		if (!answers)
			return OR_TRACK_INVALID;
		or_tcp_meet(sender, receiver, f);
		return OR_TRACK_PASS;
	}
	/* "Where are you?" of a peer that still holds an older connection (RFC 9293, 3.5.1). */
	return f->tcp_end == f->tcp_seq ? OR_TRACK_ASIDE : OR_TRACK_INVALID;
}

static __always_inline bool or_tcp_in_window(const struct or_tcp_side *sender,
					     const struct or_tcp_side *receiver,
					     const struct or_frame *f)
{
	__u32 slack = or_tcp_max(sender->max_window, OR_TCP_ACK_SLACK);

	/* I and II: not beyond what the receiver allows, not older than its window. */
	if (or_tcp_after(f->tcp_seq, sender->max_end) ||
	    !or_tcp_after(f->tcp_end, sender->end - receiver->max_window - 1))
		return false;
	/* III and IV: acknowledges what was sent, and not only what is long gone. */
	return !or_tcp_after(f->tcp_ack, receiver->end) &&
	       or_tcp_after(f->tcp_ack, receiver->end - slack - 1);
}

/* A reset must be where the receiver waits for it, or right behind what the sender has sent; others
 * in the window may pass, and a receiver will ask back (RFC 5961, 3.2). */
static __always_inline enum or_track or_tcp_reset(struct or_connection *c,
						  const struct or_tcp_side *sender,
						  const struct or_tcp_side *receiver,
						  const struct or_frame *f)
{
	if (or_tcp_after(f->tcp_seq, sender->max_end))
		return OR_TRACK_INVALID;
	if (receiver->flags & OR_TCP_SIDE_ACK && or_tcp_after(receiver->max_ack, f->tcp_seq))
		return OR_TRACK_INVALID;
	if (f->tcp_flags & OR_TCP_ACK && f->tcp_ack && or_tcp_after(f->tcp_ack, receiver->end))
		return OR_TRACK_INVALID;
	if (f->tcp_seq != sender->end &&
	    !(receiver->flags & OR_TCP_SIDE_ACK && f->tcp_seq == receiver->max_ack))
		return OR_TRACK_ASIDE;
	c->state = OR_CONNECTION_CLOSED;
	return OR_TRACK_PASS;
}

/* Whether the segment, which does not fit the connection, answers a SYN that was set aside: its
 * sender does not know the connection any more. Nobody else knows the SYN's number. */
static __always_inline bool or_tcp_forgot(const struct or_connection *c, const struct or_frame *f,
					  bool initiator)
{
	return !initiator && c->flags & OR_CONNECTION_ASIDE && f->tcp_flags & OR_TCP_ACK &&
	       f->tcp_flags & (OR_TCP_SYN | OR_TCP_RST) && f->tcp_ack == c->aside_end;
}

static __always_inline void or_tcp_advance(struct or_tcp_side *sender, struct or_tcp_side *receiver,
					   const struct or_frame *f)
{
	__u32 window = f->tcp_window, allowed;

	if (!(f->tcp_flags & OR_TCP_SYN))
		window <<= sender->scale;
	sender->max_window = or_tcp_max(sender->max_window, window);
	if (or_tcp_after(f->tcp_end, sender->end))
		sender->end = f->tcp_end;
	/* More than it was allowed, yet the receiver may take it. */
	if (or_tcp_after(f->tcp_end, sender->max_end) && receiver->max_window < OR_TCP_MAX_WINDOW)
		receiver->max_window += f->tcp_end - sender->max_end;
	if (f->tcp_flags & OR_TCP_FIN)
		sender->flags |= OR_TCP_SIDE_FIN;
	if (!(f->tcp_flags & OR_TCP_ACK))
		return;
	if (!(sender->flags & OR_TCP_SIDE_ACK) || or_tcp_after(f->tcp_ack, sender->max_ack))
		sender->max_ack = f->tcp_ack;
	sender->flags |= OR_TCP_SIDE_ACK;
	/* A closed window is probed with one byte. */
	allowed = f->tcp_ack + or_tcp_max(window, 1);
	if (or_tcp_after(allowed, receiver->max_end))
		receiver->max_end = allowed;
}

static __always_inline bool or_tcp_fin_acked(const struct or_tcp_side *side,
					     const struct or_tcp_side *other)
{
	return side->flags & OR_TCP_SIDE_FIN && other->flags & OR_TCP_SIDE_ACK &&
	       other->max_ack == side->end;
}

static __always_inline __u8 or_tcp_state(const struct or_connection *c)
{
	const struct or_tcp_side *a = &c->sides[OR_GUEST], *b = &c->sides[OR_REMOTE];
	bool a_done = or_tcp_fin_acked(a, b), b_done = or_tcp_fin_acked(b, a);
	__u8 both = a->flags & b->flags, any = a->flags | b->flags;

	if (c->state == OR_CONNECTION_CLOSED)
		return OR_CONNECTION_CLOSED;
	if (!(both & OR_TCP_SIDE_SYN) || !(any & OR_TCP_SIDE_ACK))
		return OR_CONNECTION_SYN_SENT;
	if (!(both & OR_TCP_SIDE_ACK))
		return OR_CONNECTION_SYN_RECEIVED;
	if (both & OR_TCP_SIDE_FIN)
		return a_done && b_done ? OR_CONNECTION_TIME_WAIT : OR_CONNECTION_LAST_ACK;
	if (any & OR_TCP_SIDE_FIN)
		return a_done || b_done ? OR_CONNECTION_CLOSE_WAIT : OR_CONNECTION_FIN_WAIT;
	return OR_CONNECTION_ESTABLISHED;
}

/* Data on its way: a connection whose peer is gone is not kept for days. */
static __always_inline bool or_tcp_unacknowledged(const struct or_connection *c)
{
	const struct or_tcp_side *a = &c->sides[OR_GUEST], *b = &c->sides[OR_REMOTE];

	return or_tcp_after(a->end, b->max_ack) || or_tcp_after(b->end, a->max_ack);
}

/* Whether a segment can be of a connection whose beginning nobody saw, and worth taking it up. */
static __always_inline bool or_tcp_is_within(__u8 flags)
{
	return or_tcp_flags_valid(flags) &&
	       (flags & (OR_TCP_SYN | OR_TCP_RST | OR_TCP_ACK)) == OR_TCP_ACK;
}

/* What one segment in its middle says of a connection. How windows are scaled it does not say, so
 * that sequence numbers cannot be held to from here on. */
static __always_inline void or_tcp_take_up(struct or_connection *c, const struct or_frame *f,
					   bool from_guest)
{
	struct or_tcp_side *sender = &c->sides[from_guest ? OR_GUEST : OR_REMOTE];
	struct or_tcp_side *receiver = &c->sides[from_guest ? OR_REMOTE : OR_GUEST];

	sender->end = f->tcp_end;
	sender->max_end = f->tcp_end;
	sender->max_window = or_tcp_max(f->tcp_window, 1);
	sender->max_ack = f->tcp_ack;
	sender->flags = OR_TCP_SIDE_SYN | OR_TCP_SIDE_ACK |
			(f->tcp_flags & OR_TCP_FIN ? OR_TCP_SIDE_FIN : 0);
	receiver->end = f->tcp_ack;
	receiver->max_end = f->tcp_ack + sender->max_window;
	receiver->max_window = 1;
	receiver->max_ack = f->tcp_seq;
	receiver->flags = OR_TCP_SIDE_SYN | OR_TCP_SIDE_ACK;
	c->flags |= OR_CONNECTION_LIBERAL;
	c->state = OR_CONNECTION_ESTABLISHED;
	c->state = or_tcp_state(c);
}

/* What may be under way between two hosts' words of one connection; further apart they are of two
 * that had the same addresses. */
#define OR_TCP_SPAN (1u << 26)

static __always_inline bool or_tcp_is_near(__u32 a, __u32 b)
{
	return a - b + OR_TCP_SPAN < 2 * OR_TCP_SPAN;
}

/* A segment that does not fit what is known of the connection, of which another host has seen more:
 * what it takes for sent was, and it is no more than was allowed. False: it is too far away. */
static __always_inline bool or_tcp_catch_up(struct or_tcp_side *sender,
					    struct or_tcp_side *receiver, const struct or_frame *f)
{
	if (!or_tcp_is_near(f->tcp_end, sender->end) || !or_tcp_is_near(f->tcp_ack, receiver->end))
		return false;
	if (or_tcp_after(f->tcp_ack, receiver->end))
		receiver->end = f->tcp_ack;
	if (or_tcp_after(f->tcp_end, sender->max_end))
		sender->max_end = f->tcp_end;
	return true;
}

/* Holds a segment to the connection, and the connection to the segment. `lenient`: another host has
 * seen more of it. */
static __always_inline enum or_track or_tcp_track(struct or_connection *c, const struct or_frame *f,
						  bool from_guest, bool lenient)
{
	struct or_tcp_side *sender = &c->sides[from_guest ? OR_GUEST : OR_REMOTE];
	struct or_tcp_side *receiver = &c->sides[from_guest ? OR_REMOTE : OR_GUEST];
	bool initiator = from_guest == !!(c->flags & OR_CONNECTION_FROM_GUEST);
	enum or_track result = OR_TRACK_PASS;
	bool fits;

	if (!or_tcp_flags_valid(f->tcp_flags))
		return OR_TRACK_INVALID;
	if (or_tcp_is_syn(f->tcp_flags)) {
		result = or_tcp_syn(c, sender, receiver, f, initiator);
	} else {
		if (!(sender->flags & receiver->flags & OR_TCP_SIDE_SYN))
			result = or_tcp_handshake(c, sender, receiver, f, initiator);
		else if (f->tcp_flags & OR_TCP_RST)
			result = or_tcp_reset(c, sender, receiver, f);
		if (f->tcp_flags & OR_TCP_RST && result != OR_TRACK_PASS &&
		    or_tcp_forgot(c, f, initiator)) {
			c->state = OR_CONNECTION_CLOSED;
			return OR_TRACK_ASIDE;
		}
		if (result == OR_TRACK_INVALID && lenient && or_tcp_is_within(f->tcp_flags)) {
			or_tcp_take_up(c, f, from_guest);
			return OR_TRACK_PASS;
		}
		if (result != OR_TRACK_PASS || f->tcp_flags & OR_TCP_RST)
			return result;
		fits = c->flags & OR_CONNECTION_LIBERAL || or_tcp_in_window(sender, receiver, f);
		/* The SYN comes again, and is the rules' to admit. */
		if (!fits && or_tcp_forgot(c, f, initiator)) {
			c->state = OR_CONNECTION_CLOSED;
			return OR_TRACK_INVALID;
		}
		if (!fits && !(lenient && or_tcp_catch_up(sender, receiver, f)))
			return OR_TRACK_INVALID;
		or_tcp_advance(sender, receiver, f);
	}
	if (result == OR_TRACK_PASS)
		c->state = or_tcp_state(c);
	return result;
}

#endif /* OUTRIDER_BPF_TCP_TRACK_H_ */
