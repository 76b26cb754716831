/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A port on its way to another host: what the programs remember of the frames they delivered to
 * it, and where its frames go. datapath/move_path.h has the words for people.
 *
 * On the wire, a frame that is sent after a guest bears a mark: VXLAN-GBP
 * (draft-smith-vxlan-group-policy) with the A bit and the migration's label as group policy id. It
 * is for the port that awaits that label from that outer source (or_arrivals), and for no other;
 * the arrival takes the place of membership, for the source need have no other port in the segment
 * any more. It never goes on to a third host.
 *
 * Whose decision: rules, limits and counters of the way to the guest are the source's for as long
 * as frames pass there. The destination asks its own rules all the same, so that a connection that
 * begins in between is known to it, and does as the source decided; its limits are not asked.
 *
 * What the source refuses for its connections' sake may be of a connection that the guest has begun
 * or gone on with where it runs now, which the source cannot know. From the pause on it is sent
 * after the guest, too, without the A bit, and the destination decides as of any frame. Before the
 * pause is heard of it is not delivered here, but recorded aside, for the case that the guest is
 * gone already.
 *
 * Counters: a frame counts as sent to the guest where it is handed to a device: delivered ones at
 * the source, redirected ones at the destination. Those that are delivered and then replayed bear
 * the D bit, too, and are not counted again.
 */
#ifndef OUTRIDER_ABI_OR_MOVE_H_
#define OUTRIDER_ABI_OR_MOVE_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

/* Of a VXLAN header with group policy, as bpf_skb_set_tunnel_opt() takes it (struct
 * vxlan_metadata). */
#define OR_GBP_APPLIED (1u << 19)
#define OR_GBP_COUNTED (1u << 22)
#define OR_GBP_LABEL 0xffffu

/* ---- or_departures: port index (u32) -> struct or_departure. An array. Writer: agent. ---- */
struct or_departure {
  or_u32 vtep;  /* VTEP index; 0: none */
  or_u32 label; /* 1..65535 */
};
OR_STATIC_ASSERT(sizeof(struct or_departure) == 8, "or_departure layout");

/* ---- or_departure_info: port index (u32) -> struct or_departure_info. Agent only. ---- */
struct or_departure_info {
  char migration[64]; /* NUL-padded */
  or_u8 vtep[16];     /* as in or_vtep; all zero: none */
  or_u64 epoch;
  or_u32 label;
  or_u32 pad;
};
OR_STATIC_ASSERT(sizeof(struct or_departure_info) == 96, "or_departure_info layout");

/* ---- or_arrivals: struct or_arrival_key -> port index (u32). Writer: agent. ---- */
struct or_arrival_key {
  or_u8 address[16]; /* outer source, as in or_vtep */
  or_u32 label;
};
OR_STATIC_ASSERT(sizeof(struct or_arrival_key) == 20, "or_arrival_key layout");

/* ---- or_moves: port index (u32) -> struct or_move. An array. Writer: bpf, under the lock; the
 * agent by commands. The lock is what gives order: under it a frame gets its number and is told its
 * way. ---- */
enum or_move_mode {
  OR_MOVE_NONE = 0,
  OR_MOVE_WATCHED = 1,  /* recorded and delivered */
  OR_MOVE_QUEUED = 2,   /* recorded, while the agent sends what stands before */
  OR_MOVE_STRAIGHT = 3, /* recorded and redirected */
  /* Recorded, until the agent has given the guest what stands before: it runs on here. */
  OR_MOVE_RETURNING = 4,
};

/* How long frames wait for an agent when a frame of the guest took the port back, nanoseconds:
 * longer than one is busy. What was to come before them then comes behind. */
#define OR_RETURN_NS 250000000ull
/* How many do: no more than a device's queue takes at once, and a record keeps. */
#define OR_RETURN_FRAMES 512u

struct or_move {
  or_u32 lock;
  or_u32 mode; /* enum or_move_mode */
  /* Number of the next frame, and the place of its record, counted in slots from the beginning. */
  or_u64 next;
  or_u64 place;
  or_u64 sent; /* in QUEUED: the number of the frame the agent sends next */
  /* Frames with these numbers were not delivered here. */
  or_u64 redirected_from;
  or_u64 redirected_to; /* when the port was taken back */
  or_u64 returned_ns;   /* CLOCK_BOOTTIME of the guest's frame that took it back; 0: none */
  or_u32 told;          /* 1: the agent has its event */
  or_u32 aside;         /* slots of frames with OR_RECORDED_ASIDE */
  or_u64 until_ns;      /* in RETURNING: then frames wait for the agent no longer; CLOCK_BOOTTIME */
};
OR_STATIC_ASSERT(sizeof(struct or_move) == 72, "or_move layout");

/* ---- or_records: port index (u32) -> array of struct or_record_slot, made by the agent for as
 * long as there is a departure. Contents: bpf. The newest frames stay. A frame is in as many slots
 * as it needs; the first one's `frame` is written last. ---- */
#define OR_RECORD_SLOTS 8192u /* a power of two */
#define OR_RECORD_BYTES 512u  /* likewise */
/* The largest super-packet there is room for, more than IP's own limit. */
#define OR_RECORD_MAX_PARTS 130u

#define OR_RECORDED_TAGGED (1u << 0)   /* tag_type and tag belong behind the MACs */
#define OR_RECORDED_LOST (1u << 1)     /* there was no room for its bytes */
#define OR_RECORDED_FRAGMENT (1u << 2) /* no checksum of layer 4 can be told */
#define OR_RECORDED_REFUSED (1u << 3)  /* the destination decides */
/* Likewise, of a port that is WATCHED. It has no number of its own but that of the frame behind. */
#define OR_RECORDED_ASIDE (1u << 4)
/* Such frames get a part of a record (1 / OR_ASIDE_SHARE) and so many slots: whoever sends what the
 * port refuses shall not have the rest overwritten. */
#define OR_ASIDE_SHARE 8u
#define OR_ASIDE_SLOTS 512u

struct or_record_head {
  or_u64 frame; /* place of the frame's first slot, plus 1 */
  or_u64 sequence;
  or_u64 boot_ns; /* CLOCK_BOOTTIME */
  or_u32 length;  /* bytes, without the tag */
  or_u32 vni;
  or_u16 gso_size; /* of a super-packet, else 0 */
  or_u16 tag_type; /* host order */
  or_u16 tag;      /* priority and VLAN */
  or_u16 l4_offset;
  or_u16 ether_type; /* host order */
  or_u8 protocol;
  or_u8 flags;  /* OR_RECORDED_* */
  or_u32 parts; /* slots */
};
OR_STATIC_ASSERT(sizeof(struct or_record_head) == 48, "or_record_head layout");

struct or_record_slot {
  struct or_record_head head; /* but in the first slot of a frame, only `frame` counts */
  or_u8 bytes[OR_RECORD_BYTES];
};
OR_STATIC_ASSERT(sizeof(struct or_record_slot) == 560, "or_record_slot layout");

/* ---- or_move_counts: port index (u32) -> per-CPU struct or_move_counts. An array. Writer: bpf;
 * the agent sets all to 0 when a departure or an arrival begins. A super-packet is one frame. ----
 */
struct or_move_counts {
  or_u64 replayed;
  or_u64 redirected;
  or_u64 lost;
  or_u64 arrived;
  or_u64 refused;
};

/* or_move_port is run by the agent: skb->mark is the command, cb[0] the port index, cb[1] and cb[2]
 * the argument's low and high half. The verdict is 1 when that changed something. */
enum or_move_command {
  OR_MOVE_WATCH = 1,       /* begins anew, numbers start at 0 */
  OR_MOVE_END = 2,         /* no departure any more */
  OR_MOVE_REDIRECT = 3,    /* WATCHED to QUEUED; the first frame to send */
  OR_MOVE_SENT = 4,        /* QUEUED; all before this number are sent */
  OR_MOVE_CAUGHT_UP = 5,   /* QUEUED to STRAIGHT, if this number is the next */
  OR_MOVE_GO_STRAIGHT = 6, /* to STRAIGHT, whatever is recorded */
  OR_MOVE_TAKE_BACK = 7,   /* to RETURNING, if it was redirected; until when */
  OR_MOVE_SETTLED = 8,     /* what was not delivered here has been, or never will; to WATCHED */
  OR_MOVE_HEARD = 9,       /* the agent knows of the guest's return */
  OR_MOVE_LOST = 10,       /* so many frames more */
  OR_MOVE_REPLAYED = 11,   /* likewise */
  OR_MOVE_GIVEN = 12,      /* RETURNING to WATCHED, if this number is the next */
};

/* Ethertype (IEEE 802, local experimental 1) of the frame that goes before all that is sent after a
 * guest. A QEMU that waits for its guest's memory reads one frame from the device, and throws it
 * away if the state of the network card comes later: it shall be this one. Where it is not thrown
 * away the guest's stack does, which knows no such protocol. Not counted. */
#define OR_ETHERTYPE_LEAD 0x88b5

/* skb->mark of a recorded frame that the agent sends through the tunnel device, with the port's
 * index in the lower half; skb->priority has the VNI, and OR_PRIORITY_*. */
#define OR_MARK_MOVE 0x4f530000u
#define OR_PRIORITY_COUNTED (1u << 31)
#define OR_PRIORITY_REFUSED (1u << 30) /* the destination decides */
#define OR_PRIORITY_VNI 0xffffffu

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_MOVE_H_ */
