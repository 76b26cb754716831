// Where a stream goes or comes from, in Open vSwitch's notation (ovsdb(7), "Connection Methods").
// A value; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_STREAM_ADDRESS_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_STREAM_ADDRESS_H_

#include <cstdint>
#include <string>

#include "vswitch/types/status.h"

namespace outrider::stream {

struct StreamAddress {
  enum class Kind { kUnix, kTcp, kTls };
  Kind kind = Kind::kUnix;
  // "punix:", "ptcp:", "pssl:": others connect to us.
  bool passive = false;
  // Of kUnix.
  std::string path = {};
  // An IPv4 or IPv6 address in text, no name; a passive one may be "": any.
  std::string host = {};
  // A passive one may be 0: the kernel chooses.
  uint16_t port = 0;

  // "unix:PATH", "tcp:HOST[:PORT]", "ssl:HOST[:PORT]", "punix:PATH", "ptcp:[PORT][:HOST]",
  // "pssl:[PORT][:HOST]"; IPv6 addresses stand in brackets. InvalidArgument quotes the text.
  static absl::StatusOr<StreamAddress> Parse(const std::string& text, uint16_t default_port);
  // The same notation back, with the port.
  std::string ToString() const;
  bool operator==(const StreamAddress&) const = default;
};

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_STREAM_ADDRESS_H_
