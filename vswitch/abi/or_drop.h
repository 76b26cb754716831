/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Why a frame was dropped. Numbers are never reused; names appear in counters, CLI and metrics.
 * X(CODE, number, name, explanation for people)
 */
#ifndef OUTRIDER_ABI_OR_DROP_H_
#define OUTRIDER_ABI_OR_DROP_H_

#define OR_DROP_REASONS(X)                                                                        \
  X(PORT_UNKNOWN, 1, "port_unknown", "the device is bound to no port")                            \
  X(PORT_BLOCKED, 2, "port_blocked", "the port's profile is not in force")                        \
  X(PORT_ARMED, 3, "port_armed", "the port waits for its guest to arrive")                        \
  X(MALFORMED, 4, "malformed", "headers are cut short or contradict each other")                  \
  X(SPOOFED_MAC, 5, "spoofed_mac", "the source MAC is not the port's")                            \
  X(VLAN_TAGGED, 6, "vlan_tagged", "a tag where the port can have none, or one tag too many")     \
  X(ACL_INGRESS, 7, "acl_ingress", "denied by the profile's ingress list")                        \
  X(ACL_EGRESS, 8, "acl_egress", "denied by the profile's egress list")                           \
  X(POLICER, 9, "policer", "over the ingress rate of the profile")                                \
  X(UNKNOWN_UNICAST, 10, "unknown_unicast", "no port has the destination MAC")                    \
  X(SEGMENT_UNKNOWN, 11, "segment_unknown", "the VNI is not on this host")                        \
  X(NOT_A_MEMBER, 12, "not_a_member", "the outer source is no VTEP of the VNI")                   \
  X(SPLIT_HORIZON, 13, "split_horizon", "bound for where it came from: a tunnel or uplink")       \
  X(ENCAP_FAILED, 14, "encap_failed", "the tunnel header could not be set")                       \
  X(REDIRECT_FAILED, 15, "redirect_failed", "the kernel refused the copy or redirect")            \
  X(NOT_DELIVERED, 16, "not_delivered", "sent to the port past the switch, by the host itself")   \
  X(OVER_MTU, 17, "over_mtu", "larger than the segment's MTU")                                    \
  X(HAIRPIN, 18, "hairpin", "bound for the port it came from")                                    \
  X(NO_TUNNEL_KEY, 19, "no_tunnel_key", "reached the tunnel device without tunnel metadata")      \
  X(RESERVED_MULTICAST, 20, "reserved_multicast", "link-local control frame (01:80:c2:00:00:0x)") \
  X(RULE_SET_MISSING, 21, "rule_set_missing", "the port's rule set is not loaded")                \
  X(ACL_REJECT_INGRESS, 22, "acl_reject_ingress", "rejected by the profile's ingress list")       \
  X(ACL_REJECT_EGRESS, 23, "acl_reject_egress", "rejected by the profile's egress list")          \
  X(CONNECTIONS_FULL, 24, "connections_full", "the port holds all the connections it may")        \
  X(CONNECTION_INVALID, 25, "connection_invalid", "belongs to no connection, or not so")          \
  X(VLAN_NOT_ALLOWED, 26, "vlan_not_allowed", "the profile has no such VLAN")                     \
  X(UNTAGGED_ON_TRUNK, 27, "untagged_on_trunk",                                                   \
    "untagged where the profile has tagged frames only")                                          \
  X(POLICER_EGRESS, 28, "policer_egress", "over the egress rate of the profile")                  \
  X(STORM_BROADCAST, 29, "storm_broadcast", "over the profile's limit of broadcasts")             \
  X(STORM_MULTICAST, 30, "storm_multicast", "over the profile's limit of multicasts")             \
  X(STORM_UNKNOWN_UNICAST, 31, "storm_unknown_unicast", "over the limit of flooded unicasts")     \
  X(SPOOFED_IP, 32, "spoofed_ip", "an address in it is not the guest's to use")                   \
  X(DHCP_SERVER, 33, "dhcp_server", "only a DHCP server sends this")                              \
  X(ROUTER_ADVERTISEMENT, 34, "router_advertisement", "a guest that plays the router")            \
  X(TOO_MANY_MACS, 35, "too_many_macs", "more source MACs than the profile allows")               \
  X(VTEP_DESTINATION, 36, "vtep_destination", "bound for a tunnel end point of the hosts")        \
  X(POLICER_PPS, 37, "policer_pps", "over the ingress frame rate of the profile")                 \
  X(MULTICAST_UNKNOWN, 38, "multicast_unknown", "nobody joined the multicast group")              \
  X(UPLINK_MISSING, 48, "uplink_missing", "the device of the segment's uplink is not there")      \
  X(OWN_SOURCE, 49, "own_source", "from the uplink, in the name of a port of this host")          \
  X(CONNECTION_TABLE_FULL, 50, "connection_table_full",                                           \
    "the host's table of connections, which all ports share, has no room")                        \
  X(PORT_DEPARTED, 51, "port_departed", "the port's guest runs on another host")                  \
  X(MOVE_UNKNOWN, 52, "move_unknown", "sent after a guest that is not expected here from there")  \
  X(MOVE_COPY, 53, "move_copy", "sent after a guest that got its own copy of the broadcast")

enum or_drop_reason {
#define OR_DROP_ENUM(code, number, name, text) OR_DROP_##code = number,
  OR_DROP_REASONS(OR_DROP_ENUM)
#undef OR_DROP_ENUM
      OR_DROP_REASON_COUNT = 54
};

#endif /* OUTRIDER_ABI_OR_DROP_H_ */
