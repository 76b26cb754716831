/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections of stateful ports: keys and values of their maps. Part of or_abi.h, whose rules hold.
 */
#ifndef OUTRIDER_ABI_OR_CONNECTION_H_
#define OUTRIDER_ABI_OR_CONNECTION_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

/* ---- or_connections: struct or_connection_key -> struct or_connection. Created by bpf, deleted by
 * bpf: also at the agent's word, by or_sweep_connections. One entry for both directions. */
struct or_connection_key {
  or_u32 port; /* port index */
  or_u32 vni;
  or_u8 guest[16]; /* at the port's side, IPv4-mapped for IPv4 */
  or_u8 remote[16];
  or_u16 guest_port; /* host order; of ICMP echo the id at the side that asks, 0 at the other */
  or_u16 remote_port;
  or_u8 protocol;
  or_u8 pad[3]; /* 0 */
};
OR_STATIC_ASSERT(sizeof(struct or_connection_key) == 48, "or_connection_key layout");

enum or_connection_state {
  OR_CONNECTION_NEW = 1,     /* not TCP: only one side was heard */
  OR_CONNECTION_REPLIED = 2, /* not TCP: both were */
  OR_CONNECTION_SYN_SENT = 3,
  OR_CONNECTION_SYN_RECEIVED = 4,
  OR_CONNECTION_ESTABLISHED = 5,
  OR_CONNECTION_FIN_WAIT = 6,   /* a FIN was seen */
  OR_CONNECTION_CLOSE_WAIT = 7, /* and acknowledged */
  OR_CONNECTION_LAST_ACK = 8,   /* both FINs were seen */
  OR_CONNECTION_TIME_WAIT = 9,  /* and acknowledged */
  OR_CONNECTION_CLOSED = 10,    /* RST */
};

#define OR_CONNECTION_FROM_GUEST (1u << 0) /* begun by the guest: its ingress list admitted it */
#define OR_CONNECTION_LIBERAL (1u << 1) /* TCP in fragments: sequence numbers cannot be held to */
#define OR_CONNECTION_ASIDE (1u << 2)   /* TCP: aside_end is set */
/* As the port's former host knew it, and no frame has met it here: what that host says later takes
 * its place. Otherwise the two are put together. */
#define OR_CONNECTION_IMPORTED (1u << 3)
/* It has followed its port from another host. What that host saw last may not have come yet, or
 * never does: for a while segments are not held to windows (or_adoptions). */
#define OR_CONNECTION_FOLLOWED (1u << 4)

/* What admitted a connection of a port with OR_PORT_NAMES_GROUPS is the list's content plus so much
 * for each change of members, which hosts count for themselves. 2^64 over the golden ratio:
 * revisions near each other make contents that are not. */
#define OR_REVISION_STEP 0x9e3779b97f4a7c15ull

#define OR_TCP_SIDE_SYN (1u << 0)   /* it has sent its SYN */
#define OR_TCP_SIDE_ACK (1u << 1)   /* it has acknowledged the other's: max_ack is set */
#define OR_TCP_SIDE_FIN (1u << 2)   /* it has sent its FIN, `end` is behind it */
#define OR_TCP_SIDE_SCALE (1u << 3) /* its SYN had a window scale */

/* What one side has sent (van Rooij, Real Stateful TCP Packet Filtering in IP Filter, 2001). */
struct or_tcp_side {
  or_u32 end;        /* behind the last byte it sent */
  or_u32 max_end;    /* behind the last byte the other allows it */
  or_u32 max_window; /* largest it offered, scaled */
  or_u32 max_ack;    /* highest it acknowledged; before it has any, the byte behind its own SYN */
  or_u8 flags;       /* OR_TCP_SIDE_* */
  or_u8 scale;
  or_u16 pad;
};

struct or_connection {
  OR_LOCK lock;
  or_u32 port;        /* as in the key: memory of a deleted element may be another's at once */
  or_u64 expires_ns;  /* CLOCK_MONOTONIC */
  or_u64 admitted_by; /* or_admission() of the list that decided */
  or_u8 state;        /* enum or_connection_state */
  or_u8 flags;        /* OR_CONNECTION_* */
  or_u8 first_flags;  /* TCP flags of the first packet */
  or_u8 pad;
  union {
    or_u32 aside_end; /* TCP: behind the SYN, over a connection that is known, which passed last */
    or_u32 replied_s; /* not TCP: second (CLOCK_MONOTONIC) of the first answer */
  };
  struct or_tcp_side sides[2]; /* OR_GUEST, OR_REMOTE */
};
OR_STATIC_ASSERT(sizeof(struct or_connection) == 72, "or_connection layout");
#define OR_GUEST 0
#define OR_REMOTE 1

/* ---- or_connection_counts: port index (u32) -> u32, entries of the port in or_connections.
 * Created by the agent for a stateful port, deleted with the port; counted by bpf. Without it a
 * port gets no connection. */

/* ---- or_fragments: port index (u32) -> struct or_fragments. Datagrams whose first fragment
 * passed: the later ones, which have no ports, pass by it. Rows as or_connection_counts. */
#define OR_FRAGMENT_SLOTS 32
struct or_datagram {
  or_u8 src[16];
  or_u8 dst[16];
  or_u32 vni;
  or_u32 id;        /* identification of IPv4 or IPv6 */
  or_u32 protocol;  /* of IPv6 0: the first fragment alone may know it */
  or_u32 expires_s; /* CLOCK_MONOTONIC, seconds; 0: empty */
};
struct or_fragments {
  OR_LOCK lock;
  or_u32 pad;
  struct or_datagram slots[2 * OR_FRAGMENT_SLOTS]; /* from the guest, then to it */
};
OR_STATIC_ASSERT(sizeof(struct or_fragments) == 8 + 2 * 48 * OR_FRAGMENT_SLOTS, "or_fragments");

/* What or_import_connections takes for the port index in skb->mark: skb->cb[0] of these, behind an
 * Ethernet header. The ports in them and the lock are not looked at; times are this host's. */
struct or_connection_row {
  struct or_connection_key key;
  struct or_connection entry;
};
OR_STATIC_ASSERT(sizeof(struct or_connection_row) == 120, "or_connection_row layout");
#define OR_IMPORT_ROWS 24
#define OR_IMPORT_OFFSET 14
/* In skb->cb[0], too: the rows, of which only the keys count, are of connections that have ended at
 * the former host. Those that no frame has met here go. */
#define OR_IMPORT_ENDED (1u << 31)
/* Its verdict: how many it took, or found to be here in a newer form, or removed; how many the
 * port's share, and how many the host's table had no room for. */
#define OR_IMPORT_TAKEN(verdict) ((verdict)&0xff)
#define OR_IMPORT_SHARE_FULL(verdict) ((verdict) >> 8 & 0xff)
#define OR_IMPORT_TABLE_FULL(verdict) ((verdict) >> 16 & 0xff)

/* ---- or_adoptions: port index (u32) -> struct or_adoption: for so long a TCP packet in the middle
 * of a stream may open a connection, if the rules would have let that begin: the port has just come
 * here, and the entry may have been lost on the way. Elements: agent; begun_ns: the agent when it
 * knows, else bpf at the first such packet. Deleted with the port. ---- */
struct or_adoption {
  or_u64 duration_ns;
  or_u64 begun_ns; /* CLOCK_MONOTONIC; 0: not yet */
};

/* Told of each (or_events). Kinds from here on are not in enum or_event_kind. */
#define OR_EVENT_ADOPTION 16u
struct or_adoption_event {
  or_u32 kind; /* OR_EVENT_ADOPTION */
  or_u32 port; /* port index */
  or_u32 vni;
  or_u16 guest_port;
  or_u16 remote_port;
  or_u8 guest[16];
  or_u8 remote[16];
  or_u8 from_guest; /* 1: its ingress list admits it, as the one that began */
  or_u8 pad[3];
};
OR_STATIC_ASSERT(sizeof(struct or_adoption_event) == 52, "or_adoption_event layout");

/* What or_sweep_connections removes, in skb->cb[0]; the port index of OR_SWEEP_PORT in skb->mark.
 * Its verdict is the number of entries removed. */
enum or_sweep_what {
  OR_SWEEP_OVER = 0, /* expired, or of a port without a row in or_connection_counts */
  OR_SWEEP_PORT = 1,
  OR_SWEEP_ALL = 2,
};

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_CONNECTION_H_ */
