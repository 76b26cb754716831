/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections taken up in their middle. What a port remembered of its connections follows it from
 * host to host; what was lost on the way would be dropped as connection_invalid until both ends
 * gave up. So for a few seconds after the port's arrival (or_adoptions) a TCP segment that belongs
 * to no connection opens one, if the rules would have let its connection begin, from either side.
 * Each is told to the agent. Rules do not count it again: they did when it began.
 */
#ifndef OUTRIDER_BPF_ADOPT_H_
#define OUTRIDER_BPF_ADOPT_H_

#include "vswitch/bpf/conntrack.h"
#include "vswitch/bpf/tcp_track.h"

static __always_inline void or_tell_adoption(const struct or_connection_key *key, bool from_guest)
{
	struct or_adoption_event *event;

	if (or_tracing)
		return;
	event = bpf_ringbuf_reserve(&or_events, sizeof(*event), 0);
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = OR_EVENT_ADOPTION;
	event->port = key->port;
	event->vni = key->vni;
	event->guest_port = key->guest_port;
	event->remote_port = key->remote_port;
	__builtin_memcpy(event->guest, key->guest, 16);
	__builtin_memcpy(event->remote, key->remote, 16);
	event->from_guest = from_guest;
	bpf_ringbuf_submit(event, 0);
}

/* `sides`: bit 0, the guest sends the frame; bit 1, the guest is taken for who began. Whether there
 * was room. */
static __noinline bool or_connection_adopt(const struct or_frame *f,
					   const struct or_connection_key *key,
					   const struct or_port *port, __u32 sides)
{
	struct or_connection c = {.port = key->port};
	bool begun_by_guest = sides & 2;

	or_tcp_take_up(&c, f, sides & 1);
	c.first_flags = OR_TCP_SYN;
	if (begun_by_guest)
		c.flags |= OR_CONNECTION_FROM_GUEST;
	c.admitted_by = or_admission(port, begun_by_guest);
	if (or_connection_insert(key, &c, port, f->protocol))
		return false;
	or_tell_adoption(key, begun_by_guest);
	return true;
}

#endif /* OUTRIDER_BPF_ADOPT_H_ */
