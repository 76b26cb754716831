// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Counts what the kernel drops, by network namespace, reason and place: the tracepoint
 * skb:kfree_skb, which by itself does not say whose packet it was.
 */
/* The helpers need the kernel's types first. */
// clang-format off
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
// clang-format on

/* What is used of the kernel's own. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
  unsigned int inum;
};
struct net {
  struct ns_common ns;
};
typedef struct {
  struct net* net;
} possible_net_t;
struct net_device {
  possible_net_t nd_net;
};
struct sock_common {
  possible_net_t skc_net;
};
struct sock {
  struct sock_common __sk_common;
};
struct sk_buff {
  struct net_device* dev;
  struct sock* sk;
};
#pragma clang attribute pop

struct drop {
  __u64 location;
  __u32 netns;
  __u32 reason;
};

/* What was dropped where -> how often. Writer: the program. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, struct drop);
  __type(value, __u64);
} drops SEC(".maps");

/* A queued packet may have something else in the place of its device: the numbers that come of it
 * are nobody's. */
static __always_inline __u32 netns_of(struct sk_buff* skb, struct sock* receiver) {
  __u32 found = BPF_CORE_READ(receiver, __sk_common.skc_net.net, ns.inum);

  if (!found) found = BPF_CORE_READ(skb, dev, nd_net.net, ns.inum);
  return found ? found : BPF_CORE_READ(skb, sk, __sk_common.skc_net.net, ns.inum);
}

SEC("raw_tp/kfree_skb")
int BPF_PROG(count_drop, struct sk_buff* skb, void* location, int reason, struct sock* receiver) {
  struct drop key = {
      .location = (__u64)location, .netns = netns_of(skb, receiver), .reason = reason};
  __u64 one = 1, *count = bpf_map_lookup_elem(&drops, &key);

  if (count)
    __sync_fetch_and_add(count, 1);
  else
    bpf_map_update_elem(&drops, &key, &one, BPF_ANY);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
