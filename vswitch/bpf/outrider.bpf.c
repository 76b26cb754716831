// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The native datapath: one object of four tc programs, one per attach point, and one
 * that the agent runs by hand.
 *
 *	guest device, ingress	or_from_port	what the guest sends
 *	guest device, egress	or_port_guard	lets only frames of deliver() out to the guest
 *	tunnel device, ingress	or_from_overlay	what other hosts send
 *	tunnel device, egress	or_tunnel_guard	lets only our own frames out to other hosts
 *	none			or_sweep_connections	removes connections that are over
 *
 * Loads on Linux 6.1 and later. Every frame is either sent on and counted, or dropped and counted
 * under a reason of or_drop.h. Nothing is learned of where
 * things are: every such table is the agent's.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "vswitch/bpf/from_port.bpf.c"
#include "vswitch/bpf/from_overlay.bpf.c"
#include "vswitch/bpf/port_guard.bpf.c"
#include "vswitch/bpf/tunnel_guard.bpf.c"
#include "vswitch/bpf/sweep.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
