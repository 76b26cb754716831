#include "controller/model/tcp_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "controller/model/names.h"
#include "controller/model/one_line.h"

namespace outrider::controller {
namespace {

// Bit i is word i.
constexpr std::array<const char*, 8> kWords = {"fin", "syn", "rst", "psh",
                                               "ack", "urg", "ece", "cwr"};

// 0 when there is no such flag.
uint8_t BitOf(const std::string& word) {
  const auto* const found = std::find(kWords.begin(), kWords.end(), word);
  return found == kWords.end() ? 0 : static_cast<uint8_t>(1U << (found - kWords.begin()));
}

}  // namespace

std::string TcpFlags::Text() const {
  std::string text;
  for (size_t i = 0; i < kWords.size(); ++i) {
    const auto bit = static_cast<uint8_t>(1U << i);
    if ((mask & bit) == 0) continue;
    text +=
        fmt::format("{}{}{}", text.empty() ? "" : ",", (value & bit) != 0 ? "" : "!", kWords[i]);
  }
  return text;
}

absl::StatusOr<TcpFlags> ParseTcpFlags(const std::string& text) {
  TcpFlags flags;
  std::istringstream words(ToLower(text));
  for (std::string word; std::getline(words, word, ',');) {
    std::erase(word, ' ');
    const bool excluded = !word.empty() && word.front() == '!';
    const uint8_t bit = BitOf(excluded ? word.substr(1) : word);
    if (bit == 0) {
      return absl::InvalidArgumentError(
          fmt::format("\"{}\" is not one of {}, with a '!' before those that must not be set",
                      OneLine(word), fmt::join(kWords, ", ")));
    }
    if ((flags.mask & bit) != 0 && ((flags.value & bit) != 0) == excluded) {
      return absl::InvalidArgumentError(fmt::format("{0} and !{0} exclude each other; remove one",
                                                    BitOf(word) != 0 ? word : word.substr(1)));
    }
    flags.mask |= bit;
    if (!excluded) flags.value |= bit;
  }
  return flags;
}

}  // namespace outrider::controller
