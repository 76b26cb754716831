/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A frame becomes an ICMP (RFC 792) or ICMPv6 (RFC 4443) error about itself.
 *
 * If the frame's checksum is left to the device, the field that will be completed is brought behind
 * the quote: with zeros in front of it and all ones in it, what the device writes there is what is
 * there, and the message is right whether or not it is completed.
 */
#ifndef OUTRIDER_BPF_ICMP_ERROR_H_
#define OUTRIDER_BPF_ICMP_ERROR_H_

#include "vswitch/bpf/answer.h"
#include "vswitch/bpf/icmp.h"

#define OR_TCP_CHECK 16 /* offset in the header */
#define OR_UDP_CHECK 6

/* The offset behind a checksum that the device will complete; 0: there is none. */
static __always_inline __u32 or_unfinished_end(struct __sk_buff *skb, const struct or_frame *f)
{
	__u32 at = f->l4_offset;
	__u16 check;

	if (!at || f->flags & OR_FRAME_NO_LAYER4)
		return 0;
	if (f->protocol == IPPROTO_TCP)
		at += OR_TCP_CHECK;
	else if (f->protocol == IPPROTO_UDP)
		at += OR_UDP_CHECK;
	else
		return 0;
	if (bpf_skb_load_bytes(skb, at, &check, sizeof(check)))
		return 0;
	if (!or_is_unfinished(skb, f, f->l4_offset, check))
		return 0;
	return at + sizeof(check);
}

/* Makes the frame `length` bytes long; with `unfinished` such that what ended there ends at the
 * frame's end. */
static __always_inline bool or_resize(struct __sk_buff *skb, __u32 length, __u32 unfinished)
{
	if (!unfinished)
		return !bpf_skb_change_tail(skb, length, 0);
	if (unfinished > length || bpf_skb_change_tail(skb, unfinished, 0))
		return false;
	return unfinished == length || !bpf_skb_change_head(skb, length - unfinished, 0);
}

/* `what`: type and code, 8 bits each. `rest`: the second word of the header. Both in host order.
 * False: it cannot be said, or failed. */
static __noinline bool or_make_icmp_error(struct __sk_buff *skb, const struct or_frame *f,
					  __u32 what, __u32 rest)
{
	__u32 unfinished = or_unfinished_end(skb, f), quote = skb->len - OR_ETH_HLEN, at;
	bool v4 = f->ether == OR_ETHER_IPV4;
	__u32 ip = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct or_answer_scratch *s = or_new_answer();
	__u32 *icmp;
	__u64 sum;

	if (quote > OR_ANSWER_QUOTE)
		quote = OR_ANSWER_QUOTE;
	quote &= ~3u;
	if (!s || quote < ip + 8)
		return false;
	icmp = (void *)(s->packet + (v4 ? OR_ETH_HLEN + sizeof(struct iphdr)
					: OR_ETH_HLEN + sizeof(struct ipv6hdr)));
	__builtin_memset(icmp, 0, 8 + OR_ANSWER_QUOTE + OR_ANSWER_TAIL);
	icmp[0] = bpf_htonl(what << 16);
	icmp[1] = bpf_htonl(rest);
	if (bpf_skb_load_bytes(skb, OR_ETH_HLEN, icmp + 2, quote))
		return false;
	if (unfinished) {
		quote += OR_ANSWER_TAIL;
		icmp[1 + quote / 4] = bpf_htonl(0xffff);
	}
	at = or_answer_ip(s, f, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, 8 + quote) + 8 + quote;
	sum = v4 ? 0 : or_pseudo_sum(f, 8 + quote, IPPROTO_ICMPV6);
	sum += (__u32)bpf_csum_diff(NULL, 0, icmp, 8 + OR_ANSWER_QUOTE + OR_ANSWER_TAIL, 0);
	((__u16 *)icmp)[1] = ~or_fold(sum);
	if (at > sizeof(s->packet) || at < OR_ETH_HLEN || !or_resize(skb, at, unfinished))
		return false;
	return !bpf_skb_store_bytes(skb, 0, s->packet, at,
				    BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
}

#endif /* OUTRIDER_BPF_ICMP_ERROR_H_ */
