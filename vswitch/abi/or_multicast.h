/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * IP multicast in segments that snoop: who joined, and what the programs hand the agent to learn it
 * from. The rules of or_abi.h, of which this is a part, hold here.
 */
#ifndef OUTRIDER_ABI_OR_MULTICAST_H_
#define OUTRIDER_ABI_OR_MULTICAST_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

#define OR_MAX_MULTICAST_GROUPS (1u << 16)
#define OR_MAX_MULTICAST_MEMBERS (1u << 18)

/* ---- or_multicast_groups: struct or_multicast_group -> u32, how many rows of or_multicast_members
 * it has; none: no row. The address 0 stands for the multicast routers. Written before the group's
 * first member and removed after its last. Writer: agent. */
struct or_multicast_group {
  or_u32 vni;
  or_u8 address[16]; /* IPv4-mapped for IPv4 */
};
OR_STATIC_ASSERT(sizeof(struct or_multicast_group) == 20, "or_multicast_group layout");

/* ---- or_multicast_members: struct or_multicast_member -> u64. A place where copies of the group's
 * frames go: of a VTEP by the controller's word (value 0), of a port by what its guest has said
 * (value: CLOCK_BOOTTIME until which it holds, ns; the agent removes it then). Writer: agent. */
#define OR_MULTICAST_VTEP (1u << 31)

struct or_multicast_member {
  struct or_multicast_group group;
  or_u32 place; /* port index, or OR_MULTICAST_VTEP and VTEP index */
};
OR_STATIC_ASSERT(sizeof(struct or_multicast_member) == 24, "or_multicast_member layout");

/* Whom copies of a frame are for. */
enum or_multicast_scope {
  OR_SCOPE_ALL = 0,
  OR_SCOPE_MEMBERS = 1, /* and routers */
  OR_SCOPE_ROUTERS = 2,
};

/* A report, leave or query of a guest's, for the agent to read: the packet from its IP header on,
 * as much as fits. In or_events. */
#define OR_MULTICAST_DATA 1504

struct or_multicast_event {
  or_u32 kind; /* OR_EVENT_MULTICAST */
  or_u32 port; /* port index */
  or_u32 vni;
  or_u32 length; /* bytes of `data` */
  or_u8 data[OR_MULTICAST_DATA];
};
OR_STATIC_ASSERT(sizeof(struct or_multicast_event) == 1520, "or_multicast_event layout");

/* or_quotas: struct or_rule_count_key {port, 0, OR_QUOTA_MULTICAST, 0} limits these events. */
#define OR_QUOTA_MULTICAST 1

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_MULTICAST_H_ */
