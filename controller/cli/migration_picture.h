// A migration as a picture in text: phases, receipts, peers and the timeline with relative times.
//
// Pure functions of the record; must not ask anybody. Times are of the host named in each event and
// relative to the first event, so clocks of hosts that differ show. Any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_MIGRATION_PICTURE_H_
#define OUTRIDER_CONTROLLER_CLI_MIGRATION_PICTURE_H_

#include <string>

#include "outrider/v1/migration.pb.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller::cli {

// True for COMMITTED and ABORTED.
bool IsFinished(const v1::Migration& migration);

// "migration "m1": ARMED, vm "web-1", h1 -> h2", with the reason when there is one.
std::string MigrationHeadline(const v1::Migration& migration);

// One event of the timeline: "    +12.4 ms  h2          receipt  <port> <detail>".
std::string TimelineLine(const v1::Migration& migration, const v1::MigrationEvent& event);

// Everything: headline, phases with their times, receipts, peers, timeline.
std::string MigrationPicture(const v1::Migration& migration);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_MIGRATION_PICTURE_H_
