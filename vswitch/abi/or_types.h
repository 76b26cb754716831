/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Integers of the structs that eBPF and C++ share. */
#ifndef OUTRIDER_ABI_OR_TYPES_H_
#define OUTRIDER_ABI_OR_TYPES_H_

#ifdef __cplusplus
#include <cstdint>
#define OR_STATIC_ASSERT(cond, text) static_assert(cond, text)
/* A lock word; the verifier finds it by its type. */
#define OR_LOCK uint32_t
namespace outrider::abi {
typedef uint8_t or_u8;
typedef uint16_t or_u16;
typedef uint32_t or_u32;
typedef uint64_t or_u64;
}  // namespace outrider::abi
#else
#include <linux/bpf.h>
#include <linux/types.h>
#define OR_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#define OR_LOCK struct bpf_spin_lock
typedef __u8 or_u8;
typedef __u16 or_u16;
typedef __u32 or_u32;
typedef __u64 or_u64;
#endif

#endif /* OUTRIDER_ABI_OR_TYPES_H_ */
