/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Copies of frames for an operator: what the programs write while a capture is under way, and how
 * they know that one is. Part of or_abi.h, whose rules hold.
 */
#ifndef OUTRIDER_ABI_OR_CAPTURE_H_
#define OUTRIDER_ABI_OR_CAPTURE_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

/* ---- or_capture: 0 -> struct or_capture. Writer: agent, which renews it while somebody listens:
 * what an agent that died has left ends by itself. */
struct or_capture {
  or_u64 until_ns; /* CLOCK_MONOTONIC; 0: no capture */
  or_u32 keep;     /* most bytes of a frame, 1..OR_CAPTURE_MAX */
  or_u32 all;      /* 1: of every port; else of those in or_capture_ports */
};
OR_STATIC_ASSERT(sizeof(struct or_capture) == 16, "or_capture layout");

/* ---- or_capture_ports: port index (u32) -> u32 (1). Writer: agent. */
/* ---- or_capture_ring: 0 -> ring buffer of struct or_captured. Made by the agent for a capture. */
/* ---- or_capture_missed: 0 -> u64, records that found no room. Writer: bpf. */

enum or_capture_point {
  OR_CAPTURE_FROM_GUEST = 1,     /* before the pipeline */
  OR_CAPTURE_FROM_GUEST_OUT = 2, /* what it passed on */
  OR_CAPTURE_TO_GUEST = 3,       /* before the port's own checks */
  OR_CAPTURE_TO_GUEST_OUT = 4,   /* as the guest gets it */
  /* No frame: the last one of this CPU was dropped at the port. */
  OR_CAPTURE_DROP = 5,
};

/* Room of a record: powers of two. The largest holds all of a super-packet but its last bytes. */
#define OR_CAPTURE_MAX 65536
#define OR_CAPTURE_SMALL 256
#define OR_CAPTURE_MEDIUM 2048

/* Followed by `kept` bytes of the frame. */
struct or_captured {
  or_u64 boot_ns; /* CLOCK_BOOTTIME */
  or_u64 missed;  /* or_capture_missed by then */
  or_u32 port;    /* port index */
  or_u32 vni;     /* 0: not known yet */
  or_u32 length;  /* of the whole frame, without the tag beside it */
  or_u32 kept;
  or_u32 cpu;
  or_u16 point;    /* enum or_capture_point */
  or_u16 reason;   /* enum or_drop_reason, of OR_CAPTURE_DROP */
  or_u16 tagged;   /* 1: the kernel holds a tag beside the bytes */
  or_u16 tag_type; /* host order */
  or_u16 tag;      /* TCI, host order */
  or_u16 pad;
};
OR_STATIC_ASSERT(sizeof(struct or_captured) == 48, "or_captured layout");

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_CAPTURE_H_ */
