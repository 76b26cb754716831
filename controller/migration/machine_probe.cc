// What a third host sees of the move: when it is to stop looking, and what it says then.
#include <fmt/format.h>

#include <algorithm>

#include "controller/migration/step.h"
#include "controller/migration/times.h"
#include "controller/model/model.h"
#include "controller/model/one_line.h"

namespace outrider::controller {

// Also of a migration that has ended. The host says the same more than once.
absl::Status Step::operator()(const ProbeEvent& input) {
  const std::string& port = input.result.port_id();
  const bool asked = !before_.probe_from().empty() && input.host == before_.probe_host() &&
                     input.result.from_port_id() == before_.probe_from() && Moves(port);
  if (!asked) return absl::OkStatus();
  v1::ProbeResult result = input.result;
  result.set_host(input.host);
  result.set_failure(OneLine(result.failure()));
  v1::ProbeResult& known = (*next().mutable_probes())[port];
  const bool news = known.SerializeAsString() != result.SerializeAsString();
  outcome_.changed |= news;
  known = std::move(result);
  return absl::OkStatus();
}

// The results are what ends the probes: the host's state has them no more, and it says what it saw.
void Step::EndProbes() {
  if (!IsProbing(before_)) return;
  const int64_t ended_us =
      std::max(RecordedAt(before_, "committed"), RecordedAt(before_, "aborted"));
  if (now_us_ - ended_us < kProbeAfterUs) return;
  for (const std::string& port : before_.port_ids()) {
    if (!IsProbed(before_, port)) continue;
    v1::ProbeResult& result = (*next().mutable_probes())[port];
    result.set_port_id(port);
    result.set_from_port_id(before_.probe_from());
    result.set_host(before_.probe_host());
    result.set_failure(fmt::format("host \"{}\" has not said what it saw", before_.probe_host()));
  }
  outcome_.changed = true;
}

}  // namespace outrider::controller
