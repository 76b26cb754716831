// The fields a flow matches on or an action sets: their sizes, headers on the wire (NXM of Nicira,
// OXM of OpenFlow 1.2 and later) and the names people and Open vSwitch's tools use. A constant
// table; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_FIELDS_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_FIELDS_H_

#include <cstdint>
#include <span>
#include <string>

namespace outrider::openflow {

// In the order Open vSwitch writes them: matches then compare equal byte by byte.
enum class Field : uint8_t {
  kPacketType,  // 0: Ethernet
  kConjId,
  kInPort,
  kEthSrc,
  kEthDst,
  kEthType,
  kVlanTci,  // 802.1Q tag control information; bit 12: there is a tag
  kMplsLabel,
  kMplsTc,
  kMplsBos,
  kIpv4Src,
  kIpv4Dst,
  kIpv6Src,
  kIpv6Dst,
  kIpv6Label,
  kIpFrag,
  kIpTos,  // the six bits of DSCP in place
  kIpEcn,
  kIpTtl,
  kIpProto,
  kTcpSrc,
  kTcpDst,
  kTcpFlags,
  kUdpSrc,
  kUdpDst,
  kSctpSrc,
  kSctpDst,
  kIcmpType,
  kIcmpCode,
  kIcmpv6Type,
  kIcmpv6Code,
  kNdTarget,
  kNdSll,
  kNdTll,
  kArpOp,
  kArpSpa,
  kArpTpa,
  kArpSha,
  kArpTha,
  kTunId,
  kTunSrc,
  kTunDst,
  kTunIpv6Src,
  kTunIpv6Dst,
  kReg0,  // kReg0 + n, n up to 15
  kReg15 = kReg0 + 15,
  kPktMark,
  kCtState,
  kCtZone,
  kCtMark,
  kCtLabel,
  kMetadata,
  // Only in actions: a match has them in kVlanTci.
  kVlanVid,
  kVlanPcp,
  kCount,
};

// How people read and write a value.
enum class FieldFormat : uint8_t {
  kDecimal,
  kHex,
  kMac,
  kIpv4,
  kIpv6,
  kPort,
  kFrag,
  kTcpFlags,
  kCtState,
};

struct FieldInfo {
  Field field;
  // Of the table's own spelling: "nw_src", "ip_src". Both are understood.
  const char* name;
  const char* oxm_style_name;
  uint8_t bytes;
  uint8_t bits;
  // class << 16 | field << 9, without mask bit and length; 0 beside an empty name: none.
  uint32_t nxm;
  uint32_t oxm;
  // "NXM_OF_IN_PORT"; empty: none.
  const char* nxm_name;
  const char* oxm_name;
  FieldFormat format;
  bool maskable;
};

// By Field.
const FieldInfo& InfoOf(Field field);
std::span<const FieldInfo> AllFields();
// nullptr: none of that name. `name`: either spelling, or that of NXM or OXM.
const FieldInfo* FindField(const std::string& name);
// By the upper 24 bits of a header, nullptr: not known.
const FieldInfo* FindFieldByHeader(uint32_t header);

inline constexpr uint32_t kHeaderHasMask = 0x100;
inline uint32_t HeaderNumber(uint32_t header) { return header & 0xfffffe00u; }

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_FIELDS_H_
