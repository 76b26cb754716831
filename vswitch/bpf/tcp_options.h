/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TCP options, as far as the connection table needs them: the window scale of a SYN. */
#ifndef OUTRIDER_BPF_TCP_OPTIONS_H_
#define OUTRIDER_BPF_TCP_OPTIONS_H_

#include "vswitch/bpf/frame.h"

#define OR_TCP_HLEN 20
#define OR_TCP_MAX_OPTIONS 40
#define OR_TCP_OPTION_END 0
#define OR_TCP_OPTION_NOP 1
#define OR_TCP_OPTION_SCALE 3
#define OR_TCP_MAX_SCALE 14 /* RFC 7323, 2.3 */
#define OR_TCP_NO_SCALE 255

struct or_option_walk {
	struct __sk_buff *skb;
	__u32 at;
	__u32 end;
	__u32 scale;
};

static long or_option_step(__u32 i, void *context)
{
	struct or_option_walk *walk = context;
	__u8 option[3] = {};

	if (walk->at >= walk->end || bpf_skb_load_bytes(walk->skb, walk->at, option, 1) ||
	    option[0] == OR_TCP_OPTION_END)
		return 1;
	if (option[0] == OR_TCP_OPTION_NOP) {
		walk->at++;
		return 0;
	}
	if (walk->at + 2 > walk->end || bpf_skb_load_bytes(walk->skb, walk->at, option, 2) ||
	    option[1] < 2)
		return 1;
	if (option[0] == OR_TCP_OPTION_SCALE) {
		if (option[1] == 3 && walk->at + 3 <= walk->end &&
		    !bpf_skb_load_bytes(walk->skb, walk->at, option, 3))
			walk->scale = option[2] > OR_TCP_MAX_SCALE ? OR_TCP_MAX_SCALE : option[2];
		return 1;
	}
	walk->at += option[1];
	return 0;
}

/* The scale where most have it, without a walk: Linux sends maximum segment size, SACK permitted,
 * timestamps, no operation, scale. OR_TCP_NO_SCALE: it is not there. */
static __always_inline __u32 or_usual_scale(const struct or_option_walk *walk)
{
	__u8 o[20];

	if (walk->at + sizeof(o) > walk->end ||
	    bpf_skb_load_bytes(walk->skb, walk->at, o, sizeof(o)))
		return OR_TCP_NO_SCALE;
	if (o[0] != 2 || o[1] != 4 || o[4] != 4 || o[5] != 2 || o[6] != 8 || o[7] != 10 ||
	    o[16] != OR_TCP_OPTION_NOP || o[17] != OR_TCP_OPTION_SCALE || o[18] != 3)
		return OR_TCP_NO_SCALE;
	return o[19] > OR_TCP_MAX_SCALE ? OR_TCP_MAX_SCALE : o[19];
}

/* Notes the window scale of a SYN. */
static __noinline void or_read_scale(struct __sk_buff *skb, struct or_frame *f)
{
	struct or_option_walk walk = {
		.skb = skb,
		.at = f->l4_offset + OR_TCP_HLEN,
		.scale = OR_TCP_NO_SCALE,
	};
	__u8 length = 0;

	if (bpf_skb_load_bytes(skb, f->l4_offset + 12, &length, 1))
		return;
	walk.end = f->l4_offset + (length >> 4) * 4;
	walk.scale = or_usual_scale(&walk);
	if (walk.scale == OR_TCP_NO_SCALE)
		bpf_loop(OR_TCP_MAX_OPTIONS, or_option_step, &walk, 0);
	if (walk.scale == OR_TCP_NO_SCALE)
		return;
	f->flags |= OR_FRAME_SCALE;
	f->tcp_scale = walk.scale;
}

#endif /* OUTRIDER_BPF_TCP_OPTIONS_H_ */
