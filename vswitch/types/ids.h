// Strong types of the identifiers that travel through every layer. Values: copied, compared,
// ordered, formatted. Parse() accepts what a user may write and names what is wrong; ToString() is
// canonical. No allocation but in the text forms; any thread.
#ifndef OUTRIDER_VSWITCH_TYPES_IDS_H_
#define OUTRIDER_VSWITCH_TYPES_IDS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "vswitch/types/status.h"

namespace outrider {

// Number of a segment: a VXLAN network identifier, 24 bits, host byte order (RFC 7348), never 0; or
// one that is local to this host. Those are outside the 24 bits: no frame of a tunnel and no word
// of the controller can name one.
class Vni {
 public:
  static constexpr uint32_t kMax = (1u << 24) - 1;
  // Of a VXLAN network: what the wire and users may say.
  static absl::StatusOr<Vni> Create(uint32_t value);
  // Local segment `number`, 0..kMax.
  static absl::StatusOr<Vni> Local(uint32_t number);
  // Either of them by its value(): what this host wrote itself.
  static absl::StatusOr<Vni> FromValue(uint32_t value);

  uint32_t value() const { return value_; }
  bool IsLocal() const { return value_ > kMax; }
  // "7"; "local/7".
  std::string ToString() const;
  auto operator<=>(const Vni&) const = default;

 private:
  explicit Vni(uint32_t value) : value_(value) {}
  uint32_t value_;
};

// IEEE 802 address, bytes in wire order.
class MacAddress {
 public:
  MacAddress() = default;
  explicit MacAddress(const std::array<uint8_t, 6>& bytes) : bytes_(bytes) {}
  // "52:54:00:aa:bb:cc", either case.
  static absl::StatusOr<MacAddress> Parse(const std::string& text);

  const std::array<uint8_t, 6>& bytes() const { return bytes_; }
  bool IsMulticast() const { return (bytes_[0] & 1) != 0; }
  bool IsZero() const { return bytes_ == std::array<uint8_t, 6>{}; }
  std::string ToString() const;
  auto operator<=>(const MacAddress&) const = default;

 private:
  std::array<uint8_t, 6> bytes_{};
};

// Identity of a port: an RFC 4122 uuid, the iface-id of libvirt and Open vSwitch. Bytes in text
// order.
class PortId {
 public:
  PortId() = default;
  explicit PortId(const std::array<uint8_t, 16>& bytes) : bytes_(bytes) {}
  // 8-4-4-4-12 hexadecimal digits, either case.
  static absl::StatusOr<PortId> Parse(const std::string& text);

  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  std::string ToString() const;
  auto operator<=>(const PortId&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

// SHA-256 of some content.
class Digest {
 public:
  Digest() = default;
  explicit Digest(const std::array<uint8_t, 32>& bytes) : bytes_(bytes) {}
  // 64 hexadecimal digits.
  static absl::StatusOr<Digest> Parse(const std::string& text);

  const std::array<uint8_t, 32>& bytes() const { return bytes_; }
  bool IsZero() const { return bytes_ == std::array<uint8_t, 32>{}; }
  std::string ToString() const;
  auto operator<=>(const Digest&) const = default;

 private:
  std::array<uint8_t, 32> bytes_{};
};

// Location epoch of a port: grows with every move, never goes backwards.
enum class Epoch : uint64_t {};

// Generation of a host's desired state, a revision of the controller's store.
enum class Generation : uint64_t {};

// Host id: 1..63 of [a-z0-9-], not beginning or ending with '-'.
absl::Status ValidateHostId(const std::string& text);

}  // namespace outrider

#endif  // OUTRIDER_VSWITCH_TYPES_IDS_H_
