// IPv4 and IPv6 addresses and prefixes as values. Bytes in wire order. Any thread.
#ifndef OUTRIDER_VSWITCH_TYPES_IP_ADDRESS_H_
#define OUTRIDER_VSWITCH_TYPES_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "vswitch/types/status.h"

namespace outrider {

// An address of either family, held as 16 bytes: IPv4 in IPv4-mapped form (RFC 4291 2.5.5.2), so
// that one map key and one comparison serve both.
class IpAddress {
 public:
  IpAddress() = default;  // "::"
  explicit IpAddress(const std::array<uint8_t, 16>& mapped) : bytes_(mapped) {}
  static IpAddress FromV4(const std::array<uint8_t, 4>& bytes);
  static absl::StatusOr<IpAddress> Parse(const std::string& text);

  bool IsV4() const;
  // 169.254.0.0/16 (RFC 3927), fe80::/10 (RFC 4291 2.5.6).
  bool IsLinkLocal() const;
  // The 16 bytes, IPv4-mapped for IPv4.
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  // The last four bytes: the address in wire order when IsV4().
  std::array<uint8_t, 4> v4_bytes() const;
  std::string ToString() const;
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

// An address with a length. Host bits are zero.
class IpPrefix {
 public:
  IpPrefix() = default;  // "::/0"
  // "10.0.0.0/8", "2001:db8::/32", or an address (length 32 or 128). Host bits must be zero.
  static absl::StatusOr<IpPrefix> Parse(const std::string& text);
  // `length` within the address's family: 0..32 or 0..128. Host bits are cleared.
  static IpPrefix Create(const IpAddress& address, int length);

  const IpAddress& address() const { return address_; }
  bool IsV4() const { return address_.IsV4(); }
  // Within the family.
  int length() const { return length_; }
  // In the 16-byte form: 96 more for IPv4.
  int mapped_length() const { return IsV4() ? length_ + 96 : length_; }
  std::string ToString() const;
  auto operator<=>(const IpPrefix&) const = default;

 private:
  IpAddress address_;
  int length_ = 0;
};

}  // namespace outrider

#endif  // OUTRIDER_VSWITCH_TYPES_IP_ADDRESS_H_
