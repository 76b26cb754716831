// RFC 4122 identifiers of OVSDB rows. A value; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OVSDB_UUID_H_
#define OUTRIDER_VSWITCH_SYS_OVSDB_UUID_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace outrider::ovsdb {

struct Uuid {
  // The text's first and last 16 hexadecimal digits: order is that of the text.
  uint64_t high = 0;
  uint64_t low = 0;

  // Version 4, from the kernel's random source.
  static Uuid Random();
  // 8-4-4-4-12 hexadecimal digits, either case, nothing else; nullopt otherwise.
  static std::optional<Uuid> Parse(const std::string& text);
  // Lower case.
  std::string ToString() const;
  bool IsZero() const { return high == 0 && low == 0; }
  auto operator<=>(const Uuid&) const = default;
};

}  // namespace outrider::ovsdb

#endif  // OUTRIDER_VSWITCH_SYS_OVSDB_UUID_H_
