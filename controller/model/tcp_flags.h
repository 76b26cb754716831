// TCP flags as rules name them: "syn,!ack".
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_TCP_FLAGS_H_
#define OUTRIDER_CONTROLLER_MODEL_TCP_FLAGS_H_

#include <cstdint>
#include <string>

#include "controller/model/status.h"

namespace outrider::controller {

// A segment matches when its flags, under `mask`, are `value`. Bits as in the header: FIN is the
// lowest, CWR the highest (RFC 9293, 3.1).
struct TcpFlags {
  uint8_t mask = 0;
  uint8_t value = 0;

  bool operator==(const TcpFlags&) const = default;
  // Canonical text: lowest bit first, no blanks. Empty for an empty mask.
  std::string Text() const;
};

// Words separated by commas, '!' before those that must not be set; case and blanks do not matter.
// Empty text is an empty mask. InvalidArgument, without subject: an unknown word, or one that is
// both asked for and excluded.
absl::StatusOr<TcpFlags> ParseTcpFlags(const std::string& text);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_TCP_FLAGS_H_
