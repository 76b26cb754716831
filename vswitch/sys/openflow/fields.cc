#include "vswitch/sys/openflow/fields.h"

#include <strings.h>

#include <iterator>

namespace outrider::openflow {
namespace {

constexpr uint32_t Nxm0(uint32_t field) { return field << 9; }
constexpr uint32_t Nxm1(uint32_t field) { return 1u << 16 | field << 9; }
constexpr uint32_t Oxm(uint32_t field) { return 0x8000u << 16 | field << 9; }
// Of ONF's experimenter class; OpenFlow 1.3 has TCP flags there.
constexpr uint32_t OxmOnf(uint32_t field) { return 0xffffu << 16 | field << 9; }

using enum Field;
using F = FieldFormat;

// nicira-ext.h and OpenFlow 1.3.5 table 12. NXM_OF_IN_PORT is 0, told apart by its name.
constexpr FieldInfo kFields[] = {
    {kPacketType, "packet_type", "packet_type", 4, 32, 0, Oxm(44), "", "OXM_OF_PACKET_TYPE",
     F::kHex, false},
    {kConjId, "conj_id", "conj_id", 4, 32, Nxm1(37), 0, "NXM_NX_CONJ_ID", "", F::kDecimal, false},
    {kInPort, "in_port", "in_port", 4, 32, Nxm0(0), Oxm(0), "NXM_OF_IN_PORT", "OXM_OF_IN_PORT",
     F::kPort, false},
    {kEthSrc, "dl_src", "eth_src", 6, 48, Nxm0(2), Oxm(4), "NXM_OF_ETH_SRC", "OXM_OF_ETH_SRC",
     F::kMac, true},
    {kEthDst, "dl_dst", "eth_dst", 6, 48, Nxm0(1), Oxm(3), "NXM_OF_ETH_DST", "OXM_OF_ETH_DST",
     F::kMac, true},
    {kEthType, "dl_type", "eth_type", 2, 16, Nxm0(3), Oxm(5), "NXM_OF_ETH_TYPE", "OXM_OF_ETH_TYPE",
     F::kHex, false},
    {kVlanTci, "vlan_tci", "vlan_tci", 2, 16, Nxm0(4), 0, "NXM_OF_VLAN_TCI", "", F::kHex, true},
    {kMplsLabel, "mpls_label", "mpls_label", 4, 20, 0, Oxm(34), "", "OXM_OF_MPLS_LABEL",
     F::kDecimal, false},
    {kMplsTc, "mpls_tc", "mpls_tc", 1, 3, 0, Oxm(35), "", "OXM_OF_MPLS_TC", F::kDecimal, false},
    {kMplsBos, "mpls_bos", "mpls_bos", 1, 1, 0, Oxm(36), "", "OXM_OF_MPLS_BOS", F::kDecimal, false},
    {kIpv4Src, "nw_src", "ip_src", 4, 32, Nxm0(7), Oxm(11), "NXM_OF_IP_SRC", "OXM_OF_IPV4_SRC",
     F::kIpv4, true},
    {kIpv4Dst, "nw_dst", "ip_dst", 4, 32, Nxm0(8), Oxm(12), "NXM_OF_IP_DST", "OXM_OF_IPV4_DST",
     F::kIpv4, true},
    {kIpv6Src, "ipv6_src", "ipv6_src", 16, 128, Nxm1(19), Oxm(26), "NXM_NX_IPV6_SRC",
     "OXM_OF_IPV6_SRC", F::kIpv6, true},
    {kIpv6Dst, "ipv6_dst", "ipv6_dst", 16, 128, Nxm1(20), Oxm(27), "NXM_NX_IPV6_DST",
     "OXM_OF_IPV6_DST", F::kIpv6, true},
    {kIpv6Label, "ipv6_label", "ipv6_label", 4, 20, Nxm1(27), Oxm(28), "NXM_NX_IPV6_LABEL",
     "OXM_OF_IPV6_FLABEL", F::kHex, true},
    {kIpFrag, "nw_frag", "ip_frag", 1, 2, Nxm1(26), 0, "NXM_NX_IP_FRAG", "", F::kFrag, true},
    {kIpTos, "nw_tos", "nw_tos", 1, 8, Nxm0(5), Oxm(8), "NXM_OF_IP_TOS", "OXM_OF_IP_DSCP",
     F::kDecimal, false},
    {kIpEcn, "nw_ecn", "nw_ecn", 1, 2, Nxm1(28), Oxm(9), "NXM_NX_IP_ECN", "OXM_OF_IP_ECN",
     F::kDecimal, false},
    {kIpTtl, "nw_ttl", "nw_ttl", 1, 8, Nxm1(29), 0, "NXM_NX_IP_TTL", "", F::kDecimal, false},
    {kIpProto, "nw_proto", "nw_proto", 1, 8, Nxm0(6), Oxm(10), "NXM_OF_IP_PROTO", "OXM_OF_IP_PROTO",
     F::kDecimal, false},
    {kTcpSrc, "tp_src", "tcp_src", 2, 16, Nxm0(9), Oxm(13), "NXM_OF_TCP_SRC", "OXM_OF_TCP_SRC",
     F::kDecimal, true},
    {kTcpDst, "tp_dst", "tcp_dst", 2, 16, Nxm0(10), Oxm(14), "NXM_OF_TCP_DST", "OXM_OF_TCP_DST",
     F::kDecimal, true},
    {kTcpFlags, "tcp_flags", "tcp_flags", 2, 12, Nxm1(34), OxmOnf(42), "NXM_NX_TCP_FLAGS",
     "ONFOXM_ET_TCP_FLAGS", F::kTcpFlags, true},
    {kUdpSrc, "udp_src", "udp_src", 2, 16, Nxm0(11), Oxm(15), "NXM_OF_UDP_SRC", "OXM_OF_UDP_SRC",
     F::kDecimal, true},
    {kUdpDst, "udp_dst", "udp_dst", 2, 16, Nxm0(12), Oxm(16), "NXM_OF_UDP_DST", "OXM_OF_UDP_DST",
     F::kDecimal, true},
    {kSctpSrc, "sctp_src", "sctp_src", 2, 16, 0, Oxm(17), "", "OXM_OF_SCTP_SRC", F::kDecimal, true},
    {kSctpDst, "sctp_dst", "sctp_dst", 2, 16, 0, Oxm(18), "", "OXM_OF_SCTP_DST", F::kDecimal, true},
    {kIcmpType, "icmp_type", "icmp_type", 1, 8, Nxm0(13), Oxm(19), "NXM_OF_ICMP_TYPE",
     "OXM_OF_ICMPV4_TYPE", F::kDecimal, false},
    {kIcmpCode, "icmp_code", "icmp_code", 1, 8, Nxm0(14), Oxm(20), "NXM_OF_ICMP_CODE",
     "OXM_OF_ICMPV4_CODE", F::kDecimal, false},
    {kIcmpv6Type, "icmpv6_type", "icmpv6_type", 1, 8, Nxm1(21), Oxm(29), "NXM_NX_ICMPV6_TYPE",
     "OXM_OF_ICMPV6_TYPE", F::kDecimal, false},
    {kIcmpv6Code, "icmpv6_code", "icmpv6_code", 1, 8, Nxm1(22), Oxm(30), "NXM_NX_ICMPV6_CODE",
     "OXM_OF_ICMPV6_CODE", F::kDecimal, false},
    {kNdTarget, "nd_target", "nd_target", 16, 128, Nxm1(23), Oxm(31), "NXM_NX_ND_TARGET",
     "OXM_OF_IPV6_ND_TARGET", F::kIpv6, true},
    {kNdSll, "nd_sll", "nd_sll", 6, 48, Nxm1(24), Oxm(32), "NXM_NX_ND_SLL", "OXM_OF_IPV6_ND_SLL",
     F::kMac, true},
    {kNdTll, "nd_tll", "nd_tll", 6, 48, Nxm1(25), Oxm(33), "NXM_NX_ND_TLL", "OXM_OF_IPV6_ND_TLL",
     F::kMac, true},
    {kArpOp, "arp_op", "arp_op", 2, 16, Nxm0(15), Oxm(21), "NXM_OF_ARP_OP", "OXM_OF_ARP_OP",
     F::kDecimal, false},
    {kArpSpa, "arp_spa", "arp_spa", 4, 32, Nxm0(16), Oxm(22), "NXM_OF_ARP_SPA", "OXM_OF_ARP_SPA",
     F::kIpv4, true},
    {kArpTpa, "arp_tpa", "arp_tpa", 4, 32, Nxm0(17), Oxm(23), "NXM_OF_ARP_TPA", "OXM_OF_ARP_TPA",
     F::kIpv4, true},
    {kArpSha, "arp_sha", "arp_sha", 6, 48, Nxm1(17), Oxm(24), "NXM_NX_ARP_SHA", "OXM_OF_ARP_SHA",
     F::kMac, true},
    {kArpTha, "arp_tha", "arp_tha", 6, 48, Nxm1(18), Oxm(25), "NXM_NX_ARP_THA", "OXM_OF_ARP_THA",
     F::kMac, true},
    {kTunId, "tun_id", "tun_id", 8, 64, Nxm1(16), Oxm(38), "NXM_NX_TUN_ID", "OXM_OF_TUNNEL_ID",
     F::kHex, true},
    {kTunSrc, "tun_src", "tun_src", 4, 32, Nxm1(31), 0, "NXM_NX_TUN_IPV4_SRC", "", F::kIpv4, true},
    {kTunDst, "tun_dst", "tun_dst", 4, 32, Nxm1(32), 0, "NXM_NX_TUN_IPV4_DST", "", F::kIpv4, true},
    {kTunIpv6Src, "tun_ipv6_src", "tun_ipv6_src", 16, 128, Nxm1(109), 0, "NXM_NX_TUN_IPV6_SRC", "",
     F::kIpv6, true},
    {kTunIpv6Dst, "tun_ipv6_dst", "tun_ipv6_dst", 16, 128, Nxm1(110), 0, "NXM_NX_TUN_IPV6_DST", "",
     F::kIpv6, true},
#define OUTRIDER_REGISTER(n)                                                                  \
  {                                                                                           \
    static_cast<Field>(static_cast<int>(kReg0) + (n)), "reg" #n, "reg" #n, 4, 32, Nxm1(n), 0, \
        "NXM_NX_REG" #n, "", F::kHex, true                                                    \
  }
    OUTRIDER_REGISTER(0),
    OUTRIDER_REGISTER(1),
    OUTRIDER_REGISTER(2),
    OUTRIDER_REGISTER(3),
    OUTRIDER_REGISTER(4),
    OUTRIDER_REGISTER(5),
    OUTRIDER_REGISTER(6),
    OUTRIDER_REGISTER(7),
    OUTRIDER_REGISTER(8),
    OUTRIDER_REGISTER(9),
    OUTRIDER_REGISTER(10),
    OUTRIDER_REGISTER(11),
    OUTRIDER_REGISTER(12),
    OUTRIDER_REGISTER(13),
    OUTRIDER_REGISTER(14),
    OUTRIDER_REGISTER(15),
#undef OUTRIDER_REGISTER
    {kPktMark, "pkt_mark", "pkt_mark", 4, 32, Nxm1(33), 0, "NXM_NX_PKT_MARK", "", F::kHex, true},
    {kCtState, "ct_state", "ct_state", 4, 32, Nxm1(105), 0, "NXM_NX_CT_STATE", "", F::kCtState,
     true},
    {kCtZone, "ct_zone", "ct_zone", 2, 16, Nxm1(106), 0, "NXM_NX_CT_ZONE", "", F::kHex, false},
    {kCtMark, "ct_mark", "ct_mark", 4, 32, Nxm1(107), 0, "NXM_NX_CT_MARK", "", F::kHex, true},
    {kCtLabel, "ct_label", "ct_label", 16, 128, Nxm1(108), 0, "NXM_NX_CT_LABEL", "", F::kHex, true},
    {kMetadata, "metadata", "metadata", 8, 64, 0, Oxm(2), "", "OXM_OF_METADATA", F::kHex, true},
    {kVlanVid, "vlan_vid", "vlan_vid", 2, 13, 0, Oxm(6), "", "OXM_OF_VLAN_VID", F::kDecimal, true},
    {kVlanPcp, "vlan_pcp", "vlan_pcp", 1, 3, 0, Oxm(7), "", "OXM_OF_VLAN_PCP", F::kDecimal, false},
};

constexpr bool InOrder() {
  for (size_t i = 0; i < std::size(kFields); ++i) {
    if (static_cast<size_t>(kFields[i].field) != i) return false;
  }
  return std::size(kFields) == static_cast<size_t>(Field::kCount);
}
static_assert(InOrder(), "kFields is indexed by Field");

}  // namespace

const FieldInfo& InfoOf(Field field) { return kFields[static_cast<size_t>(field)]; }

std::span<const FieldInfo> AllFields() { return kFields; }

const FieldInfo* FindField(const std::string& name) {
  if (name.empty()) return nullptr;
  for (const FieldInfo& info : kFields) {
    if (name == info.name || name == info.oxm_style_name) return &info;
    if (strcasecmp(name.c_str(), info.nxm_name) == 0) return &info;
    if (strcasecmp(name.c_str(), info.oxm_name) == 0) return &info;
  }
  return nullptr;
}

const FieldInfo* FindFieldByHeader(uint32_t header) {
  const uint32_t number = HeaderNumber(header);
  for (const FieldInfo& info : kFields) {
    if (*info.nxm_name != 0 && info.nxm == number) return &info;
    if (*info.oxm_name != 0 && info.oxm == number) return &info;
  }
  return nullptr;
}

}  // namespace outrider::openflow
