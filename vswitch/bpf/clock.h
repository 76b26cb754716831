/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Times of the kernel's clocks, in nanoseconds. */
#ifndef OUTRIDER_BPF_CLOCK_H_
#define OUTRIDER_BPF_CLOCK_H_

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define OR_NS_PER_S 1000000000ull

/* Nanoseconds from one time to another; negative: another CPU was ahead, or faster. */
static __always_inline __s64 or_ns_between(__u64 from, __u64 to)
{
	return (__s64)(to - from);
}

#endif /* OUTRIDER_BPF_CLOCK_H_ */
