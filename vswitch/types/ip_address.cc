#include "vswitch/types/ip_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace outrider {
namespace {

// ::ffff:0:0/96
constexpr std::array<uint8_t, 12> kV4Mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kV4MappedLength = 96;

std::array<uint8_t, 16> ClearHostBits(std::array<uint8_t, 16> bytes, int mapped_length) {
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(mapped_length - 8 * i, 0, 8);
    bytes[i] &= static_cast<uint8_t>(0xff00 >> kept);
  }
  return bytes;
}

}  // namespace

IpAddress IpAddress::FromV4(const std::array<uint8_t, 4>& bytes) {
  std::array<uint8_t, 16> mapped;
  std::copy(kV4Mapped.begin(), kV4Mapped.end(), mapped.begin());
  std::copy(bytes.begin(), bytes.end(), mapped.begin() + kV4Mapped.size());
  return IpAddress(mapped);
}

absl::StatusOr<IpAddress> IpAddress::Parse(const std::string& text) {
  std::array<uint8_t, 4> v4;
  // A NUL inside the text would end it early for inet_pton().
  const bool whole = text.size() == std::strlen(text.c_str());
  if (whole && inet_pton(AF_INET, text.c_str(), v4.data()) == 1) return FromV4(v4);
  std::array<uint8_t, 16> v6;
  if (whole && inet_pton(AF_INET6, text.c_str(), v6.data()) == 1) return IpAddress(v6);
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is neither an IPv4 nor an IPv6 address", text));
}

bool IpAddress::IsV4() const {
  return std::equal(kV4Mapped.begin(), kV4Mapped.end(), bytes_.begin());
}

bool IpAddress::IsLinkLocal() const {
  if (IsV4()) return bytes_[12] == 169 && bytes_[13] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::array<uint8_t, 4> IpAddress::v4_bytes() const {
  return {bytes_[12], bytes_[13], bytes_[14], bytes_[15]};
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  if (IsV4()) return inet_ntop(AF_INET, bytes_.data() + 12, text, sizeof(text));
  return inet_ntop(AF_INET6, bytes_.data(), text, sizeof(text));
}

absl::StatusOr<IpPrefix> IpPrefix::Parse(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string address_text = text.substr(0, slash);
  ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(address_text));
  // The length counts in the family the text is written in; "::ffff:10.0.0.0/104" is 10.0.0.0/8.
  const bool written_as_v6 = address_text.find(':') != std::string::npos;
  const int written_max = written_as_v6 ? 128 : 32;
  int length = written_max;
  if (slash != std::string::npos) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, length);
    if (error != std::errc{} || stop != end || length < 0 || length > written_max) {
      return absl::InvalidArgumentError(
          fmt::format("prefix \"{}\": the length is not in 0..{}", text, written_max));
    }
  }
  const int mapped_length = written_as_v6 ? length : length + kV4MappedLength;
  if (ClearHostBits(address.bytes(), mapped_length) != address.bytes()) {
    return absl::InvalidArgumentError(fmt::format(
        "prefix \"{}\": bits after the length are set; write the network's address or a longer "
        "length",
        text));
  }
  // A mapped address with set bits cleared above is no shorter than 96, so this is never negative.
  return Create(address, address.IsV4() ? mapped_length - kV4MappedLength : mapped_length);
}

IpPrefix IpPrefix::Create(const IpAddress& address, int length) {
  IpPrefix prefix;
  prefix.length_ = std::clamp(length, 0, address.IsV4() ? 32 : 128);
  const int mapped_length = prefix.length_ + (address.IsV4() ? kV4MappedLength : 0);
  prefix.address_ = IpAddress(ClearHostBits(address.bytes(), mapped_length));
  return prefix;
}

std::string IpPrefix::ToString() const {
  return fmt::format("{}/{}", address_.ToString(), length_);
}

}  // namespace outrider
