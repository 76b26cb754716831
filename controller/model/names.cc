#include "controller/model/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace outrider::controller {
namespace {

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsHex(char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9'); }

}  // namespace

bool IsName(const std::string& text) {
  if (text.empty() || text.size() > 63) return false;
  if (!IsAlphanumeric(text.front()) || !IsAlphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '-' || c == '.'; });
}

bool IsHostId(const std::string& text) {
  return IsName(text) && text.find('.') == std::string::npos;
}

bool IsUuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

bool IsMac(const std::string& text) {
  if (text.size() != 17) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2 ? text[i] != ':' : !IsHex(text[i])) return false;
  }
  return true;
}

bool IsUnicastMac(const std::string& text) {
  if (!IsMac(text) || text == "00:00:00:00:00:00") return false;
  // The group bit is the lowest of the first octet (IEEE 802-2014, 8.2.2).
  return std::string("02468ace").find(text[1]) != std::string::npos;
}

std::string ToLower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string CanonicalMac(std::string text) {
  text = ToLower(std::move(text));
  std::replace(text.begin(), text.end(), '-', ':');
  return text;
}

std::string NewUuid() {
  std::random_device device;
  std::array<uint32_t, 4> w{device(), device(), device(), device()};
  w[1] = (w[1] & 0xffff0fff) | 0x00004000;  // version 4
  w[2] = (w[2] & 0x3fffffff) | 0x80000000;  // variant of RFC 4122
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", w[0], w[1] >> 16, w[1] & 0xffff,
                     w[2] >> 16, w[2] & 0xffff, w[3]);
}

}  // namespace outrider::controller
