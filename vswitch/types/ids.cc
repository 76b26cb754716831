#include "vswitch/types/ids.h"

#include <fmt/format.h>

#include <cstddef>

namespace outrider {
namespace {

// The value of a hexadecimal digit; -1 for anything else. Locale-free, unlike isxdigit().
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Reads N bytes of two digits each; before byte i stands `separator` where `separated(i)` says so.
// False unless the whole text is used up.
template <size_t N, typename Separated>
bool ParseHex(const std::string& text, char separator, Separated separated,
              std::array<uint8_t, N>* bytes) {
  size_t at = 0;
  for (size_t i = 0; i < N; ++i) {
    if (separated(i)) {
      if (at >= text.size() || text[at] != separator) return false;
      ++at;
    }
    if (at + 2 > text.size()) return false;
    const int high = HexDigit(text[at]);
    const int low = HexDigit(text[at + 1]);
    if (high < 0 || low < 0) return false;
    (*bytes)[i] = static_cast<uint8_t>(high << 4 | low);
    at += 2;
  }
  return at == text.size();
}

template <size_t N, typename Separated>
std::string FormatHex(const std::array<uint8_t, N>& bytes, char separator, Separated separated) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < N; ++i) {
    if (separated(i)) text += separator;
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

bool BetweenMacBytes(size_t i) { return i != 0; }
bool BetweenUuidGroups(size_t i) { return i == 4 || i == 6 || i == 8 || i == 10; }
bool Nowhere(size_t) { return false; }

}  // namespace

absl::StatusOr<Vni> Vni::Create(uint32_t value) {
  if (value == 0 || value > kMax) {
    return absl::InvalidArgumentError(fmt::format("VNI {} is not in 1..{}", value, kMax));
  }
  return Vni(value);
}

absl::StatusOr<Vni> Vni::Local(uint32_t number) {
  if (number > kMax) {
    return absl::InvalidArgumentError(
        fmt::format("local segment {} is not in 0..{}", number, kMax));
  }
  return Vni(kMax + 1 + number);
}

absl::StatusOr<Vni> Vni::FromValue(uint32_t value) {
  return value > kMax ? Local(value - kMax - 1) : Create(value);
}

std::string Vni::ToString() const {
  return IsLocal() ? fmt::format("local/{}", value_ - kMax - 1) : std::to_string(value_);
}

absl::StatusOr<MacAddress> MacAddress::Parse(const std::string& text) {
  std::array<uint8_t, 6> bytes;
  if (!ParseHex(text, ':', BetweenMacBytes, &bytes)) {
    return absl::InvalidArgumentError(
        fmt::format("MAC \"{}\" is not of the form 52:54:00:aa:bb:cc", text));
  }
  return MacAddress(bytes);
}

std::string MacAddress::ToString() const { return FormatHex(bytes_, ':', BetweenMacBytes); }

absl::StatusOr<PortId> PortId::Parse(const std::string& text) {
  std::array<uint8_t, 16> bytes;
  if (!ParseHex(text, '-', BetweenUuidGroups, &bytes)) {
    return absl::InvalidArgumentError(fmt::format(
        "port id \"{}\" is not a uuid of the form 123e4567-e89b-12d3-a456-426614174000", text));
  }
  return PortId(bytes);
}

std::string PortId::ToString() const { return FormatHex(bytes_, '-', BetweenUuidGroups); }

absl::StatusOr<Digest> Digest::Parse(const std::string& text) {
  std::array<uint8_t, 32> bytes;
  if (!ParseHex(text, '\0', Nowhere, &bytes)) {
    return absl::InvalidArgumentError(
        fmt::format("digest \"{}\" is not of 64 hexadecimal digits", text));
  }
  return Digest(bytes);
}

std::string Digest::ToString() const { return FormatHex(bytes_, '\0', Nowhere); }

absl::Status ValidateHostId(const std::string& text) {
  const auto fail = [&text](const char* why) {
    return absl::InvalidArgumentError(fmt::format("host id \"{}\": {}", text, why));
  };
  if (text.empty() || text.size() > 63) return fail("its length is not in 1..63");
  for (const char c : text) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    if (!allowed) return fail("only a-z, 0-9 and '-' are allowed");
  }
  if (text.front() == '-' || text.back() == '-') return fail("it begins or ends with '-'");
  return absl::OkStatus();
}

}  // namespace outrider
