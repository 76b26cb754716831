#include "vswitch/sys/stream/stream_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace outrider::stream {
namespace {

struct Method {
  const char* name;
  StreamAddress::Kind kind;
  bool passive;
};

constexpr Method kMethods[] = {
    {"unix:", StreamAddress::Kind::kUnix, false}, {"punix:", StreamAddress::Kind::kUnix, true},
    {"tcp:", StreamAddress::Kind::kTcp, false},   {"ptcp:", StreamAddress::Kind::kTcp, true},
    {"ssl:", StreamAddress::Kind::kTls, false},   {"pssl:", StreamAddress::Kind::kTls, true},
};

const char* NameOf(const StreamAddress& address) {
  for (const Method& method : kMethods) {
    if (method.kind == address.kind && method.passive == address.passive) return method.name;
  }
  return "?:";
}

std::optional<uint16_t> ParsePort(const std::string& text) {
  uint16_t port = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), port);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return port;
}

bool IsAddress(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

// Cuts the part before the first ':' that is in no brackets off `rest`, and takes the brackets
// off it.
std::string TakePart(std::string* rest) {
  std::string part;
  if (rest->starts_with('[')) {
    const size_t end = rest->find(']');
    part = rest->substr(1, end == std::string::npos ? end : end - 1);
    rest->erase(0, end == std::string::npos ? end : end + 1);
    if (rest->starts_with(':')) rest->erase(0, 1);
    return part;
  }
  const size_t end = rest->find(':');
  part = rest->substr(0, end);
  rest->erase(0, end == std::string::npos ? end : end + 1);
  return part;
}

absl::Status Wrong(const std::string& text, const std::string& why) {
  return absl::InvalidArgumentError(fmt::format("\"{}\": {}", text, why));
}

}  // namespace

absl::StatusOr<StreamAddress> StreamAddress::Parse(const std::string& text, uint16_t default_port) {
  for (const Method& method : kMethods) {
    if (!text.starts_with(method.name)) continue;
    StreamAddress address{.kind = method.kind, .passive = method.passive};
    std::string rest = text.substr(std::string(method.name).size());
    if (method.kind == Kind::kUnix) {
      if (rest.empty()) return Wrong(text, "a path is missing");
      address.path = rest;
      return address;
    }
    // A passive method has the port first.
    std::string first = TakePart(&rest);
    std::string second = TakePart(&rest);
    if (method.passive) first.swap(second);
    if (!rest.empty()) return Wrong(text, "too many colons; an IPv6 address belongs in brackets");
    address.host = first;
    const auto port = second.empty() ? std::optional(default_port) : ParsePort(second);
    if (!port) return Wrong(text, fmt::format("port \"{}\" is not a number to 65535", second));
    address.port = *port;
    if (first.empty() ? !method.passive : !IsAddress(first)) {
      return Wrong(text, fmt::format("\"{}\" is not an IPv4 or IPv6 address", first));
    }
    return address;
  }
  return Wrong(text, "unknown connection method; use unix:, tcp:, ssl:, punix:, ptcp: or pssl:");
}

std::string StreamAddress::ToString() const {
  if (kind == Kind::kUnix) return NameOf(*this) + path;
  const bool v6 = host.find(':') != std::string::npos;
  const std::string shown = v6 ? "[" + host + "]" : host;
  if (!passive) return fmt::format("{}{}:{}", NameOf(*this), shown, port);
  return fmt::format("{}{}{}{}", NameOf(*this), port, shown.empty() ? "" : ":", shown);
}

}  // namespace outrider::stream
