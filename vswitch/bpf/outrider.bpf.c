// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The native datapath: one object of tc programs, one per attach point, and those that the agent
 * runs by hand.
 *
 *	guest device, ingress	or_from_port	what the guest sends
 *	guest device, egress	or_port_guard	lets only frames of deliver() out to the guest
 *	tunnel device, ingress	or_from_overlay	what other hosts send
 *	tunnel device, egress	or_tunnel_guard	lets only our own frames out to other hosts
 *	underlay, ingress	or_from_underlay	the same, where nothing is in doubt
 *	uplink, ingress		or_from_uplink	what a physical network sends to our guests
 *	none			or_sweep_connections	removes connections that are over
 *	none			or_move_port	where frames of a port that migrates go
 *	none			or_import_connections	takes over those of a port that arrives
 *	none			or_write_fdb		writes the FDB
 *
 * Loads on Linux 6.1 and later. Every frame is either sent on and counted, or dropped and counted
 * under a reason of or_drop.h. Where ports are is never learned: every such table is the agent's.
 * Only of stations behind an uplink, and behind ports of local segments that may carry many, it is
 * remembered where they are.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "vswitch/bpf/from_port.bpf.c"
#include "vswitch/bpf/from_overlay.bpf.c"
#include "vswitch/bpf/port_guard.bpf.c"
#include "vswitch/bpf/tunnel_guard.bpf.c"
#include "vswitch/bpf/sweep.bpf.c"
#include "vswitch/bpf/import.bpf.c"
#include "vswitch/bpf/from_uplink.bpf.c"
#include "vswitch/bpf/from_underlay.bpf.c"
#include "vswitch/bpf/move_port.bpf.c"
#include "vswitch/bpf/write_fdb.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
