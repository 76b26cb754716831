#include "controller/cli/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <limits>

namespace outrider::controller::cli {
namespace {

struct Unit {
  const char* name;
  int64_t millis;
};

// Falling order: "1h30m" is read front to back and a unit may not repeat or grow.
constexpr std::array<Unit, 5> kUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr int64_t kMaxMillis = 365 * kUnits[0].millis;

absl::Status BadDuration(const std::string& text, const std::string& why) {
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is not a duration ({}); write it like 500ms, 5s or 1h30m", text, why));
}

// Index into kUnits of the unit that begins at `at`, or kUnits.size(). The unit ends at the next
// digit or the end, which is what tells "m" from "ms".
size_t UnitAt(const std::string& text, size_t at, size_t* end) {
  *end = text.find_first_of("0123456789", at);
  if (*end == std::string::npos) *end = text.size();
  const std::string word = text.substr(at, *end - at);
  for (size_t i = 0; i < kUnits.size(); ++i) {
    if (word == kUnits[i].name) return i;
  }
  return kUnits.size();
}

}  // namespace

absl::StatusOr<std::chrono::milliseconds> ParseDuration(const std::string& text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return BadDuration(text, "it is empty");
  int64_t total = 0;
  size_t at = 0;
  size_t next_unit = 0;
  while (at < text.size()) {
    int64_t number = 0;
    const char* begin = text.data() + at;
    const auto parsed = std::from_chars(begin, text.data() + text.size(), number);
    if (parsed.ec != std::errc() || number < 0) return BadDuration(text, "a number is missing");
    at += static_cast<size_t>(parsed.ptr - begin);
    const size_t unit = UnitAt(text, at, &at);
    if (unit == kUnits.size()) return BadDuration(text, "units are ms, s, m, h, d");
    if (unit < next_unit) return BadDuration(text, "units go from large to small");
    next_unit = unit + 1;
    // Both factors are checked before the product, so that nothing overflows.
    if (number > kMaxMillis / kUnits[unit].millis) return BadDuration(text, "more than 365d");
    total += number * kUnits[unit].millis;
    if (total > kMaxMillis) return BadDuration(text, "more than 365d");
  }
  return std::chrono::milliseconds(total);
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  int64_t rest = duration.count();
  if (rest <= 0) return "0";
  // Below a minute with a fraction one number reads better than two: 1500ms, not 1s500ms.
  if (rest < kUnits[2].millis && rest % kUnits[3].millis != 0) return fmt::format("{}ms", rest);
  std::string out;
  for (const Unit& unit : kUnits) {
    if (const int64_t count = rest / unit.millis; count > 0) {
      out += fmt::format("{}{}", count, unit.name);
    }
    rest %= unit.millis;
  }
  return out;
}

uint32_t WireMillis(std::chrono::milliseconds duration) {
  constexpr int64_t kMax = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::clamp<int64_t>(duration.count(), 0, kMax));
}

std::string FormatMillis(int64_t microseconds) {
  return fmt::format("{:.1f} ms", static_cast<double>(microseconds) / 1000.0);
}

std::string FormatTime(int64_t microseconds) {
  if (microseconds == 0) return "-";
  const std::time_t seconds = microseconds / 1'000'000;
  std::tm utc = {};
  if (gmtime_r(&seconds, &utc) == nullptr) return fmt::format("{}s", seconds);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace outrider::controller::cli
