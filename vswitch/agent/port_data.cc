#include "vswitch/agent/port_data.h"

#include <absl/strings/numbers.h>
#include <absl/strings/strip.h>
#include <fmt/format.h>

namespace outrider::agent {
namespace {

constexpr char kPrefix[] = "outrider-1.";
// As migration ids everywhere.
constexpr size_t kMaxId = 63;
constexpr char kIdCharacters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
// Of what was refused, in messages.
constexpr size_t kQuoted = 80;

absl::Status Malformed(const std::string& text) {
  const bool plain = text.find_first_not_of(kIdCharacters) == std::string::npos;
  const std::string shown = plain && text.size() <= kQuoted
                                ? "\"" + text + "\""
                                : fmt::format("a text of {} bytes", text.size());
  return absl::InvalidArgumentError(fmt::format(
      "PortData: {} is not {}MIGRATION.EPOCH, as the agent of a migration's source gives it", shown,
      kPrefix));
}

}  // namespace

std::string ToString(const PortData& data) {
  return fmt::format("{}{}.{}", kPrefix, data.migration_id, static_cast<uint64_t>(data.epoch));
}

absl::StatusOr<PortData> ParsePortData(const std::string& text) {
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, kPrefix)) return Malformed(text);
  const size_t dot = rest.rfind('.');
  if (dot == absl::string_view::npos || dot == 0 || dot > kMaxId) return Malformed(text);
  const absl::string_view digits = rest.substr(dot + 1);
  uint64_t epoch = 0;
  PortData data;
  data.migration_id = std::string(rest.substr(0, dot));
  const bool is_id = data.migration_id.find_first_not_of(kIdCharacters) == std::string::npos;
  if (!is_id || !absl::SimpleAtoi(digits, &epoch)) return Malformed(text);
  data.epoch = Epoch{epoch};
  // One text for one token: no signs, spaces or leading zeros.
  if (ToString(data) != text) return Malformed(text);
  return data;
}

}  // namespace outrider::agent
