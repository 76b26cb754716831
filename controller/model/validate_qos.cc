#include "controller/model/validate_sections.h"

namespace outrider::controller {
namespace {

// So that bytes per second, and tokens in nanoseconds, fit 64 bits everywhere.
constexpr uint64_t kMaxRateKbps = 1'000'000'000;  // 1 Tb/s
constexpr uint64_t kMaxBurstKb = 100'000'000;

absl::Status CheckPolicer(const v1::Policer& policer) {
  if (policer.rate_kbps() > kMaxRateKbps) {
    return Wrong("qos ingress_policer: rate_kbps {} is more than {}", policer.rate_kbps(),
                 kMaxRateKbps);
  }
  if (policer.burst_kb() > kMaxBurstKb) {
    return Wrong("qos ingress_policer: burst_kb {} is more than {}", policer.burst_kb(),
                 kMaxBurstKb);
  }
  if (policer.rate_kbps() == 0 && policer.burst_kb() != 0) {
    return Wrong("qos ingress_policer: burst_kb {} has no rate_kbps; give a rate",
                 policer.burst_kb());
  }
  if (policer.rate_pps() != 0) return NotYet("qos ingress_policer: rate_pps");
  if (policer.burst_packets() != 0) return NotYet("qos ingress_policer: burst_packets");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckQos(const v1::QosSection& qos) {
  if (qos.has_egress_policer()) return NotYet("qos egress_policer");
  if (qos.has_storm()) return NotYet("qos storm");
  if (qos.has_dscp()) return NotYet("qos dscp");
  if (qos.has_shaper()) return NotYet("qos shaper");
  if (qos.traffic_class() != 0) return NotYet("qos traffic_class");
  return CheckPolicer(qos.ingress_policer());
}

}  // namespace outrider::controller
