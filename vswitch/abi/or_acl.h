/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Rule sets as the programs read them. Included by eBPF and C++, like or_abi.h.
 *
 * A set is compiled into an image of 64-byte lines, an array map that never changes once it is
 * reachable. The method is that of aggregated bit vectors (Baboescu, Varghese: "Scalable Packet
 * Classification", SIGCOMM 2001):
 *
 *  - Rules are numbered in their order, 64 to a block, at most OR_ACL_BLOCKS blocks.
 *  - A *dimension* is a field of frames that at least one rule of the set looks at. Its values fall
 *    into classes with the same set of rules; a *record* is such a set as a bit vector: a summary
 *    with a bit per block, and the words of those blocks only that are not zero.
 *  - Rules that do not look at a dimension match every value. They are in no record, but in one
 *    dense vector of the dimension; these stand interleaved, a line or two per block.
 *  - A frame's candidate blocks are the AND of its records' summaries (each with that of the dense
 *    vector). Candidates are tried in order: the first bit left in the AND of the words is the
 * first rule that matches.
 *
 * Memory touched per frame, whatever the rules, in 64-byte lines: 3 for a set; per dimension 1 for
 * its description, 2 to find a class in a table or 10 in a tree (7 levels, their places, 2 for the
 * class), 1 for its record; per candidate block 1 or 2 of dense vectors, 1 per dimension, 1 for
 * exempt frames; and a look-up in or_group_rows per candidate block and address of a group, and one
 * per address in or_group_combos. With all OR_ACL_FIELDS in use and every one of the 160 blocks a
 * candidate that is 2550 lines; rules that differ in one field have one candidate in all but a few
 * of their blocks.
 */
#ifndef OUTRIDER_ABI_OR_ACL_H_
#define OUTRIDER_ABI_OR_ACL_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

/* Rules of one set. */
#define OR_MAX_RULES 10240
#define OR_ACL_BLOCKS (OR_MAX_RULES / 64)
/* u64 words of a summary. */
#define OR_ACL_SUMMARY ((OR_ACL_BLOCKS + 63) / 64)
/* Lines of an image: 256 MiB. Sets that come near it have thousands of port ranges that all
 * overlap. */
#define OR_ACL_MAX_LINES (1u << 22)

struct or_acl_line {
  or_u64 words[8]; /* or u32, the lower half of a word first */
};
OR_STATIC_ASSERT(sizeof(struct or_acl_line) == 64, "or_acl_line layout");

enum or_acl_action {
  OR_ACL_DROP = 0,
  OR_ACL_ALLOW = 1,
  OR_ACL_ALLOW_RELATED = 2,
  OR_ACL_REJECT = 3,
  OR_ACL_MISSING = 4, /* no rule's: the set is not loaded */
};

/* Fields of frames. Tables have 16-bit keys, trees 128-bit keys. */
enum or_acl_field {
  OR_ACL_ETHER = 0,    /* ethertype */
  OR_ACL_PROTOCOL = 1, /* IP protocol */
  OR_ACL_SRC_ADDRESS = 2,
  OR_ACL_DST_ADDRESS = 3,
  OR_ACL_SRC_PORT = 4,
  OR_ACL_DST_PORT = 5,
  OR_ACL_ICMP = 6,      /* type << 8 | code */
  OR_ACL_TCP_FLAGS = 7, /* the byte CWR..FIN */
  OR_ACL_SHAPE = 8,     /* OR_ACL_SHAPE_* */
  OR_ACL_VLAN = 9,
  OR_ACL_SRC_MAC = 10,
  OR_ACL_DST_MAC = 11,
  OR_ACL_FIELDS = 12,
};

/* Key of OR_ACL_SHAPE: kind of fragment, extension headers seen, and whether more are hidden. */
#define OR_ACL_SHAPE_FIRST 1u
#define OR_ACL_SHAPE_LATER 2u
#define OR_ACL_SHAPE_EXTENSIONS_SHIFT 2
#define OR_ACL_SHAPE_HIDDEN (1u << 8)
#define OR_ACL_SHAPES 512

/* What a rule decides, in one word. */
#define OR_ACL_DECISION_ACTION 0xffull
#define OR_ACL_DECISION_LOG_SHIFT 8 /* frames per second, 16 bits; 0: no log */
#define OR_ACL_DECISION_NUMBER_SHIFT 32

/* ---- line 0 ---- */
struct or_acl_header {
  or_u32 rules;
  or_u32 dimensions; /* described in OR_ACL_FIRST_DIMENSION and the lines behind it */
  or_u64 default_decision;
  or_u32 any_line;      /* dense vectors of block 0: word i is dimension i's */
  or_u32 any_lines;     /* per block: 1, or 2 with more than 8 dimensions */
  or_u32 exempt_line;   /* dense vector of the rules that may decide on exempt frames */
  or_u32 decision_line; /* u64 per rule */
  or_u32 source_line;   /* struct or_rule per rule, then names of groups */
  or_u32 source_bytes;
  or_u64 exempt_summary[OR_ACL_SUMMARY];
};
OR_STATIC_ASSERT(sizeof(struct or_acl_header) == 64, "or_acl_header layout");

/* ---- line 1 ---- */
#define OR_ACL_NAME_LINE 1
struct or_acl_name {
  or_u8 digest[32];
  or_u8 pad[32];
};
OR_STATIC_ASSERT(sizeof(struct or_acl_name) == 64, "or_acl_name layout");

/* ---- lines 2.. ---- */
#define OR_ACL_FIRST_DIMENSION 2
struct or_acl_dimension {
  or_u8 field;  /* enum or_acl_field */
  or_u8 depth;  /* of a tree, in levels; 0: a table */
  or_u8 groups; /* rules name groups of addresses: their rows are in or_group_rows */
  or_u8 pad0;
  or_u32 index;     /* table: line of 256 u32, the lines of pages of 256 u32, the records' lines;
                     * tree: line of struct or_acl_levels */
  or_u32 classes;   /* tree: line of u32, an interval's record line each */
  or_u32 intervals; /* tree */
  or_u32 absent;    /* record of frames that do not have the field */
  or_u32 hidden;    /* ... that have it, but not in this fragment */
  or_u64 any_summary[OR_ACL_SUMMARY];
  or_u64 pad[2];
};
OR_STATIC_ASSERT(sizeof(struct or_acl_dimension) == 64, "or_acl_dimension layout");

/* A tree: the intervals' first keys in order, 4 to a line (key i: words 2i high, 2i + 1 low), as
 * the last level. Line n of another level has the first keys of lines 5n + 1 to 5n + 4 of the
 * next. What is left of a line is all ones. Level 0 is one line. */
#define OR_ACL_LEVELS 8
#define OR_ACL_FANOUT 5
struct or_acl_levels {
  or_u32 line[OR_ACL_LEVELS];
  or_u32 lines[OR_ACL_LEVELS];
};
OR_STATIC_ASSERT(sizeof(struct or_acl_levels) == 64, "or_acl_levels layout");

/* The first line of a record; words go on in the lines behind it. */
#define OR_ACL_RECORD_HEAD 4
struct or_acl_record {
  or_u64 summary[OR_ACL_SUMMARY];
  or_u8 ranks[8]; /* [i]: words that belong to blocks before 64 * i */
  or_u64 words[8 - OR_ACL_RECORD_HEAD];
};
OR_STATIC_ASSERT(sizeof(struct or_acl_record) == 64, "or_acl_record layout");

enum or_ether_match {
  OR_ETHER_ANY = 0,
  OR_ETHER_IPV4 = 1,
  OR_ETHER_IPV6 = 2,
  OR_ETHER_ARP = 3,
};

/* ---- The rules as they were given: what ReadState returns. No program looks at them. ---- */
#define OR_RULE_SRC_PORT (1u << 0) /* src_port_* are looked at */
#define OR_RULE_DST_PORT (1u << 1)
#define OR_RULE_ICMP_TYPE (1u << 2)
#define OR_RULE_ICMP_CODE (1u << 3)
#define OR_RULE_SRC_PREFIX (1u << 4)
#define OR_RULE_DST_PREFIX (1u << 5)
#define OR_RULE_SRC_MAC (1u << 6)
#define OR_RULE_DST_MAC (1u << 7)
#define OR_RULE_VLAN (1u << 8)

struct or_rule {
  or_u8 src[16]; /* wire order, IPv4-mapped; bits beyond the length are 0 */
  or_u8 dst[16];
  or_u8 src_length; /* 0..128, of the 16-byte form */
  or_u8 dst_length;
  or_u8 ether;    /* enum or_ether_match */
  or_u8 protocol; /* 0: any */
  or_u16 src_port_first;
  or_u16 src_port_last;
  or_u16 dst_port_first;
  or_u16 dst_port_last;
  or_u8 icmp_type;
  or_u8 icmp_code;
  or_u8 action;   /* enum or_acl_action */
  or_u8 fragment; /* state::FragmentMatch */
  or_u8 tcp_flags_mask;
  or_u8 tcp_flags_value;
  or_u8 extensions;
  or_u8 pad;
  or_u16 ether_number;
  or_u16 vlan;
  or_u8 src_mac[6];
  or_u8 dst_mac[6];
  or_u16 src_group; /* place in the names behind the rules, from 1; 0: none */
  or_u16 dst_group;
  or_u32 log_rate;
  or_u32 number;
  or_u32 flags; /* OR_RULE_* */
};
OR_STATIC_ASSERT(sizeof(struct or_rule) == 84, "or_rule layout");

/* "address/<name>" or "port/<name>", NUL-padded. */
#define OR_GROUP_NAME 80

/* ---- or_group_combos: struct or_group_key -> combo (u32), by longest prefix. A combo is a set of
 * groups; that of a prefix holds the groups of all shorter prefixes around it. Writer: agent. ----
 */
#define OR_GROUP_KEY_BITS 32 /* of the family, in front of the address */
struct or_group_key {
  or_u32 length;     /* OR_GROUP_KEY_BITS + 0..128 */
  or_u32 family;     /* 4 or 6: ::/0 is not IPv4's */
  or_u8 address[16]; /* IPv4-mapped for IPv4 */
};
OR_STATIC_ASSERT(sizeof(struct or_group_key) == 24, "or_group_key layout");

/* ---- or_group_rows: struct or_group_row_key -> struct or_group_row: the rules of a set that name
 * one of the combo's groups on that side. None: there is no such rule. Writer: agent. ---- */
struct or_group_row_key {
  or_u32 set;
  or_u32 combo;
  or_u32 destination; /* 0: of source addresses, 1: of destination addresses */
};
struct or_group_row {
  or_u64 summary[OR_ACL_SUMMARY];
  or_u64 words[OR_ACL_BLOCKS]; /* dense */
};

/* ---- or_groups: id (u32, 1..) -> struct or_group. or_group_members: struct or_group_member ->
 * u32, unused. Agent only: what ReadState needs and frames do not. ---- */
struct or_group {
  char name[OR_GROUP_NAME];
};
struct or_group_member {
  or_u32 group;
  struct or_group_key prefix;
};
OR_STATIC_ASSERT(sizeof(struct or_group_member) == 28, "or_group_member layout");

/* ---- or_rule_counts: struct or_rule_count_key -> per-CPU struct or_rule_count: what rules decided
 * on. Created by bpf at the first frame, deleted by the agent with the port or the set. ---- */
struct or_rule_count_key {
  or_u32 port;
  or_u32 set;
  or_u32 number;   /* 0: the default action */
  or_u32 to_guest; /* 1: as egress list */
};
struct or_rule_count {
  or_u64 packets;
  or_u64 bytes;
};

/* ---- or_quotas: struct or_rule_count_key -> struct or_quota: how often a rule was logged in the
 * second at hand; set 0: answers to rejected frames of the port. Created and written by bpf,
 * deleted by the agent with the port or the set. ---- */
struct or_quota {
  or_u32 lock; /* struct bpf_spin_lock in BPF code */
  or_u32 count;
  or_u64 window_ns; /* CLOCK_MONOTONIC of its beginning */
};
OR_STATIC_ASSERT(sizeof(struct or_quota) == 16, "or_quota layout");

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_ACL_H_ */
