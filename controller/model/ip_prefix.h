// IP addresses and prefixes as the model needs them: parse, canonical text, family.
//
// Values; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_IP_PREFIX_H_
#define OUTRIDER_CONTROLLER_MODEL_IP_PREFIX_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace outrider::controller {

struct IpPrefix {
  // 4 or 6.
  int family = 4;
  // Network byte order; IPv4 in the first four.
  std::array<uint8_t, 16> bytes{};
  int length = 0;

  bool HasHostBits() const;
  // The prefix this lies in: host bits cleared.
  IpPrefix Network() const;
  // ::ffff:0:0/96 (RFC 4291, 2.5.5.2) and what lies in it.
  bool IsMappedIpv4() const;
  bool IsAddress() const { return length == (family == 4 ? 32 : 128); }
  // Canonical text of the address alone, and with "/length".
  std::string AddressText() const;
  std::string Text() const;
};

// "10.0.0.0/8", "2001:db8::/32", or an address, which is a prefix of full length. Host bits are
// kept. nullopt when malformed.
std::optional<IpPrefix> ParsePrefix(const std::string& text);

// An address without length. nullopt when malformed.
std::optional<IpPrefix> ParseAddress(const std::string& text);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_IP_PREFIX_H_
