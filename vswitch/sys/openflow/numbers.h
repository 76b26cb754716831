// The numbers of OpenFlow 1.0 (wire version 1) and 1.3 (wire version 4) and of the Nicira
// extensions that Open vSwitch's tools use. Values only; any thread.
//
// Ports and groups are held as in 1.3 (32 bits) whatever the version on the wire.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_NUMBERS_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_NUMBERS_H_

#include <cstddef>
#include <cstdint>

namespace outrider::openflow {

inline constexpr uint8_t kVersion10 = 1;
inline constexpr uint8_t kVersion13 = 4;

// OpenFlow 1.3.5, 7.1: every message begins with version, type, length and xid.
inline constexpr size_t kHeaderBytes = 8;

// Types that both versions share have one number; where they differ the name says whose it is.
enum MessageType : uint8_t {
  kHello = 0,
  kError = 1,
  kEchoRequest = 2,
  kEchoReply = 3,
  kVendor = 4,  // "experimenter" in 1.3
  kFeaturesRequest = 5,
  kFeaturesReply = 6,
  kGetConfigRequest = 7,
  kGetConfigReply = 8,
  kSetConfig = 9,
  kPacketIn = 10,
  kFlowRemoved = 11,
  kPortStatus = 12,
  kPacketOut = 13,
  kFlowMod = 14,
  k10PortMod = 15,
  k10StatsRequest = 16,
  k10StatsReply = 17,
  k10BarrierRequest = 18,
  k10BarrierReply = 19,
  k10QueueGetConfigRequest = 20,
  k13GroupMod = 15,
  k13PortMod = 16,
  k13TableMod = 17,
  k13MultipartRequest = 18,
  k13MultipartReply = 19,
  k13BarrierRequest = 20,
  k13BarrierReply = 21,
  k13QueueGetConfigRequest = 22,
  k13RoleRequest = 24,
  k13RoleReply = 25,
  k13GetAsyncRequest = 26,
  k13SetAsync = 28,
  k13MeterMod = 29,
};

enum StatsType : uint16_t {
  kStatsDesc = 0,
  kStatsFlow = 1,
  kStatsAggregate = 2,
  kStatsTable = 3,
  kStatsPort = 4,
  kStatsQueue = 5,
  kStatsGroup = 6,
  kStatsGroupDesc = 7,
  kStatsGroupFeatures = 8,
  kStatsMeter = 9,
  kStatsMeterConfig = 10,
  kStatsMeterFeatures = 11,
  kStatsTableFeatures = 12,
  kStatsPortDesc = 13,  // Open vSwitch answers it in 1.0 too
  kStatsVendor = 0xffff,
};

// Nicira (nicira-ext.h of Open vSwitch).
inline constexpr uint32_t kNiciraVendor = 0x00002320;
// The Open Networking Foundation's experimenter id: 1.4's bundles in 1.3.
inline constexpr uint32_t kOnfVendor = 0x4f4e4600;
enum NiciraType : uint32_t {
  kNxtRoleRequest = 10,
  kNxtRoleReply = 11,
  kNxtSetFlowFormat = 12,
  kNxtFlowMod = 13,
  kNxtFlowModTableId = 15,
};
enum NiciraStats : uint32_t {
  kNxstFlow = 0,
  kNxstAggregate = 1,
  kNxstGroup = 7,
  kNxstGroupDesc = 8,
  kNxstGroupFeatures = 9,
};
enum FlowFormat : uint32_t { kFlowFormatOpenFlow10 = 0, kFlowFormatNxm = 2 };

enum Port : uint32_t {
  kPortMax = 0xffffff00,
  kPortInPort = 0xfffffff8,
  kPortTable = 0xfffffff9,
  kPortNormal = 0xfffffffa,
  kPortFlood = 0xfffffffb,
  kPortAll = 0xfffffffc,
  kPortController = 0xfffffffd,
  kPortLocal = 0xfffffffe,
  kPortAny = 0xffffffff,  // "none" in 1.0
};
inline constexpr uint32_t kGroupAny = 0xffffffff;
inline constexpr uint32_t kGroupAll = 0xfffffffc;
inline constexpr uint32_t kMeterAll = 0xffffffff;
inline constexpr uint32_t kQueueAll = 0xffffffff;
inline constexpr uint8_t kTableAll = 0xff;
inline constexpr uint32_t kNoBuffer = 0xffffffff;
// A counter that the switch does not keep.
inline constexpr uint64_t kUnknownCount = ~uint64_t{0};

// A port number as 1.0 has it, and back (OpenFlow 1.3.5, 7.2.1: reserved ports keep the low bits).
inline uint16_t Port10(uint32_t port) { return static_cast<uint16_t>(port); }
inline uint32_t PortFrom10(uint16_t port) { return port >= 0xff00 ? 0xffff0000u | port : port; }

enum ErrorType : uint16_t {
  kHelloFailed = 0,
  kBadRequest = 1,
  kBadAction = 2,
  k10FlowModFailed = 3,
  k13BadMatch = 4,
  k13MeterModFailed = 12,
  k13TableFeaturesFailed = 13,
};
// Codes of kHelloFailed and kBadRequest: the same in both versions.
inline constexpr uint16_t kHelloIncompatible = 0;
enum BadRequestCode : uint16_t {
  kBadVersion = 0,
  kBadType = 1,
  kBadStat = 2,
  kBadVendor = 3,
  kBadSubtype = 4,
  kEperm = 5,
  kBadLength = 6,
  k13BadPort = 11,
};
// Codes of k13BadMatch.
inline constexpr uint16_t kBadMatchField = 6;

struct ErrorCode {
  uint16_t type = 0;
  uint16_t code = 0;
  bool operator==(const ErrorCode&) const = default;
};

enum PortConfig : uint32_t {
  kPortDown = 1 << 0,
  k10NoStp = 1 << 1,
  kNoRecv = 1 << 2,
  k10NoRecvStp = 1 << 3,
  k10NoFlood = 1 << 4,
  kNoForward = 1 << 5,
  kNoPacketIn = 1 << 6,
};
enum PortState : uint32_t { kLinkDown = 1 << 0, k13Blocked = 1 << 1, k13Live = 1 << 2 };

enum FlowModCommand : uint8_t { kAdd, kModify, kModifyStrict, kDelete, kDeleteStrict };
enum FlowFlag : uint16_t {
  kSendFlowRemoved = 1 << 0,
  kCheckOverlap = 1 << 1,
  k13ResetCounts = 1 << 2,
  k13NoPacketCounts = 1 << 3,
  k13NoByteCounts = 1 << 4,
};
enum MeterFlag : uint16_t {
  kMeterKbps = 1 << 0,
  kMeterPktps = 1 << 1,
  kMeterBurst = 1 << 2,
  kMeterStats = 1 << 3,
};
inline constexpr uint16_t kBandDrop = 1;
inline constexpr uint16_t kBandDscpRemark = 2;

// ofp_capabilities.
enum Capability : uint32_t {
  kFlowStats = 1 << 0,
  kTableStats = 1 << 1,
  kPortStats = 1 << 2,
  k10Stp = 1 << 3,
  k13GroupStats = 1 << 3,
  kIpReassembly = 1 << 5,
  kQueueStats = 1 << 6,
  k10ArpMatchIp = 1 << 7,
  k13PortBlocked = 1 << 8,
};

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_NUMBERS_H_
