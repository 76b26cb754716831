// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Runs the datapath's or_acl_classify() over an array of frames: a million verdicts in the time
 * that a thousand runs of a program take. */
#include "tests/bpf/acl_batch.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "vswitch/bpf/acl.h"
/* The agent takes stock of all maps of its own. */
#include "vswitch/bpf/move_maps.h"

/* place -> struct acl_case. Writer: test. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, ACL_BATCH);
  __type(key, __u32);
  __type(value, struct acl_case);
} acl_cases SEC(".maps");

/* place -> verdict. Writer: bpf. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, ACL_BATCH);
  __type(key, __u32);
  __type(value, __u32);
} acl_verdicts SEC(".maps");

static __always_inline void to_frame(const struct acl_case* c, struct or_frame* f) {
  __u32 p = c->properties;

  __builtin_memcpy(f->src, c->src, 16);
  __builtin_memcpy(f->dst, c->dst, 16);
  __builtin_memcpy(f->eth_dst, c->eth_dst, 6);
  __builtin_memcpy(f->eth_src, c->eth_src, 6);
  f->ether_type = c->ether_type;
  f->src_port = c->src_port;
  f->dst_port = c->dst_port;
  f->vlan = c->vlan;
  f->ether = c->ether;
  f->protocol = c->protocol;
  f->icmp_type = c->icmp_type;
  f->icmp_code = c->icmp_code;
  f->tcp_flags = c->tcp_flags;
  f->extensions = c->extensions;
  f->flags =
      (p & ACL_CASE_IP ? OR_FRAME_IP : 0) | (p & ACL_CASE_PORTS ? OR_FRAME_PORTS : 0) |
      (p & ACL_CASE_ICMP ? OR_FRAME_ICMP : 0) | (p & ACL_CASE_FRAGMENT ? OR_FRAME_FRAGMENT : 0) |
      (p & ACL_CASE_LATER ? OR_FRAME_NO_LAYER4 : 0) | (p & ACL_CASE_HIDDEN ? OR_FRAME_HIDDEN : 0) |
      (p & ACL_CASE_ND ? OR_FRAME_ND : 0) | (p & ACL_CASE_RA ? OR_FRAME_RA : 0);
}

static long judge(__u32 i, void* context) {
  const struct acl_case* c = bpf_map_lookup_elem(&acl_cases, &i);
  __u32* verdict = bpf_map_lookup_elem(&acl_verdicts, &i);
  struct or_frame f = {};

  if (!c || !verdict) return 1;
  to_frame(c, &f);
  *verdict = or_acl_classify(c->set, &f);
  return 0;
}

SEC("tc")
int acl_batch(struct __sk_buff* skb) {
  bpf_loop(ACL_BATCH, judge, NULL, 0);
  return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
