/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the qos and security sections of a profile are in the maps: rows that struct or_port names
 * by id. The rules of or_abi.h, of which this is a part, hold here.
 */
#ifndef OUTRIDER_ABI_OR_POLICY_H_
#define OUTRIDER_ABI_OR_POLICY_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

/* Lists that replaced ones have not left yet count, too. */
#define OR_MAX_LIMITS (2 * OR_MAX_PORTS)
#define OR_MAX_ALLOWED (1u << 18)
#define OR_MAX_SOURCE_MACS (1u << 20)

/* ---- or_port.policy ---- */
/* The source address must be one of the list `allowed`, in ARP and neighbour discovery, too. */
#define OR_POLICY_IP_ANTI_SPOOF (1u << 0)
/* Frames that only a DHCP or DHCPv6 server sends are dropped. */
#define OR_POLICY_DHCP_GUARD (1u << 1)
/* Router advertisements of the guest are dropped. */
#define OR_POLICY_RA_GUARD (1u << 2)
/* The guest's packets get `dscp`; else they keep theirs. */
#define OR_POLICY_MARK (1u << 3)
/* The tunnel's header gets `outer_dscp`; else the guest's. */
#define OR_POLICY_PIPE (1u << 4)

/* ---- or_limits: id (u32, 1..) -> struct or_limits. Immutable: other content is another id. Shared
 * by the ports that have the same limits. Writer: agent. */
enum or_limit_kind {
  OR_LIMIT_INGRESS = 0, /* all the guest sends */
  OR_LIMIT_EGRESS = 1,  /* all the guest gets */
  OR_LIMIT_BROADCAST = 2,
  OR_LIMIT_MULTICAST = 3,
  OR_LIMIT_UNKNOWN_UNICAST = 4,
  OR_LIMIT_KINDS = 5,
};

struct or_limit {
  or_u64 rate_kbps; /* 0: no limit of bits */
  or_u64 burst_kb;  /* kilobits */
  or_u64 rate_pps;  /* 0: no limit of frames */
  or_u64 burst_packets;
};

/* Units and bounds of what is policed: rates above 137 Gbit/s and buckets above 8.6 GB are policed
 * as these. Two full buckets in the unit of or_bucket.tokens then fit 64 bits. */
#define OR_BYTES_PER_KB 125
#define OR_MAX_RATE (1ull << 34)
#define OR_MAX_BURST (1ull << 33)

struct or_limits {
  struct or_limit of[OR_LIMIT_KINDS];
};
OR_STATIC_ASSERT(sizeof(struct or_limits) == 160, "or_limits layout");

/* ---- or_policers: OR_POLICER(port index, enum or_limit_kind) -> struct or_policer. Emptied by the
 * agent, then written by bpf only. What fills buckets up is protected by the lock word (struct
 * bpf_spin_lock in BPF code); what is taken is taken atomically. */
#define OR_POLICERS_PER_PORT 8u
#define OR_POLICER(port, kind) ((port)*OR_POLICERS_PER_PORT + (kind))
OR_STATIC_ASSERT(OR_LIMIT_KINDS <= OR_POLICERS_PER_PORT, "or_policers index");

struct or_bucket {
  or_u64 tokens;  /* bytes, or frames, times nanoseconds per second; for a moment below 0 */
  or_u64 last_ns; /* CLOCK_MONOTONIC of the last refill; 0: start full */
};

struct or_policer {
  or_u32 lock;
  or_u32 pad;
  struct or_bucket bytes;
  struct or_bucket packets;
};
OR_STATIC_ASSERT(sizeof(struct or_policer) == 40, "or_policer layout");

/* ---- or_allowed_rows: struct or_allowed_slot -> struct or_allowed_row. The lists of MACs and
 * addresses guests may use, in order, as they were given. A list is written before a port names it,
 * never changed, and removed after no port names it. Writer and reader: agent; the programs read
 * what follows from it: */
struct or_allowed_slot {
  or_u32 list; /* 1.. */
  or_u32 slot;
};

#define OR_ALLOWED_MAC 0    /* begins the addresses of `mac` */
#define OR_ALLOWED_PREFIX 1 /* one of them */

struct or_allowed_row {
  or_u8 mac[6];
  or_u8 kind;   /* OR_ALLOWED_* */
  or_u8 length; /* 0..128, of the 16-byte form */
  or_u8 address[16];
};
OR_STATIC_ASSERT(sizeof(struct or_allowed_row) == 24, "or_allowed_row layout");

/* ---- or_allowed_macs: struct or_allowed_mac -> u32 (1). MACs of a list. ---- */
struct or_allowed_mac {
  or_u32 list;
  or_u8 mac[6];
  or_u16 pad; /* 0 */
};
OR_STATIC_ASSERT(sizeof(struct or_allowed_mac) == 12, "or_allowed_mac layout");

/* ---- or_allowed: longest-prefix match, struct or_allowed_key -> u32 (1). Addresses of a list's
 * MACs; whatever matches may be used. */
struct or_allowed_key {
  or_u32 prefix_length; /* bits of what follows: OR_ALLOWED_FIXED_BITS and those of the address */
  or_u32 list;
  or_u8 mac[6];
  or_u16 family; /* 4 or 6: ::/0 is not IPv4's */
  or_u8 address[16];
};
#define OR_ALLOWED_FIXED_BITS 96
OR_STATIC_ASSERT(sizeof(struct or_allowed_key) == 32, "or_allowed_key layout");

/* ---- or_mac_windows: port index (u32) -> struct or_mac_window, of ports with max_macs, or that
 * learn. Created
 * and deleted by the agent, then written by bpf only. Protected by the lock word. */
#define OR_MAC_WINDOW_NS 300000000000ull

struct or_mac_window {
  or_u32 lock;
  or_u32 count;    /* different MACs in this window */
  or_u64 start_ns; /* CLOCK_MONOTONIC; 0: none has begun */
};
OR_STATIC_ASSERT(sizeof(struct or_mac_window) == 16, "or_mac_window layout");

/* ---- or_source_macs: struct or_source_mac -> start (u64) of the window that counted it. Written
 * by bpf, deleted by the agent after the window's end. */
struct or_source_mac {
  or_u32 port; /* port index */
  or_u8 mac[6];
  or_u16 pad; /* 0 */
};
OR_STATIC_ASSERT(sizeof(struct or_source_mac) == 12, "or_source_mac layout");

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_POLICY_H_ */
