#include "vswitch/state/port_policy.h"

#include <fmt/format.h>

#include <set>

namespace outrider::state {
namespace {

constexpr uint8_t kMaxDscp = 63;

}  // namespace

absl::Status Validate(const DscpPolicy& dscp) {
  for (const auto& value : {dscp.mark, dscp.outer}) {
    if (value && *value > kMaxDscp)
      return absl::InvalidArgumentError(fmt::format("dscp {} exceeds 63", *value));
  }
  return absl::OkStatus();
}

absl::Status Validate(const Shaper& shaper) {
  if (shaper.max_kbps == 0 && shaper != Shaper{})
    return absl::InvalidArgumentError("shaper without a ceiling");
  if (shaper.min_kbps > shaper.max_kbps) {
    return absl::InvalidArgumentError(
        fmt::format("shaper guarantees {} kb/s, more than its ceiling of {}", shaper.min_kbps,
                    shaper.max_kbps));
  }
  if (shaper.max_kbps != 0 && shaper.burst_kb == 0)
    return absl::InvalidArgumentError("shaper without a burst");
  return absl::OkStatus();
}

absl::Status Validate(const std::vector<AllowedAddress>& allowed) {
  size_t rows = 0;
  std::set<MacAddress> seen;
  for (const AllowedAddress& entry : allowed) {
    rows += 1 + entry.prefixes.size();
    if (entry.mac.IsMulticast() || entry.mac.IsZero()) {
      return absl::InvalidArgumentError(
          fmt::format("allowed MAC {} is not a unicast address", entry.mac.ToString()));
    }
    if (!seen.insert(entry.mac).second) {
      return absl::InvalidArgumentError(
          fmt::format("allowed MAC {} is named twice", entry.mac.ToString()));
    }
  }
  if (rows > kMaxAllowedRows) {
    return absl::InvalidArgumentError(
        fmt::format("{} allowed MACs and prefixes, at most {} fit", rows, kMaxAllowedRows));
  }
  return absl::OkStatus();
}

}  // namespace outrider::state
