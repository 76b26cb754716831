#include "vswitch/types/vtep_pair.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace outrider {
namespace {

// Why an address can be nobody's tunnel end point; nullptr: it can.
const char* Unusable(const IpAddress& address) {
  const auto& bytes = address.bytes();
  if (address == IpAddress() || (address.IsV4() && bytes[12] == 0)) return "is no host's address";
  const bool multicast = address.IsV4() ? bytes[12] >= 224 : bytes[0] == 0xff;
  if (multicast) return "is no unicast address";
  // A link-local address means nothing without its link.
  if (address.IsLinkLocal()) return "is link-local; other hosts need an address they can route to";
  return nullptr;
}

}  // namespace

absl::StatusOr<VtepPair> VtepPair::Parse(const std::vector<std::string>& texts) {
  if (texts.empty()) return absl::InvalidArgumentError("no tunnel address is given");
  VtepPair pair;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(text));
    if (const char* const why = Unusable(address)) {
      return absl::InvalidArgumentError(fmt::format("{} {}", text, why));
    }
    if (pair.Of(address)) {
      return absl::InvalidArgumentError(
          fmt::format("{} and {} are of one family; give at most one IPv4 and one IPv6 address",
                      pair.Of(address)->ToString(), text));
    }
    pair.Of(address) = address;
  }
  return pair;
}

std::vector<IpAddress> VtepPair::All() const {
  std::vector<IpAddress> all;
  if (v4_) all.push_back(*v4_);
  if (v6_) all.push_back(*v6_);
  return all;
}

std::string VtepPair::ToString() const {
  std::vector<std::string> texts;
  for (const IpAddress& address : All()) texts.push_back(address.ToString());
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace outrider
