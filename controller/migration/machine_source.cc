// What becomes of a migration when a host lets go of a port.
#include <fmt/format.h>

#include <algorithm>

#include "controller/migration/step.h"

namespace outrider::controller {

absl::Status Step::operator()(const DetachedEvent& input) {
  if (!Moves(input.port_id)) return absl::OkStatus();
  if (input.host == before_.source()) DetachedAtSource(input);
  if (input.host == before_.destination()) DetachedAtDestination(input);
  return absl::OkStatus();
}

void Step::DetachedAtSource(const DetachedEvent& input) {
  const std::string& port = input.port_id;
  // A source that lets go of a guest which the destination has a device for hands it over.
  const bool hands_over =
      Is(v1::MIGRATION_PHASE_ARMED) && HasEvent(before_, "attached", before_.destination(), port);
  if (Expecting() && !hands_over) {
    return AbortNow(fmt::format("port {} was detached at the source", port));
  }
  const bool news =
      hands_over || (Is(v1::MIGRATION_PHASE_SWITCHING) && !SourceLetGo(before_, port));
  if (news) Record(input.time_us, input.host, "detached", port, "");
  if (hands_over) {
    Switch(input.time_us, input.host, "source detached the port", input.peers);
  } else if (news) {
    CommitWhenDone();
  }
}

void Step::DetachedAtDestination(const DetachedEvent& input) {
  if (Expecting()) {
    AbortNow(fmt::format("port {} was detached at the destination", input.port_id));
  } else if (Is(v1::MIGRATION_PHASE_SWITCHING) && !GuestSeen()) {
    // Once the guest runs there, a NIC it loses is not the VM coming back.
    AbortNow(fmt::format("port {} was detached at the destination before the guest was seen there",
                         input.port_id));
  }
}

}  // namespace outrider::controller
