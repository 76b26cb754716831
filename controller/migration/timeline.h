// What a migration record says of itself: its timeline, and the figures derived from it. Internal
// to migration.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_TIMELINE_H_
#define OUTRIDER_CONTROLLER_MIGRATION_TIMELINE_H_

#include <string>

#include "outrider/v1/migration.pb.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller {

// `host` of events the controller itself made.
inline constexpr char kController[] = "controller";

// Detail of "detached": the host itself has not said so.
inline constexpr char kEvacuatedDetail[] = "the host was evacuated";

// Whether the timeline has an event of the kind, by the host, for the port (empty: any).
bool HasEvent(const v1::Migration& migration, const std::string& kind, const std::string& host,
              const std::string& port_id);

// Controller's clock at the newest event of the kind; 0 when there is none.
int64_t RecordedAt(const v1::Migration& migration, const std::string& kind);

// Fills converge_p50_us, p99 and max from the peers' events: nearest-rank percentiles.
void SummarizeConvergence(v1::Migration* migration);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_TIMELINE_H_
