// Durations and points in time as the command line writes and reads them.
//
// Owns the text forms "500ms", "5s", "1h30m" and the UTC stamps in tables; must not know commands
// or messages. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_DURATION_H_
#define OUTRIDER_CONTROLLER_CLI_DURATION_H_

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace outrider::controller::cli {

// Reads one or more <number><unit> with units ms, s, m, h, d in falling order ("1h30m"), or "0".
// At most 365 days. InvalidArgument quotes the text and shows the form.
absl::StatusOr<std::chrono::milliseconds> ParseDuration(const std::string& text);

// The shortest form ParseDuration reads back: "10s", "1h30m", "1500ms"; "0" for nothing.
std::string FormatDuration(std::chrono::milliseconds duration);

// The duration in whole milliseconds as a message field holds it. What does not fit becomes the
// largest value, which servers refuse, and not a small one they would believe.
uint32_t WireMillis(std::chrono::milliseconds duration);

// Microseconds as milliseconds with one decimal: 12345 is "12.3 ms".
std::string FormatMillis(int64_t microseconds);

// UTC to the second, "2023-11-14 22:13:20Z", of microseconds since the Unix epoch; "-" for 0. UTC,
// so that two hosts' answers can be compared.
std::string FormatTime(int64_t microseconds);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_DURATION_H_
