#include <string>

#include "controller/model/validate_sections.h"

namespace outrider::controller {
namespace {

// So that bytes per second, and tokens in nanoseconds, fit 64 bits everywhere.
constexpr uint64_t kMaxRateKbps = 1'000'000'000;  // 1 Tb/s
constexpr uint64_t kMaxBurstKb = 100'000'000;
constexpr uint64_t kMaxRatePps = 1'000'000'000;
constexpr uint64_t kMaxBurstPackets = 100'000'000;
constexpr uint32_t kMaxDscp = 63;
constexpr uint32_t kMaxTrafficClass = 7;

absl::Status CheckAtMost(const std::string& field, uint64_t value, uint64_t max) {
  if (value <= max) return absl::OkStatus();
  return Wrong("{} {} is more than {}", field, value, max);
}

absl::Status CheckPolicer(const v1::Policer& policer, const std::string& name) {
  RETURN_IF_ERROR(CheckAtMost(name + ": rate_kbps", policer.rate_kbps(), kMaxRateKbps));
  RETURN_IF_ERROR(CheckAtMost(name + ": burst_kb", policer.burst_kb(), kMaxBurstKb));
  RETURN_IF_ERROR(CheckAtMost(name + ": rate_pps", policer.rate_pps(), kMaxRatePps));
  RETURN_IF_ERROR(CheckAtMost(name + ": burst_packets", policer.burst_packets(), kMaxBurstPackets));
  if (policer.rate_kbps() == 0 && policer.burst_kb() != 0) {
    return Wrong("{}: burst_kb {} has no rate_kbps; give a rate", name, policer.burst_kb());
  }
  if (policer.rate_pps() == 0 && policer.burst_packets() != 0) {
    return Wrong("{}: burst_packets {} has no rate_pps; give a rate", name,
                 policer.burst_packets());
  }
  return absl::OkStatus();
}

absl::Status CheckStorm(const v1::StormControl& storm) {
  RETURN_IF_ERROR(CheckPolicer(storm.broadcast(), "qos storm broadcast"));
  RETURN_IF_ERROR(CheckPolicer(storm.multicast(), "qos storm multicast"));
  return CheckPolicer(storm.unknown_unicast(), "qos storm unknown_unicast");
}

absl::Status CheckDscp(const v1::DscpPolicy& dscp) {
  if (!v1::DscpPolicy::Mode_IsValid(dscp.mode())) {
    return Wrong("qos dscp: mode {} is unknown; give trust or mark", static_cast<int>(dscp.mode()));
  }
  if (!v1::DscpPolicy::Tunnel_IsValid(dscp.tunnel())) {
    return Wrong("qos dscp: tunnel {} is unknown; give uniform or pipe",
                 static_cast<int>(dscp.tunnel()));
  }
  if (dscp.value() > kMaxDscp) return Wrong("qos dscp: value {} is not in 0..63", dscp.value());
  if (dscp.outer_value() > kMaxDscp) {
    return Wrong("qos dscp: outer_value {} is not in 0..63", dscp.outer_value());
  }
  if (dscp.value() != 0 && dscp.mode() != v1::DscpPolicy::MODE_MARK) {
    return Wrong("qos dscp: value {} is for mode mark only; give that mode", dscp.value());
  }
  if (dscp.outer_value() != 0 && dscp.tunnel() != v1::DscpPolicy::TUNNEL_PIPE) {
    return Wrong("qos dscp: outer_value {} is for tunnel pipe only; give that", dscp.outer_value());
  }
  return absl::OkStatus();
}

absl::Status CheckShaper(const v1::Shaper& shaper) {
  if (shaper.max_kbps() == 0) return Wrong("qos shaper: max_kbps is missing; give the ceiling");
  RETURN_IF_ERROR(CheckAtMost("qos shaper: max_kbps", shaper.max_kbps(), kMaxRateKbps));
  RETURN_IF_ERROR(CheckAtMost("qos shaper: burst_kb", shaper.burst_kb(), kMaxBurstKb));
  if (shaper.min_kbps() > shaper.max_kbps()) {
    return Wrong("qos shaper: min_kbps {} is more than max_kbps {}", shaper.min_kbps(),
                 shaper.max_kbps());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckQos(const v1::QosSection& qos) {
  RETURN_IF_ERROR(CheckPolicer(qos.ingress_policer(), "qos ingress_policer"));
  RETURN_IF_ERROR(CheckPolicer(qos.egress_policer(), "qos egress_policer"));
  RETURN_IF_ERROR(CheckStorm(qos.storm()));
  RETURN_IF_ERROR(CheckDscp(qos.dscp()));
  if (qos.has_shaper()) RETURN_IF_ERROR(CheckShaper(qos.shaper()));
  if (qos.traffic_class() <= kMaxTrafficClass) return absl::OkStatus();
  return Wrong("qos traffic_class {} is not in 0..{}", qos.traffic_class(), kMaxTrafficClass);
}

}  // namespace outrider::controller
