// Which migrations wait for an acknowledgement, and whether it says what they wait for. Internal to
// migration.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_OWED_ACK_H_
#define OUTRIDER_CONTROLLER_MIGRATION_OWED_ACK_H_

#include <string>
#include <vector>

#include "controller/model/model.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

struct OwedAck {
  std::string migration;
  // What of the move is not in force at the host all the same; empty: all of it is.
  std::string failures;
};

// The migrations to which `host` owes this acknowledgement; usually none.
std::vector<OwedAck> OwedBy(const Model& model, const std::string& host, const v1::Ack& ack);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_OWED_ACK_H_
