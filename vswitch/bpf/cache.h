/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The flow cache: TCP and UDP whose way over the underlay, or from there to a port, was found a
 * moment ago go the same way without asking every table again. A CPU has its own; nothing is
 * allocated.
 *
 * What is remembered holds for frames that are the same in all that was asked for (struct
 * or_cache_key), while nothing that decides has changed (or_changes), and for OR_CACHE_NS: then the
 * tables are asked again, and a connection's time goes on. Still done for each frame: lengths and
 * checksums of headers, the MTU, TCP's window, limits, counters. Not remembered, because what is
 * decided changes by itself or looks at more: rules without a connection, fragments, ICMP, tags,
 * ports that move, learn or have just come, anything while somebody captures.
 *
 * A flow is remembered from its OR_CACHE_FRAMES-th frame on: short connections would pay for it and
 * have nothing of it. A slot is taken over from another flow after OR_CACHE_HOLD_NS only: two flows
 * on one slot cost a look each, and do not write it all the time.
 */
#ifndef OUTRIDER_BPF_CACHE_H_
#define OUTRIDER_BPF_CACHE_H_

#include "vswitch/bpf/capture.h"
#include "vswitch/bpf/clock.h"
#include "vswitch/bpf/conntrack.h"
#include "vswitch/bpf/outer.h"
#include "vswitch/bpf/parse.h"
#include "vswitch/bpf/policer.h"

#define OR_CACHE_SLOTS 1024u /* a power of two */
#define OR_CACHE_NS OR_NS_PER_S
#define OR_CACHE_HOLD_NS 10000000ull
#define OR_CACHE_FRAMES 4
/* No TC verdict: the tables decide. */
#define OR_CACHE_MISS (-2)

/* Who asks. */
#define OR_CACHE_FROM_PORT 0u
#define OR_CACHE_FROM_UNDERLAY 1u

/* No device's number. */
#define OR_CACHE_TUNNEL 0x80000000u

/* Whole words without padding. As the ABI's, a layout here lives as long as the maps are pinned: a
 * change of it, or of struct or_cached, changes OR_ABI_VERSION. */
struct or_cache_key {
	__u8 eth_dst[6];
	__u8 eth_src[6];
	__u32 from;    /* the device of a port, or OR_CACHE_TUNNEL and the VNI */
	__u8 vtep[16]; /* the tunnel's sender; of a port 0 */
	__u8 src[16];  /* IPv4-mapped */
	__u8 dst[16];
	__be16 src_port;
	__be16 dst_port;
	__u8 protocol;
	__u8 tos;
	__be16 ether_type;
};
#define OR_CACHE_WORDS (sizeof(struct or_cache_key) / 8)

#define OR_CACHED_LIMITED (1u << 0) /* bytes, packets */
#define OR_CACHED_PEER (1u << 1)    /* bpf_redirect_peer() */

struct or_cached {
	struct or_cache_key key;
	__u64 changes;			     /* or_changes, before it was decided */
	struct or_connection_key connection; /* of TCP that is of one; port 0: it is not */
	struct or_rate bytes;
	struct or_rate packets;
	__u32 port;    /* whose profile it was: the sender's, or who gets it */
	__u32 ifindex; /* where to */
	__u32 flags;   /* OR_CACHED_* */
	__u32 mtu;     /* largest layer-3 packet */
	__u32 priority;
	__u32 pad;
	union {
		struct or_outer_v4 v4;
		struct or_outer_v6 v6;
	} outer;
};

/* Whose a slot is. By themselves, in few cache lines: who is not remembered touches no more. */
struct or_cache_tag {
	__u64 until_ns;
	__u32 hash;
	/* Who may have the slot next, by its hash, and how many frames it has had. */
	__u16 candidate;
	__u16 frames;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OR_CACHE_SLOTS);
	__type(key, __u32);
	__type(value, struct or_cached);
} or_flow_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_cache_tag[OR_CACHE_SLOTS]);
} or_flow_tags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OR_FLOW_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} or_flow_counts SEC(".maps");

/* The frame at hand. */
struct or_cache_question {
	struct or_cache_key key;
	__u64 changes;
	__u32 hash;
	__u16 named; /* the key is whole */
	__u16 asked; /* it may be remembered, too */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct or_cache_question);
} or_cache_scratch SEC(".maps");

static __always_inline void or_cache_count(__u32 what)
{
	__u64 *count = bpf_map_lookup_elem(&or_flow_counts, &what);

	if (count)
		++*count;
}

static __always_inline struct or_cache_question *or_cache_question_of(__u32 who)
{
	return bpf_map_lookup_elem(&or_cache_scratch, &who);
}

/* Of TCP's header at `at`, `end` the frame's. The offset behind it, or 0. Only what goes on in a
 * connection. */
static __always_inline __u32 or_cache_read_tcp(struct __sk_buff *skb, struct or_frame *f, __u32 at,
					       __u32 end)
{
	__u8 head[OR_TCP_HEAD];
	__u32 length;

	if (bpf_skb_load_bytes(skb, at, head, sizeof(head)))
		return 0;
	length = (head[12] >> 4) * 4;
	if (length < sizeof(struct tcphdr) || at + length > end ||
	    (head[13] & ~OR_TCP_PSH) != OR_TCP_ACK)
		return 0;
	f->tcp_seq = or_load_be32(head + 4);
	f->tcp_ack = or_load_be32(head + 8);
	f->tcp_flags = head[13];
	f->tcp_window = head[14] << 8 | head[15];
	f->tcp_end = f->tcp_seq + (end - at - length);
	return at + length;
}

/* The header behind IP's: its offset, or 0. A frame that is not a super-packet ends where IP says;
 * padding is rare. */
static __always_inline __u32 or_cache_read_v4(struct __sk_buff *skb, __u32 at,
					      struct or_cache_key *key)
{
	struct {
		struct iphdr ip;
		__be16 ports[2];
	} head;

	if (bpf_skb_load_bytes(skb, at, &head, sizeof(head)) || head.ip.version != 4 ||
	    head.ip.ihl != 5 || head.ip.frag_off & bpf_htons(0x3fff))
		return 0;
	if (!skb->gso_size && bpf_ntohs(head.ip.tot_len) != skb->len - at)
		return 0;
	or_map_ipv4(key->src, head.ip.saddr);
	or_map_ipv4(key->dst, head.ip.daddr);
	key->protocol = head.ip.protocol;
	key->tos = head.ip.tos;
	key->src_port = head.ports[0];
	key->dst_port = head.ports[1];
	return at + sizeof(head.ip);
}

static __always_inline __u32 or_cache_read_v6(struct __sk_buff *skb, __u32 at,
					      struct or_cache_key *key)
{
	struct {
		struct ipv6hdr ip;
		__be16 ports[2];
	} head;

	if (bpf_skb_load_bytes(skb, at, &head, sizeof(head)) || head.ip.version != 6)
		return 0;
	if (!skb->gso_size &&
	    bpf_ntohs(head.ip.payload_len) != skb->len - at - sizeof(struct ipv6hdr))
		return 0;
	__builtin_memcpy(key->src, &head.ip.saddr, 16);
	__builtin_memcpy(key->dst, &head.ip.daddr, 16);
	key->protocol = head.ip.nexthdr;
	key->tos = head.ip.priority << 4 | head.ip.flow_lbl[0] >> 4;
	key->src_port = head.ports[0];
	key->dst_port = head.ports[1];
	return at + sizeof(head.ip);
}

/* Fills the key, and of `f` what is looked at in each frame, from the headers behind the f->outer
 * bytes of others. False: this is no frame that could be remembered; q->named says whether it has a
 * key all the same. */
static __always_inline bool or_cache_read(struct __sk_buff *skb, struct or_frame *f,
					  const struct ethhdr *eth, struct or_cache_question *q)
{
	struct or_cache_key *key = &q->key;
	__u32 at = f->outer + OR_ETH_HLEN;

	__builtin_memcpy(key->eth_dst, eth->h_dest, 6);
	__builtin_memcpy(key->eth_src, eth->h_source, 6);
	key->ether_type = eth->h_proto;
	if (eth->h_proto == bpf_htons(OR_ETH_P_IPV4))
		at = or_cache_read_v4(skb, at, key);
	else if (eth->h_proto == bpf_htons(OR_ETH_P_IPV6))
		at = or_cache_read_v6(skb, at, key);
	else
		return false;
	if (!at)
		return false;
	f->protocol = key->protocol;
	q->named = key->protocol == IPPROTO_TCP || key->protocol == IPPROTO_UDP;
	if (key->protocol == IPPROTO_TCP)
		at = or_cache_read_tcp(skb, f, at, skb->len);
	else if (key->protocol == IPPROTO_UDP && at + sizeof(struct udphdr) <= skb->len)
		at += sizeof(struct udphdr);
	else
		return false;
	if (!at)
		return false;
	or_measure(skb, f, at - f->outer);
	return true;
}

static __always_inline __u32 or_cache_hash(const struct or_cache_key *key)
{
	const __u64 *words = (const __u64 *)key;
	__u64 hash = 0;

	for (__u32 i = 0; i < OR_CACHE_WORDS; i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ull;
	return hash >> 32;
}

static __always_inline bool or_cache_matches(const struct or_cached *cached,
					     const struct or_cache_key *key)
{
	const __u64 *a = (const __u64 *)&cached->key, *b = (const __u64 *)key;
	__u64 differs = 0;

	for (__u32 i = 0; i < OR_CACHE_WORDS; i++)
		differs |= a[i] ^ b[i];
	return !differs;
}

static __always_inline struct or_cache_tag *or_cache_tag_of(__u32 hash)
{
	__u32 zero = 0;
	struct or_cache_tag *tags = bpf_map_lookup_elem(&or_flow_tags, &zero);

	return tags ? &tags[hash & (OR_CACHE_SLOTS - 1)] : NULL;
}

/* The flow's entry, for q->key; NULL: the tables decide. */
static __always_inline struct or_cached *or_cache_find(struct or_cache_question *q)
{
	__u32 zero = 0, slot;
	const __u64 *changes = bpf_map_lookup_elem(&or_changes, &zero);
	const struct or_cache_tag *tag;
	struct or_cached *cached;

	if (!changes)
		return NULL;
	q->changes = *(const volatile __u64 *)changes;
	q->hash = or_cache_hash(&q->key);
	q->asked = 1;
	tag = or_cache_tag_of(q->hash);
	if (tag && tag->hash == q->hash && tag->until_ns > bpf_ktime_get_coarse_ns()) {
		slot = q->hash & (OR_CACHE_SLOTS - 1);
		cached = bpf_map_lookup_elem(&or_flow_cache, &slot);
		if (cached && cached->changes == q->changes && or_cache_matches(cached, &q->key))
			return cached;
	}
	/* The tables are not read before `changes`: a barrier. */
	q->hash = __sync_fetch_and_add(&q->hash, 0);
	return NULL;
}

/* Whether the frame is of its flow's connection, which it moves on. */
static __always_inline bool or_cache_tracks(const struct or_cached *cached,
					    const struct or_frame *f, bool from_guest)
{
	const struct or_port *port;

	if (!cached->connection.port)
		return true;
	port = or_port_row(cached->port);
	return port &&
	       or_connection_match(f, &cached->connection, port, from_guest) == OR_FLOW_PASS;
}

/* 0, or the reason to drop. */
static __always_inline __u32 or_cache_police(const struct or_cached *cached,
					     const struct or_frame *f, __u32 kind)
{
	__u32 result;

	if (!(cached->flags & OR_CACHED_LIMITED))
		return 0;
	result = or_spend_both(OR_POLICER(cached->port, kind), &cached->bytes, &cached->packets, f);
	if (!result)
		return 0;
	if (kind == OR_LIMIT_EGRESS)
		return OR_DROP_POLICER_EGRESS;
	return result == OR_OVER_PACKETS ? OR_DROP_POLICER_PPS : OR_DROP_POLICER;
}

/* What is in the slot is not used any more. */
static __always_inline void or_cache_forget(const struct or_cache_question *q)
{
	struct or_cache_tag *tag = or_cache_tag_of(q->hash);

	if (tag)
		tag->until_ns = 0;
}

/* Whether the slot is for the flow of the frame at hand. */
static __always_inline bool or_cache_is_due(struct or_cache_tag *tag,
					    const struct or_cache_question *q, __u64 now)
{
	__u16 name = q->hash >> 16;

	if (tag->hash == q->hash)
		return true;
	if (tag->until_ns > now + OR_CACHE_NS - OR_CACHE_HOLD_NS)
		return false;
	if (tag->candidate != name) {
		tag->candidate = name;
		tag->frames = 0;
	}
	return ++tag->frames >= OR_CACHE_FRAMES;
}

/* The slot for the way of the frame at hand, without that way; NULL: it is not to be remembered.
 * `kind`: of the limit that holds for it. */
static __always_inline struct or_cached *or_cache_take(const struct or_cache_question *q,
						       const struct or_frame *f,
						       const struct or_port *port, __u32 index,
						       __u32 kind)
{
	const struct or_connection_key *connection;
	__u32 zero = 0, slot = q->hash & (OR_CACHE_SLOTS - 1), limits = port->limits;
	__u64 now = bpf_ktime_get_coarse_ns();
	struct or_cache_tag *tag = or_cache_tag_of(q->hash);
	const struct or_limits *all;
	const struct or_limit *limit;
	struct or_cached *cached;

	if (!tag || !q->asked || f->settled == OR_UNSETTLED || port->phase != OR_PORT_ACTIVE ||
	    port->vlan_mode != OR_VLAN_ACCESS || port->flags & OR_PORT_MOVING || or_capture_of() ||
	    !or_cache_is_due(tag, q, now))
		return NULL;
	cached = bpf_map_lookup_elem(&or_flow_cache, &slot);
	connection = bpf_map_lookup_elem(&or_key_scratch, &zero);
	if (!cached || !connection)
		return NULL;
	tag->hash = q->hash;
	tag->frames = 0;
	tag->until_ns = now + OR_CACHE_NS;
	cached->key = q->key;
	cached->changes = q->changes;
	cached->connection.port = 0;
	if (f->settled == OR_SETTLED_KNOWN && f->protocol == IPPROTO_TCP)
		cached->connection = *connection;
	cached->port = index;
	cached->flags = 0;
	or_cache_count(OR_FLOW_KEPT);
	if (!or_is_limited(port, kind))
		return cached;
	all = bpf_map_lookup_elem(&or_limits, &limits);
	if (!all || kind >= OR_LIMIT_KINDS) {
		tag->until_ns = 0;
		return NULL;
	}
	limit = &all->of[kind];
	cached->bytes = or_rate_of(limit->rate_kbps, limit->burst_kb, OR_BYTES_PER_KB);
	cached->packets = or_rate_of(limit->rate_pps, limit->burst_packets, 1);
	cached->flags = OR_CACHED_LIMITED;
	return cached;
}

#endif /* OUTRIDER_BPF_CACHE_H_ */
