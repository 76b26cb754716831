// Whether a host has room for ports that are to move there, beside those that it has and those that
// are on their way to it. Internal to migration.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_CAPACITY_H_
#define OUTRIDER_CONTROLLER_MIGRATION_CAPACITY_H_

#include <absl/status/status.h>

#include <cstdint>
#include <string>

#include "controller/model/model.h"

namespace outrider::controller {

// What a host has room for; 0: anything.
struct HostRoom {
  // Rows of its datapath's tables; stations are MACs of all its segments, wherever they are.
  uint64_t ports = 0;
  uint64_t segments = 0;
  uint64_t stations = 0;
  // What its ports may be guaranteed together (qos shaper min_kbps).
  uint64_t guaranteed_kbps = 0;
};

// By the datapath that it has reported.
HostRoom RoomOf(const v1::Host& host, uint64_t guaranteed_kbps);

// FailedPrecondition names what is short. `ports` are not there yet.
absl::Status CheckRoom(const Model& model, const NameSet& ports, const std::string& host,
                       const HostRoom& room);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_CAPACITY_H_
