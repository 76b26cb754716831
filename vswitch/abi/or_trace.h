/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the programs say of one frame when they are loaded with or_tracing set, and the agent runs
 * them on a frame of its own. Such programs are attached nowhere, look at the datapath's maps and
 * change none of them. Maps and programs live with the agent's process: a change here needs no
 * other OR_ABI_VERSION.
 */
#ifndef OUTRIDER_ABI_OR_TRACE_H_
#define OUTRIDER_ABI_OR_TRACE_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

/* Steps of one frame: a broadcast has some for each copy. What is more is counted, not kept. */
#define OR_MAX_TRACE_STEPS 8192

/* X(CODE, number, name). What `a`, `b` and `c` of the step are stands above; `port` is the index of
 * the port in question, 0: none. */
#define OR_TRACE_STAGES(X)                                                      \
  /* the device's port: phase */                                                \
  X(PORT, 1, "port")                                                            \
  /* sent by a member: VTEP index, VNI */                                       \
  X(TUNNEL, 2, "tunnel")                                                        \
  /* headers, in struct or_trace_frame: VLAN, customer's VLAN, VNI (0: none) */ \
  X(PARSE, 3, "parse")                                                          \
  /* passed: policy and flags of the port, max_macs */                          \
  X(SECURITY, 4, "security")                                                    \
  /* enum or_trace_connection, enum or_connection_state */                      \
  X(CONNECTION, 5, "conntrack")                                                 \
  /* rule set, decision (or_acl.h), place of the rule and OR_TRACE_* */         \
  X(ACL, 6, "acl")                                                              \
  /* kind and result << 8, bytes left, frames left */                           \
  X(LIMIT, 7, "limit")                                                          \
  /* TOS of the packet, of the tunnel's header, priority */                     \
  X(MARK, 8, "mark")                                                            \
  /* VNI, kind (0: unknown), index */                                           \
  X(FDB, 9, "fdb")                                                              \
  /* answered in the name of a MAC */                                           \
  X(ANSWER, 10, "answer")                                                       \
  /* list, local copies, remote copies and enum or_multicast_scope */           \
  X(REPLICATE, 11, "replicate")                                                 \
  /* towards the port: VNI */                                                   \
  X(DELIVER, 12, "deliver")                                                     \
  /* into the port's device: ifindex, VLAN of the tag */                        \
  X(OUTPUT, 13, "output")                                                       \
  /* VTEP index, VNI, TOS */                                                    \
  X(ENCAP, 14, "encap")                                                         \
  /* a rejected frame: 1: its sender is answered; IP protocol */                \
  X(REJECT, 15, "reject")                                                       \
  /* the agent would hear of it: phase */                                       \
  X(FIRST_FRAME, 16, "first-frame")                                             \
  /* enum or_drop_reason */                                                     \
  X(DROP, 17, "drop")                                                           \
  /* out of the segment's uplink: ifindex, VLAN of the tag */                   \
  X(UPLINK, 18, "uplink")                                                       \
  /* learned in a local segment: VNI, port index */                             \
  X(STATION, 19, "station")

enum or_trace_stage {
#define OR_TRACE_ENUM(code, number, name) OR_TRACE_##code = number,
  OR_TRACE_STAGES(OR_TRACE_ENUM)
#undef OR_TRACE_ENUM
};

/* What the table of connections says, or would do. */
enum or_trace_connection {
  OR_TRACE_FLOW_UNKNOWN = 1, /* rules decide */
  OR_TRACE_FLOW_PASS = 2,
  OR_TRACE_FLOW_INVALID = 3,
  OR_TRACE_FLOW_STALE = 4,    /* another rule set has admitted it: rules decide again */
  OR_TRACE_FLOW_OVER = 5,     /* would be forgotten */
  OR_TRACE_FLOW_OPEN = 6,     /* would begin */
  OR_TRACE_FLOW_FULL = 7,     /* the port has as many as it may */
  OR_TRACE_FLOW_RENEW = 8,    /* stale, and would be admitted again */
  OR_TRACE_FLOW_RELATED = 9,  /* an ICMP error about one */
  OR_TRACE_FLOW_FRAGMENT = 10 /* of a datagram whose first fragment passed */
};

/* Beside the rule's place, in `c` of OR_TRACE_ACL. */
#define OR_TRACE_TO_GUEST (1u << 31)
#define OR_TRACE_UNDECIDED (1u << 30) /* what no rule is asked about, or no image */

/* Above the remote copies, in `c` of OR_TRACE_REPLICATE. */
#define OR_TRACE_SCOPE_SHIFT 32

#define OR_TRACE_NO_LIMIT (~0ull)

struct or_trace_step {
  or_u32 stage; /* enum or_trace_stage */
  or_u32 port;  /* port index */
  or_u64 a;
  or_u64 b;
  or_u64 c;
};
OR_STATIC_ASSERT(sizeof(struct or_trace_step) == 32, "or_trace_step layout");

#define OR_TRACE_FRAME_IP (1u << 0)
#define OR_TRACE_FRAME_ARP (1u << 1) /* src and dst are the protocol addresses */
#define OR_TRACE_FRAME_PORTS (1u << 2)
#define OR_TRACE_FRAME_ICMP (1u << 3)
#define OR_TRACE_FRAME_FRAGMENT (1u << 4)
#define OR_TRACE_FRAME_LATER (1u << 5) /* not the first fragment */

/* What the parser saw. */
struct or_trace_frame {
  or_u8 src[16]; /* IPv4-mapped */
  or_u8 dst[16];
  or_u8 eth_dst[6];
  or_u8 eth_src[6];
  or_u16 ether_type; /* host order */
  or_u16 src_port;
  or_u16 dst_port;
  or_u8 protocol;
  or_u8 icmp_type;
  or_u8 icmp_code;
  or_u8 tcp_flags;
  or_u8 tos;
  or_u8 known; /* OR_TRACE_FRAME_* */
  or_u32 wire_bytes;
  or_u32 wire_packets;
  or_u32 l3_length;
  or_u32 parsed; /* 1: the rest is set */
};
OR_STATIC_ASSERT(sizeof(struct or_trace_frame) == 72, "or_trace_frame layout");

/* ---- or_trace_scratch: 0 -> struct or_trace. The agent writes it before a run and reads it after.
 */
struct or_trace {
  /* Where a frame of the overlay comes from, for no test run has tunnel metadata. VNI 0: nowhere.
   */
  or_u8 from_vtep[16];
  or_u32 from_vni;
  or_u32 steps;   /* said so far, also those that found no room */
  or_u32 renewed; /* index of the port whose connection would have been admitted again; 0: none */
  or_u32 pad;
  struct or_trace_frame frame;
};
OR_STATIC_ASSERT(sizeof(struct or_trace) == 104, "or_trace layout");

/* ---- or_trace_step_scratch: number of the step (u32) -> struct or_trace_step. ---- */

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_TRACE_H_ */
