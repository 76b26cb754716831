// ofp_match of OpenFlow 1.0: a fixed structure and a word of wildcards (1.0.0, 5.2.3).
#include <algorithm>

#include "vswitch/sys/openflow/match.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {
namespace {

enum Wildcard : uint32_t {
  kWildInPort = 1 << 0,
  kWildVlan = 1 << 1,
  kWildEthSrc = 1 << 2,
  kWildEthDst = 1 << 3,
  kWildEthType = 1 << 4,
  kWildProto = 1 << 5,
  kWildTpSrc = 1 << 6,
  kWildTpDst = 1 << 7,
  kWildVlanPcp = 1 << 20,
  kWildTos = 1 << 21,
};
constexpr int kNwSrcShift = 8;
constexpr int kNwDstShift = 14;
constexpr uint16_t kVlanNone = 0xffff;
constexpr uint16_t kTagPresent = 0x1000;
constexpr uint16_t kVid = 0x0fff;
constexpr uint64_t kEthIpv4 = 0x0800;
constexpr uint64_t kEthArp = 0x0806;

// The fields that stand in the structure's places for this kind of packet.
struct Places {
  Field nw_src = Field::kIpv4Src, nw_dst = Field::kIpv4Dst;
  Field proto = Field::kIpProto;
  Field tp_src = Field::kTcpSrc, tp_dst = Field::kTcpDst;
  // Which of them mean something.
  bool nw = false, tp = false;
};

Places PlacesOf(uint64_t eth_type, uint64_t proto) {
  Places places;
  places.nw = eth_type == kEthIpv4 || eth_type == kEthArp;
  if (eth_type == kEthArp) {
    places.nw_src = Field::kArpSpa;
    places.nw_dst = Field::kArpTpa;
    places.proto = Field::kArpOp;
    return places;
  }
  if (eth_type != kEthIpv4) return places;
  places.tp = proto == 1 || proto == 6 || proto == 17 || proto == 132;
  if (proto == 1) {
    places.tp_src = Field::kIcmpType;
    places.tp_dst = Field::kIcmpCode;
  } else if (proto == 17) {
    places.tp_src = Field::kUdpSrc;
    places.tp_dst = Field::kUdpDst;
  } else if (proto == 132) {
    places.tp_src = Field::kSctpSrc;
    places.tp_dst = Field::kSctpDst;
  }
  return places;
}

Places PlacesOf(const Match& match) {
  return PlacesOf(match.Exact(Field::kEthType).value_or(0),
                  match.Exact(Field::kIpProto).value_or(0));
}

// Bits of an address that are not matched: 0..32. -1: the mask is no prefix.
int WildBits(const Match& match, Field field) {
  const FieldValue* entry = match.Find(field);
  if (entry == nullptr) return 32;
  const auto mask = static_cast<uint32_t>(FieldNumber(field, entry->mask));
  const int zeros = mask == 0 ? 32 : __builtin_ctz(mask);
  return mask == ~uint32_t{0} << zeros ? zeros : -1;
}

void SetAddress(Match& match, Field field, uint32_t address, uint32_t wild_bits) {
  if (wild_bits >= 32) return;
  match.Set(field, address, uint64_t{0xffffffff} << wild_bits & 0xffffffff);
}

bool FitsVlan(const Match& match) {
  const FieldValue* tci = match.Find(Field::kVlanTci);
  if (tci == nullptr) return true;
  const uint64_t mask = FieldNumber(Field::kVlanTci, tci->mask);
  const uint64_t value = FieldNumber(Field::kVlanTci, tci->value);
  if (mask == 0xffff || mask == 0x1fff) return value == 0 || (value & kTagPresent) != 0;
  return mask == 0xf000 && (value & kTagPresent) != 0;
}

}  // namespace

bool FitsMatch10(const Match& match) {
  const Places places = PlacesOf(match);
  for (const auto& [field, entry] : match.fields()) {
    const bool exact = entry.mask == ExactMask(field);
    const bool always = field == Field::kInPort || field == Field::kEthSrc ||
                        field == Field::kEthDst || field == Field::kEthType;
    const bool ip = field == Field::kIpTos && match.Exact(Field::kEthType) == kEthIpv4;
    const bool proto = field == places.proto && places.nw && FieldNumber(field, entry.value) < 256;
    const bool tp = places.tp && (field == places.tp_src || field == places.tp_dst);
    if (exact && (always || ip || proto || tp)) continue;
    if (field == Field::kVlanTci && FitsVlan(match)) continue;
    const bool address = places.nw && (field == places.nw_src || field == places.nw_dst);
    if (address && WildBits(match, field) >= 0) continue;
    return false;
  }
  return true;
}

void EncodeMatch10(const Match& match, WireWriter& out) {
  uint32_t wild = 0;
  const auto exact = [&](Field field, Wildcard bit, bool applies = true) -> uint64_t {
    const FieldValue* entry = applies ? match.Find(field) : nullptr;
    if (entry == nullptr) wild |= bit;
    return entry == nullptr ? 0 : FieldNumber(field, entry->value);
  };
  const Places places = PlacesOf(match);
  const uint64_t in_port = exact(Field::kInPort, kWildInPort);
  const uint64_t eth_src = exact(Field::kEthSrc, kWildEthSrc);
  const uint64_t eth_dst = exact(Field::kEthDst, kWildEthDst);
  const uint64_t eth_type = exact(Field::kEthType, kWildEthType);
  const uint64_t tos = exact(Field::kIpTos, kWildTos);
  const uint64_t proto = exact(places.proto, kWildProto);
  const uint64_t tp_src = exact(places.tp_src, kWildTpSrc, places.tp);
  const uint64_t tp_dst = exact(places.tp_dst, kWildTpDst, places.tp);
  const uint64_t nw_src = exact(places.nw_src, Wildcard{}, places.nw);
  const uint64_t nw_dst = exact(places.nw_dst, Wildcard{}, places.nw);
  const int src_bits = places.nw ? WildBits(match, places.nw_src) : 32;
  const int dst_bits = places.nw ? WildBits(match, places.nw_dst) : 32;
  wild |= static_cast<uint32_t>(std::max(src_bits, 0)) << kNwSrcShift;
  wild |= static_cast<uint32_t>(std::max(dst_bits, 0)) << kNwDstShift;

  uint64_t vid = 0;
  uint64_t pcp = 0;
  if (const FieldValue* tci = match.Find(Field::kVlanTci); tci != nullptr) {
    const uint64_t mask = FieldNumber(Field::kVlanTci, tci->mask);
    const uint64_t value = FieldNumber(Field::kVlanTci, tci->value);
    if ((value & kTagPresent) == 0) {
      vid = kVlanNone;
    } else {
      if ((mask & kVid) == 0) wild |= kWildVlan;
      if ((mask & 0xe000) == 0) wild |= kWildVlanPcp;
      vid = value & kVid;
      pcp = value >> 13;
    }
  } else {
    wild |= kWildVlan | kWildVlanPcp;
  }

  out.U32(wild);
  out.U16(in_port & 0xffff);
  out.U48(eth_src);
  out.U48(eth_dst);
  out.U16(vid);
  out.U8(pcp);
  out.U8(0);
  out.U16(eth_type);
  out.U8(tos);
  out.U8(proto);
  out.U16(0);
  out.U32(nw_src);
  out.U32(nw_dst);
  out.U16(tp_src);
  out.U16(tp_dst);
}

Match DecodeMatch10(WireReader& in) {
  const uint32_t wild = in.U32();
  const uint32_t in_port = PortFrom10(in.U16());
  const uint64_t eth_src = in.U48();
  const uint64_t eth_dst = in.U48();
  const uint16_t vid = in.U16();
  const uint8_t pcp = in.U8();
  in.Skip(1);
  const uint16_t eth_type = in.U16();
  const uint8_t tos = in.U8();
  const uint8_t proto = in.U8();
  in.Skip(2);
  const uint32_t nw_src = in.U32();
  const uint32_t nw_dst = in.U32();
  const uint16_t tp_src = in.U16();
  const uint16_t tp_dst = in.U16();

  Match match;
  const auto set = [&](Field field, Wildcard bit, uint64_t value) {
    if ((wild & bit) == 0) match.Set(field, value);
  };
  set(Field::kInPort, kWildInPort, in_port);
  set(Field::kEthSrc, kWildEthSrc, eth_src);
  set(Field::kEthDst, kWildEthDst, eth_dst);
  set(Field::kEthType, kWildEthType, eth_type);
  if ((wild & kWildVlan) == 0 && vid == kVlanNone) {
    match.Set(Field::kVlanTci, 0, 0xffff);
  } else {
    const uint64_t vid_mask = (wild & kWildVlan) == 0 ? kVid | kTagPresent : 0;
    const uint64_t pcp_mask = (wild & kWildVlanPcp) == 0 ? 0xe000 | kTagPresent : 0;
    match.Set(Field::kVlanTci, (pcp & 7u) << 13 | kTagPresent | (vid & kVid), vid_mask | pcp_mask);
  }
  // Places that mean nothing for this kind of packet are not looked at (1.0.0, 3.4).
  const Places places =
      PlacesOf(match.Exact(Field::kEthType).value_or(0), (wild & kWildProto) == 0 ? proto : 0);
  if (!places.nw) return match;
  set(places.proto, kWildProto, proto);
  if (eth_type == kEthIpv4) set(Field::kIpTos, kWildTos, tos & 0xfc);
  SetAddress(match, places.nw_src, nw_src, wild >> kNwSrcShift & 0x3f);
  SetAddress(match, places.nw_dst, nw_dst, wild >> kNwDstShift & 0x3f);
  if (!places.tp) return match;
  set(places.tp_src, kWildTpSrc, tp_src);
  set(places.tp_dst, kWildTpDst, tp_dst);
  return match;
}

}  // namespace outrider::openflow
