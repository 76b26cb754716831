// Bodies of statistics messages, behind type and flags; the inner part of message.h, used by it
// alone. Any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_STATS_CODEC_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_STATS_CODEC_H_

#include "vswitch/sys/openflow/message.h"

namespace outrider::openflow {

// Which statistics a body is about; nullopt: it is no such message.
struct StatsKind {
  StatsType type = kStatsDesc;
  bool reply = false;
  // Of 1.0's Nicira messages, with type kStatsVendor.
  std::optional<uint32_t> nicira;
};
std::optional<StatsKind> KindOf(const Body& body, uint8_t version);

// `kind` as from the wire. Opaque with an error: not known.
absl::StatusOr<Body> DecodeStats(uint8_t version, const StatsKind& kind, WireReader& in);
void EncodeStats(uint8_t version, const Body& body, WireWriter& out);

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_STATS_CODEC_H_
