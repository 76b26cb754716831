#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "vswitch/cli/ofctl_parse.h"

namespace outrider::cli {
namespace {

using openflow::Field;
using openflow::FieldInfo;
using openflow::FieldValue;

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

constexpr const char* kTcpFlags[] = {"fin", "syn", "rst", "psh",   "ack",   "urg",
                                     "ece", "cwr", "ns",  "[200]", "[400]", "[800]"};
constexpr const char* kCtFlags[] = {"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"};

struct ReservedPort {
  const char* name;
  uint32_t port;
};
constexpr ReservedPort kReserved[] = {
    {"IN_PORT", openflow::kPortInPort}, {"TABLE", openflow::kPortTable},
    {"NORMAL", openflow::kPortNormal},  {"FLOOD", openflow::kPortFlood},
    {"ALL", openflow::kPortAll},        {"CONTROLLER", openflow::kPortController},
    {"LOCAL", openflow::kPortLocal},    {"ANY", openflow::kPortAny},
    {"NONE", openflow::kPortAny}};

absl::Status ParseMac(const std::string& text, FieldValue* value, bool mask) {
  const auto mac = MacAddress::Parse(text);
  if (!mac.ok()) return Invalid(text + ": invalid Ethernet address");
  auto& target = mask ? value->mask : value->value;
  std::copy(mac->bytes().begin(), mac->bytes().end(), target.begin());
  return absl::OkStatus();
}

absl::Status ParseAddress(const FieldInfo& info, const std::string& text, FieldValue* value) {
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  const auto parsed = IpAddress::Parse(address);
  const bool v6 = info.bytes == 16;
  if (!parsed.ok() || parsed->IsV4() == v6) {
    return Invalid(fmt::format("{}: invalid {} address", text, v6 ? "IPv6" : "IP"));
  }
  const auto put = [v6](const IpAddress& ip, std::array<uint8_t, 16>& target) {
    target = {};
    if (v6) {
      target = ip.bytes();
    } else {
      const auto bytes = ip.v4_bytes();
      std::copy(bytes.begin(), bytes.end(), target.begin());
    }
  };
  put(*parsed, value->value);
  value->mask = openflow::ExactMask(info.field);
  if (slash == std::string::npos) return absl::OkStatus();
  const std::string mask = text.substr(slash + 1);
  uint64_t length = 0;
  if (ParseNumber(mask, info.bits, &length)) {
    value->mask = {};
    for (size_t bit = 0; bit < length; ++bit) value->mask[bit / 8] |= 0x80 >> bit % 8;
    return absl::OkStatus();
  }
  const auto address_mask = IpAddress::Parse(mask);
  if (!address_mask.ok() || address_mask->IsV4() == v6) {
    return Invalid(fmt::format("{}: invalid {} address", text, v6 ? "IPv6" : "IP"));
  }
  put(*address_mask, value->mask);
  return absl::OkStatus();
}

// "+syn-ack", or a number with a mask.
absl::Status ParseFlags(const FieldInfo& info, const std::string& text, const char* const* names,
                        size_t count, const char* what, FieldValue* value) {
  uint64_t bits = 0;
  uint64_t mask = 0;
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] != '+' && text[at] != '-') {
      return Invalid(
          fmt::format("{}: {} must be preceded by either \"+\" (for SET) or \"-\" "
                      "(NOT SET)",
                      text, what));
    }
    const size_t end = std::min(text.find_first_of("+-", at + 1), text.size());
    const std::string name = text.substr(at + 1, end - at - 1);
    const auto* found = std::find(names, names + count, name);
    if (found == names + count) return Invalid(fmt::format("{}: unknown {}(s)", name, what));
    const uint64_t bit = uint64_t{1} << (found - names);
    mask |= bit;
    if (text[at] == '+') bits |= bit;
    at = end;
  }
  value->value = openflow::FieldBytes(info.field, bits);
  value->mask = openflow::FieldBytes(info.field, mask);
  return absl::OkStatus();
}

absl::Status ParseFrag(const FieldInfo& info, const std::string& text, FieldValue* value) {
  struct Word {
    const char* name;
    uint8_t value, mask;
  };
  constexpr Word kWords[] = {
      {"no", 0, 3}, {"yes", 1, 1}, {"first", 1, 3}, {"later", 3, 3}, {"not_later", 0, 2}};
  for (const Word& word : kWords) {
    if (strcasecmp(text.c_str(), word.name) != 0) continue;
    value->value = openflow::FieldBytes(info.field, word.value);
    value->mask = openflow::FieldBytes(info.field, word.mask);
    return absl::OkStatus();
  }
  return Invalid(text +
                 ": unknown fragment type (valid types are \"no\", \"yes\", \"first\", "
                 "\"later\", \"not_later\"");
}

absl::Status ParseInteger(const FieldInfo& info, const std::string& text,
                          std::array<uint8_t, 16>* bytes) {
  errno = 0;
  char* end = nullptr;
  const uint64_t number = std::strtoull(text.c_str(), &end, 0);
  if (text.empty() || *end != 0 || errno == EINVAL) {
    return Invalid(fmt::format("{}: bad syntax for {}", text, info.oxm_style_name));
  }
  const bool large = errno == ERANGE || (info.bytes < 8 && number >> (8 * info.bytes) != 0);
  if (large) {
    return Invalid(fmt::format("{}: value too large for {}-byte field {}", text, info.bytes,
                               info.oxm_style_name));
  }
  *bytes = openflow::FieldBytes(info.field, number);
  return absl::OkStatus();
}

absl::Status ParseMasked(const FieldInfo& info, const std::string& text, FieldValue* value) {
  const size_t slash = text.find('/');
  value->mask = openflow::ExactMask(info.field);
  RETURN_IF_ERROR(ParseInteger(info, text.substr(0, slash), &value->value));
  if (slash == std::string::npos) return absl::OkStatus();
  if (!info.maskable) {
    return Invalid(fmt::format("{}: field {} must not be masked", text, info.oxm_style_name));
  }
  return ParseInteger(info, text.substr(slash + 1), &value->mask);
}

}  // namespace

bool ParseNumber(const std::string& text, uint64_t most, uint64_t* number) {
  if (text.empty() || text[0] == '-' || text[0] == '+' || text[0] == ' ') return false;
  errno = 0;
  char* end = nullptr;
  *number = std::strtoull(text.c_str(), &end, 0);
  return errno == 0 && *end == 0 && *number <= most;
}

bool ParseDecimal(const std::string& text, uint32_t* number) {
  errno = 0;
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0 || value < 0 || value > 0xffffffff) return false;
  *number = static_cast<uint32_t>(value);
  return true;
}

absl::StatusOr<uint32_t> ParsePort(const std::string& text, const OfNumbers& numbers) {
  uint32_t number = 0;
  if (ParseDecimal(text, &number)) {
    if (number < 0xff00) return number;
    if (number <= 0xffff) return openflow::PortFrom10(static_cast<uint16_t>(number));
    if (number >= openflow::kPortMax) return number;
    return Invalid(text);
  }
  for (const ReservedPort& reserved : kReserved) {
    if (strcasecmp(text.c_str(), reserved.name) == 0) return reserved.port;
  }
  const auto named = numbers.ports.find(text);
  if (named != numbers.ports.end()) return named->second;
  return Invalid(text);
}

absl::Status ParseField(const FieldInfo& info, const std::string& text, const OfNumbers& numbers,
                        FieldValue* value) {
  *value = {};
  switch (info.format) {
    case openflow::FieldFormat::kMac: {
      const size_t slash = text.find('/');
      value->mask = openflow::ExactMask(info.field);
      RETURN_IF_ERROR(ParseMac(text.substr(0, slash), value, false));
      return slash == std::string::npos ? absl::OkStatus()
                                        : ParseMac(text.substr(slash + 1), value, true);
    }
    case openflow::FieldFormat::kIpv4:
    case openflow::FieldFormat::kIpv6:
      return ParseAddress(info, text, value);
    case openflow::FieldFormat::kPort: {
      const auto port = ParsePort(text, numbers);
      if (!port.ok()) {
        return Invalid((text.empty() ? "0/0" : text) + ": invalid or unknown port for in_port");
      }
      value->value = openflow::FieldBytes(info.field, *port);
      value->mask = openflow::ExactMask(info.field);
      return absl::OkStatus();
    }
    case openflow::FieldFormat::kFrag:
      return ParseFrag(info, text, value);
    case openflow::FieldFormat::kTcpFlags:
      if (text.find_first_of("+-") == std::string::npos) break;
      return ParseFlags(info, text, kTcpFlags, std::size(kTcpFlags), "TCP flag", value);
    case openflow::FieldFormat::kCtState:
      if (text.find_first_of("+-") == std::string::npos) break;
      return ParseFlags(info, text, kCtFlags, std::size(kCtFlags), "ct_state", value);
    case openflow::FieldFormat::kDecimal:
    case openflow::FieldFormat::kHex:
      break;
  }
  return ParseMasked(info, text, value);
}

std::vector<std::pair<std::string, std::string>> KeyValues(const std::string& text) {
  constexpr const char* kSeparators = ", \t\r\n";
  std::vector<std::pair<std::string, std::string>> pairs;
  size_t at = text.find_first_not_of(kSeparators);
  while (at != std::string::npos && at < text.size()) {
    const size_t end = std::min(text.find_first_of(":=(, \t\r\n", at), text.size());
    std::string key = text.substr(at, end - at);
    std::string value;
    at = end;
    if (at < text.size() && text[at] == '(') {
      int depth = 0;
      size_t close = at;
      for (; close < text.size(); ++close) {
        if (text[close] == '(') ++depth;
        if (text[close] == ')' && --depth == 0) break;
      }
      value = text.substr(at + 1, close - at - 1);
      at = std::min(close + 1, text.size());
      // "set_field(..)->" and the like go on to the next separator.
      const size_t rest = std::min(text.find_first_of(kSeparators, at), text.size());
      value += text.substr(at, rest - at);
      at = rest;
    } else if (at < text.size() && (text[at] == ':' || text[at] == '=')) {
      int depth = 0;
      const size_t begin = ++at;
      while (at < text.size()) {
        if (text[at] == '(') ++depth;
        if (text[at] == ')') --depth;
        if (depth <= 0 && std::string(kSeparators).find(text[at]) != std::string::npos) break;
        ++at;
      }
      value = text.substr(begin, at - begin);
    }
    pairs.emplace_back(std::move(key), std::move(value));
    at = text.find_first_not_of(kSeparators, at);
  }
  return pairs;
}

}  // namespace outrider::cli
