// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * An access port of a switch, for kernels without VLAN filtering in bridges: what a station sends
 * gets the tag, and the station gets what has it, without.
 */
/* The helpers need the kernel's types first. */
// clang-format off
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#define ACCESS_VLAN 2000

/* The switch port's ingress: from the station. */
SEC("tc/in")
int access_in(struct __sk_buff* skb) {
  return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), ACCESS_VLAN) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* ... and its egress. */
SEC("tc/out")
int access_out(struct __sk_buff* skb) {
  if (!skb->vlan_present || (skb->vlan_tci & 0xfff) != ACCESS_VLAN) return TC_ACT_SHOT;
  return bpf_skb_vlan_pop(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
