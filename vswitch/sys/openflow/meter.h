// Meters and groups (OpenFlow 1.3). Values; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_METER_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_METER_H_

#include <vector>

#include "vswitch/sys/openflow/actions.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {

struct MeterBand {
  uint16_t type = kBandDrop;
  // kbit/s or packets/s, by the meter's flags; kbit or packets.
  uint32_t rate = 0, burst = 0;
  // Of kBandDscpRemark.
  uint8_t precedence = 0;
  bool operator==(const MeterBand&) const = default;
};

struct MeterConfig {
  uint32_t meter = 0;
  // MeterFlag.
  uint16_t flags = 0;
  std::vector<MeterBand> bands = {};
  bool operator==(const MeterConfig&) const = default;
};
void Encode(const MeterConfig& meter, WireWriter& out);
MeterConfig DecodeMeterConfig(WireReader& in);

struct BandStats {
  uint64_t packets = 0, bytes = 0;
  bool operator==(const BandStats&) const = default;
};
struct MeterStats {
  uint32_t meter = 0;
  uint32_t flows = 0;
  uint64_t packets = 0, bytes = 0;
  uint32_t duration_s = 0, duration_ns = 0;
  std::vector<BandStats> bands = {};
  bool operator==(const MeterStats&) const = default;
};
void Encode(const MeterStats& stats, WireWriter& out);
MeterStats DecodeMeterStats(WireReader& in);

struct MeterFeatures {
  uint32_t max_meter = 0;
  // A bit per band type and MeterFlag.
  uint32_t band_types = 0, capabilities = 0;
  uint8_t max_bands = 0, max_color = 0;
  bool operator==(const MeterFeatures&) const = default;
};

// Numbers of ofp_group_type.
enum class GroupType : uint8_t { kAll, kSelect, kIndirect, kFastFailover };

struct Bucket {
  uint16_t weight = 0;
  uint32_t watch_port = kPortAny, watch_group = kGroupAny;
  std::vector<Action> actions = {};
  bool operator==(const Bucket&) const = default;
};
struct GroupDesc {
  uint32_t group = 0;
  GroupType type = GroupType::kAll;
  std::vector<Bucket> buckets = {};
  bool operator==(const GroupDesc&) const = default;
};
void Encode(const GroupDesc& group, WireWriter& out);
absl::StatusOr<GroupDesc> DecodeGroupDesc(WireReader& in);

struct GroupStats {
  uint32_t group = 0;
  uint32_t references = 0;
  uint64_t packets = 0, bytes = 0;
  uint32_t duration_s = 0, duration_ns = 0;
  std::vector<BandStats> buckets = {};
  bool operator==(const GroupStats&) const = default;
};
void Encode(const GroupStats& stats, WireWriter& out);
GroupStats DecodeGroupStats(WireReader& in);

// By GroupType.
struct GroupFeatures {
  uint32_t types = 0, capabilities = 0;
  std::array<uint32_t, 4> max_groups{};
  std::array<uint32_t, 4> actions{};
  bool operator==(const GroupFeatures&) const = default;
};

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_METER_H_
