// What every world, and one at rest, is held to.
#include <fmt/format.h>

#include "tests/controller/migration/move_steps.h"

namespace outrider::controller::move_model {
namespace {

bool Forwards(const Host& host) {
  return host.wanted.hold == Hold::kActive || host.wanted.hold == Hold::kOpened;
}

}  // namespace

std::string Steps::Check(const World& world) const {
  const Host& source = world.hosts[kSource];
  const Host& destination = world.hosts[kDestination];
  if (Forwards(source) && Forwards(destination) &&
      source.wanted.epoch == destination.wanted.epoch) {
    return "two hosts forward for the port in one epoch";
  }
  const RecordView& record = View(world);
  if (record.switching() && world.place == kSource) return "switching, and yet at the source";
  if (record.expecting() && world.place == kDestination) return "moved before the switchover";
  return "";
}

std::string Steps::CheckAtRest(const World& world) const {
  if (!View(world).ended()) return "it never ends";
  if (world.guest == Guest::kDead) return "";
  if (world.guest == Guest::kPaused) return "the guest is left paused";
  const int there = world.guest == Guest::kAtSource ? kSource : kDestination;
  const Host& host = world.hosts[there];
  if (world.place != there)
    return fmt::format("the guest runs at h{}, which has not the port", there + 1);
  const bool in_force = host.wanted.hold == Hold::kActive && host.wanted.epoch == world.epoch;
  if (!in_force || host.redirected != 0) return "the host that has the port does not forward";
  const Host& former = world.hosts[there == kSource ? kDestination : kSource];
  if (former.alive != 0 && former.wanted.hold != Hold::kNothing) return "two hosts have the port";
  const bool follows = world.hosts[kOther].wanted.hold == Hold::kActive;
  return follows == (there == kDestination) ? "" : "the other host sends to the wrong one";
}

}  // namespace outrider::controller::move_model
