/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Types of ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861) that several places know. */
#ifndef OUTRIDER_BPF_ICMP_H_
#define OUTRIDER_BPF_ICMP_H_

#define OR_ICMP_ECHO_REPLY 0
#define OR_ICMP_UNREACHABLE 3
#define OR_ICMP_ECHO 8
#define OR_ICMPV6_UNREACHABLE 1
#define OR_ICMPV6_ECHO 128
#define OR_ICMPV6_ECHO_REPLY 129
#define OR_ND_SOLICIT_ROUTER 133
#define OR_ND_ADVERTISE_ROUTER 134
#define OR_ND_SOLICIT 135
#define OR_ND_ADVERTISE 136
#define OR_ND_REDIRECT 137

#endif /* OUTRIDER_BPF_ICMP_H_ */
