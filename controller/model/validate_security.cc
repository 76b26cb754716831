#include <set>
#include <string>

#include "controller/model/ip_prefix.h"
#include "controller/model/names.h"
#include "controller/model/one_line.h"
#include "controller/model/validate_sections.h"

namespace outrider::controller {
namespace {

using Security = v1::SecuritySection;

constexpr int kMaxAllowedAddresses = 64;
constexpr int kMaxAllowedPrefixes = 1024;
constexpr uint32_t kMaxMacs = 4096;

absl::Status CheckPrefixes(const v1::AllowedAddress& entry) {
  std::set<std::string> seen;
  for (const std::string& text : entry.prefixes()) {
    const auto prefix = ParsePrefix(text);
    if (!prefix) return Wrong("prefix \"{}\" is not an IP address or prefix", OneLine(text));
    if (prefix->HasHostBits()) {
      return Wrong("prefix {} has host bits set; did you mean {}?", text, prefix->Network().Text());
    }
    if (prefix->IsMappedIpv4()) return Wrong("prefix {} is IPv4; write it so", text);
    if (!seen.insert(text).second) return Wrong("prefix {} is listed twice; remove one", text);
  }
  return absl::OkStatus();
}

absl::Status CheckEnums(const Security& security) {
  if (!Security::MacAntiSpoof_IsValid(security.mac_anti_spoof())) {
    return Wrong("security mac_anti_spoof {} is unknown; give on or off",
                 static_cast<int>(security.mac_anti_spoof()));
  }
  if (!Security::IpAntiSpoof_IsValid(security.ip_anti_spoof())) {
    return Wrong("security ip_anti_spoof {} is unknown; give on or off",
                 static_cast<int>(security.ip_anti_spoof()));
  }
  if (!Security::Guard_IsValid(security.dhcp_server_guard())) {
    return Wrong("security dhcp_server_guard {} is unknown; give on or off",
                 static_cast<int>(security.dhcp_server_guard()));
  }
  if (!Security::Guard_IsValid(security.ra_guard())) {
    return Wrong("security ra_guard {} is unknown; give on or off",
                 static_cast<int>(security.ra_guard()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSecurity(const Security& security) {
  RETURN_IF_ERROR(CheckEnums(security));
  // Of a port that may use any MAC it is not said which address belongs to which.
  const bool checks_ips = security.ip_anti_spoof() == Security::IP_ANTI_SPOOF_ON;
  if (checks_ips && security.mac_anti_spoof() == Security::MAC_ANTI_SPOOF_OFF) {
    return Wrong("security ip_anti_spoof on needs mac_anti_spoof on; turn that on, too");
  }
  if (security.max_macs() > kMaxMacs) {
    return Wrong("security max_macs {} is not in 0..{}", security.max_macs(), kMaxMacs);
  }
  if (security.max_macs() != 0 && security.mac_anti_spoof() != Security::MAC_ANTI_SPOOF_OFF) {
    return Wrong(
        "security max_macs {} is for mac_anti_spoof off; with it on, the MACs are those of the "
        "port",
        security.max_macs());
  }
  return absl::OkStatus();
}

absl::Status CheckAllowedAddresses(const v1::Port& port) {
  if (port.allowed_addresses_size() > kMaxAllowedAddresses) {
    return Wrong("{} allowed_addresses are more than {}", port.allowed_addresses_size(),
                 kMaxAllowedAddresses);
  }
  std::set<std::string> macs;
  int prefixes = 0;
  for (const v1::AllowedAddress& entry : port.allowed_addresses()) {
    const std::string subject = fmt::format("allowed_addresses \"{}\"", OneLine(entry.mac()));
    if (!entry.mac().empty() && !IsUnicastMac(entry.mac())) {
      return Wrong("{}: is not a unicast MAC such as 52:54:00:aa:bb:cc", subject);
    }
    if (!macs.insert(entry.mac()).second) {
      return Wrong("{}: is listed twice; put the prefixes together", subject);
    }
    RETURN_IF_ERROR(Annotate(CheckPrefixes(entry), subject));
    prefixes += entry.prefixes_size();
  }
  if (prefixes <= kMaxAllowedPrefixes) return absl::OkStatus();
  return Wrong("allowed_addresses have {} prefixes, at most {} fit", prefixes, kMaxAllowedPrefixes);
}

}  // namespace outrider::controller
