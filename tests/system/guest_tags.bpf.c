// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * VLAN devices of a guest, for kernels without them: what its stack sends gets a tag or two, and it
 * gets what has just these, without.
 */
/* The helpers need the kernel's types first. */
// clang-format off
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#define TRUNK_VLAN 2000
#define CUSTOMER_VLAN 30

static __always_inline bool push(struct __sk_buff* skb, __u16 vlan) {
  return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan) == 0;
}

static __always_inline bool pop(struct __sk_buff* skb, __u16 vlan) {
  return skb->vlan_present && (skb->vlan_tci & 0xfff) == vlan && bpf_skb_vlan_pop(skb) == 0;
}

/* Egress of the guest's device. */
SEC("tc/trunk_out")
int trunk_out(struct __sk_buff* skb) { return push(skb, TRUNK_VLAN) ? TC_ACT_OK : TC_ACT_SHOT; }

SEC("tc/stacked_out")
int stacked_out(struct __sk_buff* skb) {
  return push(skb, CUSTOMER_VLAN) && push(skb, TRUNK_VLAN) ? TC_ACT_OK : TC_ACT_SHOT;
}

/* ... and its ingress. */
SEC("tc/trunk_in")
int trunk_in(struct __sk_buff* skb) {
  return pop(skb, TRUNK_VLAN) && !skb->vlan_present ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("tc/stacked_in")
int stacked_in(struct __sk_buff* skb) {
  return pop(skb, TRUNK_VLAN) && pop(skb, CUSTOMER_VLAN) && !skb->vlan_present ? TC_ACT_OK
                                                                               : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
