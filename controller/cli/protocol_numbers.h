// The numbers of IP protocols that commands know by name (IANA, Protocol Numbers).
#ifndef OUTRIDER_CONTROLLER_CLI_PROTOCOL_NUMBERS_H_
#define OUTRIDER_CONTROLLER_CLI_PROTOCOL_NUMBERS_H_

#include <cstdint>

namespace outrider::controller::cli {

inline constexpr uint8_t kIcmp = 1;
inline constexpr uint8_t kTcp = 6;
inline constexpr uint8_t kUdp = 17;
inline constexpr uint8_t kIcmpv6 = 58;
inline constexpr uint8_t kSctp = 132;

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_PROTOCOL_NUMBERS_H_
