#include "controller/model/ip_prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace outrider::controller {

IpPrefix IpPrefix::Network() const {
  IpPrefix network = *this;
  for (int bit = length; bit < (family == 4 ? 32 : 128); ++bit) {
    network.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
  }
  return network;
}

bool IpPrefix::HasHostBits() const { return Network().bytes != bytes; }

bool IpPrefix::IsMappedIpv4() const {
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return family == 6 && length >= 96 && std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
}

std::string IpPrefix::AddressText() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  return text;
}

std::string IpPrefix::Text() const { return AddressText() + "/" + std::to_string(length); }

std::optional<IpPrefix> ParseAddress(const std::string& text) {
  IpPrefix address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
    address.family = 4;
    address.length = 32;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
    address.family = 6;
    address.length = 128;
    return address;
  }
  return std::nullopt;
}

std::optional<IpPrefix> ParsePrefix(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return ParseAddress(text);
  std::optional<IpPrefix> prefix = ParseAddress(text.substr(0, slash));
  if (!prefix.has_value()) return std::nullopt;
  const char* const end = text.data() + text.size();
  int length = -1;
  const auto parsed = std::from_chars(text.data() + slash + 1, end, length);
  if (parsed.ec != std::errc() || parsed.ptr != end || length < 0 || length > prefix->length) {
    return std::nullopt;
  }
  prefix->length = length;
  return prefix;
}

}  // namespace outrider::controller
