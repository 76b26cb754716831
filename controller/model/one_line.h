// Text of a peer, fit to stand in a log line or an error message. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_ONE_LINE_H_
#define OUTRIDER_CONTROLLER_MODEL_ONE_LINE_H_

#include <cstddef>
#include <string>

namespace outrider::controller {

// What of a peer's text is worth repeating.
inline constexpr size_t kMaxPeerText = 200;

// `text`, UTF-8, without control characters ('?' in their place), so that it can neither begin a
// line of its own nor steer a terminal; cut after `max_bytes`, which "..." shows.
std::string OneLine(const std::string& text, size_t max_bytes = kMaxPeerText);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_ONE_LINE_H_
