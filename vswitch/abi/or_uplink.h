/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Segments that a VLAN of a physical network carries: the way out to it, the way in from it; and
 * the stations heard there, or behind ports of local segments. The rules of or_abi.h, of which this
 * is a part, hold here.
 */
#ifndef OUTRIDER_ABI_OR_UPLINK_H_
#define OUTRIDER_ABI_OR_UPLINK_H_

#include "vswitch/abi/or_types.h"

#ifdef __cplusplus
namespace outrider::abi {
#endif

/* Each VLAN of a trunk may be one. */
#define OR_MAX_PROVIDERS 16384
/* All segments together. The least recently heard make room. */
#define OR_MAX_STATIONS (1u << 16)
/* How long a station is known after it was last heard: the default of IEEE 802.1Q, 8.8.3. */
#define OR_STATION_AGE_NS 300000000000ull

/* ---- or_providers: vni (u32) -> struct or_provider. There for each segment with
 * OR_SEGMENT_PROVIDER. Writer: agent. ---- */
/* The device's promiscuous flag was set by the agent, which takes it off again. For the agent. */
#define OR_PROVIDER_MADE_PROMISCUOUS (1u << 0)

struct or_provider {
  or_u32 ifindex;  /* of the uplink's device; 0: it is not there */
  or_u32 vlan;     /* 0: untagged */
  or_u32 mtu;      /* of the device, layer 3 */
  or_u32 flags;    /* OR_PROVIDER_* */
  char uplink[64]; /* NUL-padded; for ReadState, no program looks at it */
};
OR_STATIC_ASSERT(sizeof(struct or_provider) == 80, "or_provider layout");

/* ---- or_uplink_vlans: struct or_uplink_vlan -> vni (u32). The VLANs that are taken from an
 * uplink, those of the segments this host has; all others are the host's own. Writer: agent. */
struct or_uplink_vlan {
  or_u32 ifindex;
  or_u32 vlan; /* 0: untagged, or a priority tag */
};

/* New stations of one port in a window of or_mac_windows: what one guest makes up does not drive
 * everybody else's out. */
#define OR_MAX_PORT_STATIONS 4096

/* ---- or_stations: struct or_fdb_key -> struct or_station, least recently used goes first. Source
 * MACs heard from an uplink or, in local segments, from a port that has OR_PORT_LEARN_MACS; where
 * they were heard last. What or_fdb says of a MAC counts first. Written by bpf, deleted by the
 * agent when OR_STATION_AGE_NS have passed, or with the port. */
struct or_station {
  or_u64 heard_ns; /* CLOCK_MONOTONIC, to a second */
  or_u32 port;     /* port index; 0: behind the segment's uplink */
  or_u32 pad;
};
OR_STATIC_ASSERT(sizeof(struct or_station) == 16, "or_station layout");

#ifdef __cplusplus
}  // namespace outrider::abi
#endif

#endif /* OUTRIDER_ABI_OR_UPLINK_H_ */
