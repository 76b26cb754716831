/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What acl_batch.bpf.c judges: frames as the parser would describe them. Shared by C and C++. */
#ifndef OUTRIDER_TESTS_BPF_ACL_BATCH_H_
#define OUTRIDER_TESTS_BPF_ACL_BATCH_H_

#include "vswitch/abi/or_types.h"

#define ACL_BATCH 4096

#define ACL_CASE_IP (1u << 0)
#define ACL_CASE_PORTS (1u << 1)
#define ACL_CASE_ICMP (1u << 2)
#define ACL_CASE_FRAGMENT (1u << 3)
#define ACL_CASE_LATER (1u << 4)
#define ACL_CASE_HIDDEN (1u << 5)
#define ACL_CASE_ND (1u << 6)
#define ACL_CASE_RA (1u << 7)

#ifdef __cplusplus
namespace outrider::tests {
using abi::or_u16;
using abi::or_u32;
using abi::or_u8;
#endif

struct acl_case {
  or_u8 src[16];
  or_u8 dst[16];
  or_u8 eth_dst[6];
  or_u8 eth_src[6];
  or_u16 ether_type;
  or_u16 src_port;
  or_u16 dst_port;
  or_u16 vlan;
  or_u16 properties; /* ACL_CASE_* */
  or_u8 ether;       /* enum or_ether_match */
  or_u8 protocol;
  or_u8 icmp_type;
  or_u8 icmp_code;
  or_u8 tcp_flags;
  or_u8 extensions;
  or_u32 set;
};

#ifdef __cplusplus
}  // namespace outrider::tests
#endif

#endif /* OUTRIDER_TESTS_BPF_ACL_BATCH_H_ */
