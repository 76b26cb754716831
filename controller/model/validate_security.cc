#include "controller/model/validate_sections.h"

namespace outrider::controller {

absl::Status CheckSecurity(const v1::SecuritySection& security) {
  if (!v1::SecuritySection::MacAntiSpoof_IsValid(security.mac_anti_spoof())) {
    return Wrong("security mac_anti_spoof {} is unknown; give on or off",
                 static_cast<int>(security.mac_anti_spoof()));
  }
  if (security.ip_anti_spoof() != v1::SecuritySection::IP_ANTI_SPOOF_UNSPECIFIED) {
    return NotYet("security ip_anti_spoof");
  }
  if (security.max_macs() != 0) return NotYet("security max_macs");
  if (security.dhcp_server_guard() != v1::SecuritySection::GUARD_UNSPECIFIED) {
    return NotYet("security dhcp_server_guard");
  }
  if (security.ra_guard() != v1::SecuritySection::GUARD_UNSPECIFIED) {
    return NotYet("security ra_guard");
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller
