// A flow as `ofproto/trace` is given it ("in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80"), and the frame
// it stands for. Values; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_TRACE_FLOW_H_
#define OUTRIDER_VSWITCH_OVS_TRACE_FLOW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::ovs {

struct TraceFlow {
  // Name or number; empty: not given.
  std::string in_port = {};
  MacAddress dl_src = {};
  MacAddress dl_dst = {};
  std::optional<uint16_t> dl_vlan = {};
  uint8_t dl_vlan_pcp = 0;
  // 0: none.
  uint16_t dl_type = 0;
  // Of ARP: the addresses of sender and target.
  IpAddress nw_src = {};
  IpAddress nw_dst = {};
  uint8_t nw_proto = 0;
  // With the two bits of ECN.
  uint8_t nw_tos = 0;
  uint8_t nw_ttl = 64;
  // Of ICMP: type and code; of ARP: the operation is in tp_src.
  uint16_t tp_src = 0;
  uint16_t tp_dst = 0;
  uint8_t tcp_flags = 0x02;
  MacAddress arp_sha = {};
  MacAddress arp_tha = {};

  // Texts of errors are ovs-vswitchd's.
  static absl::StatusOr<TraceFlow> Parse(const std::string& text);
  // Ethernet without FCS, at least 60 bytes, lengths and checksums right.
  std::vector<uint8_t> Frame() const;
  // In the order Open vSwitch prints flows.
  std::string ToString() const;
};

// The other way, as far as the headers go: what `ofproto/trace` shows of a packet it was given.
absl::StatusOr<std::vector<uint8_t>> FrameFromHex(const std::string& hex);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_TRACE_FLOW_H_
