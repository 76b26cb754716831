// Ports, queues and tables as OpenFlow tells of them. Values; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_PORT_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_PORT_H_

#include <string>
#include <vector>

#include "vswitch/sys/openflow/numbers.h"
#include "vswitch/sys/openflow/wire.h"
#include "vswitch/types/ids.h"

namespace outrider::openflow {

// ofp_phy_port of 1.0, ofp_port of 1.3.
struct PortDesc {
  uint32_t port = 0;
  MacAddress mac = {};
  // At most 15 bytes.
  std::string name = {};
  // PortConfig and PortState.
  uint32_t config = 0;
  uint32_t state = 0;
  // Bits of ofp_port_features; those of 1.0 and 1.3 differ above bit 6.
  uint32_t current = 0, advertised = 0, supported = 0, peer = 0;
  // kbit/s; not in 1.0.
  uint32_t current_kbps = 0, max_kbps = 0;
  bool operator==(const PortDesc&) const = default;
};
inline constexpr size_t kPortDesc10Bytes = 48;
inline constexpr size_t kPortDesc13Bytes = 64;
void Encode(const PortDesc& port, uint8_t version, WireWriter& out);
PortDesc DecodePortDesc(uint8_t version, WireReader& in);

// Counters that are not kept are kUnknownCount.
struct PortStats {
  uint32_t port = 0;
  uint64_t rx_packets = 0, tx_packets = 0, rx_bytes = 0, tx_bytes = 0;
  uint64_t rx_dropped = kUnknownCount, tx_dropped = kUnknownCount;
  uint64_t rx_errors = kUnknownCount, tx_errors = kUnknownCount;
  uint64_t rx_frame_errors = kUnknownCount, rx_overruns = kUnknownCount;
  uint64_t rx_crc_errors = kUnknownCount, collisions = kUnknownCount;
  // Not in 1.0.
  uint32_t duration_s = 0, duration_ns = 0;
  bool operator==(const PortStats&) const = default;
};
void Encode(const PortStats& stats, uint8_t version, WireWriter& out);
PortStats DecodePortStats(uint8_t version, WireReader& in);

struct QueueStats {
  uint32_t port = 0, queue = 0;
  uint64_t tx_bytes = kUnknownCount, tx_packets = kUnknownCount, tx_errors = kUnknownCount;
  // Not in 1.0. All ones: not known.
  uint32_t duration_s = ~uint32_t{0}, duration_ns = ~uint32_t{0};
  bool operator==(const QueueStats&) const = default;
};
void Encode(const QueueStats& stats, uint8_t version, WireWriter& out);
QueueStats DecodeQueueStats(uint8_t version, WireReader& in);

struct TableStats {
  uint8_t table = 0;
  uint32_t active = 0;
  uint64_t lookups = 0, matches = 0;
  // Only in 1.0: at most 31 bytes of name, bits of ofp_flow_wildcards.
  std::string name = {};
  uint32_t wildcards = 0;
  uint32_t max_entries = 0;
  bool operator==(const TableStats&) const = default;
};
void Encode(const TableStats& stats, uint8_t version, WireWriter& out);
TableStats DecodeTableStats(uint8_t version, WireReader& in);

// ofp_table_features of 1.3; properties as they are on the wire, without their padding.
struct TableProperty {
  uint16_t type = 0;
  Bytes value = {};
  bool operator==(const TableProperty&) const = default;
};
struct TableFeatures {
  uint8_t table = 0;
  std::string name = {};
  uint64_t metadata_match = 0, metadata_write = 0;
  uint32_t config = 0;
  uint32_t max_entries = 0;
  std::vector<TableProperty> properties = {};
  bool operator==(const TableFeatures&) const = default;
};
void Encode(const TableFeatures& features, WireWriter& out);
TableFeatures DecodeTableFeatures(WireReader& in);

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_PORT_H_
