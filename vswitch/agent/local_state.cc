#include "vswitch/agent/local_state.h"

#include <fmt/format.h>

#include <utility>

#include "vswitch/types/status.h"

namespace outrider::agent {
namespace {

class LocalMerge {
 public:
  LocalMerge(const LocalState& local, const state::HostState& applied, state::HostState* desired)
      : local_(local), applied_(applied), desired_(desired) {
    for (const auto& [vni, segment] : desired->segments) {
      if (segment.provider) carried_.emplace(*segment.provider, vni);
    }
    for (const auto& [id, port] : desired->ports) {
      if (port.device) devices_.emplace(*port.device, id);
    }
  }

  LocalOutcome Run() {
    // Before local ports come in, which have limits of their own.
    for (const auto& [id, limits] : local_.limits) Limit(id, limits);
    for (const auto& [vni, segment] : local_.segments) AddSegment(vni, segment);
    for (const auto& [id, port] : local_.ports) AddPort(id, port);
    return std::move(outcome_);
  }

 private:
  void AddSegment(const Vni& vni, state::Segment segment) {
    const absl::Status status =
        vni.IsLocal()
            ? state::ValidateSegment(vni, segment)
            : absl::InvalidArgumentError(fmt::format("segment {}: is not local", vni.ToString()));
    if (!status.ok()) {
      segment_problems_.emplace(vni, Message(status));
      return;
    }
    if (segment.provider) {
      const auto [other, fresh] = carried_.emplace(*segment.provider, vni);
      if (!fresh) {
        segment_problems_.emplace(
            vni, fmt::format("VLAN {} of uplink \"{}\" is that of segment {}: the port reaches its "
                             "neighbours on this host only",
                             segment.provider->vlan, segment.provider->uplink,
                             other->second.ToString()));
        segment.provider.reset();
      }
    }
    desired_->segments.emplace(vni, std::move(segment));
  }

  void AddPort(const PortId& id, state::Port port) {
    if (const auto in_force = applied_.ports.find(id); in_force != applied_.ports.end()) {
      port.epoch = in_force->second.epoch;
    }
    if (std::string problem = ProblemOf(id, port); !problem.empty()) {
      outcome_.problems.emplace(id, std::move(problem));
      return;
    }
    for (const Vni& vni : state::SegmentsOf(port)) {
      if (const auto problem = segment_problems_.find(vni); problem != segment_problems_.end()) {
        outcome_.problems.emplace(id, problem->second);
      }
      // Of two ports with one MAC the first keeps it, in every process alike.
      if (port.mac.IsZero()) continue;
      desired_->fdb.try_emplace({vni, port.mac}, state::FdbEntry{.where = id, .epoch = {}});
    }
    if (port.device) devices_.emplace(*port.device, id);
    desired_->ports.emplace(id, std::move(port));
  }

  // Why it stays out; empty: it does not.
  std::string ProblemOf(const PortId& id, const state::Port& port) const {
    if (desired_->ports.contains(id)) {
      return "the port is the controller's, or attached with a profile; its VLANs are the "
             "profile's";
    }
    const auto other = port.device ? devices_.find(*port.device) : devices_.end();
    if (other != devices_.end()) {
      return fmt::format("device {} is that of port {}; remove one of the two", *port.device,
                         other->second.ToString());
    }
    if (!state::IsLocal(port)) return "the port is in no local segment";
    if (!port.device && port.phase == state::PortPhase::kActive) return "the port has no device";
    for (const Vni& vni : state::SegmentsOf(port)) {
      if (desired_->segments.contains(vni)) continue;
      const auto problem = segment_problems_.find(vni);
      if (problem != segment_problems_.end()) return problem->second;
    }
    const absl::Status status = state::ValidatePort(*desired_, id, port);
    return status.ok() ? "" : Message(status);
  }

  void Limit(const PortId& id, const PortLimits& limits) {
    const auto found = desired_->ports.find(id);
    if (found == desired_->ports.end() || found->second.profile.empty()) return;
    state::Port& port = found->second;
    const auto keep = [&](const char* direction) {
      outcome_.problems.emplace(
          id, fmt::format("profile \"{}\" has a rate of what the guest {}, which stays in force",
                          port.profile, direction));
    };
    PortLimits given;
    if (limits.ingress != state::Policer{}) {
      if (port.ingress_policer == state::Policer{}) {
        given.ingress = port.ingress_policer = limits.ingress;
      } else {
        keep("sends");
      }
    }
    if (limits.egress.max_kbps != 0) {
      if (const absl::Status status = state::Validate(limits.egress); !status.ok()) {
        outcome_.problems.emplace(id, Message(status));
      } else if (port.shaper.max_kbps == 0 && port.egress_policer == state::Policer{}) {
        given.egress = port.shaper = limits.egress;
      } else {
        keep("gets");
      }
    }
    if (given != PortLimits{}) outcome_.limits.emplace(id, given);
  }

  const LocalState& local_;
  const state::HostState& applied_;
  state::HostState* const desired_;
  LocalOutcome outcome_;
  std::map<state::Provider, Vni> carried_;
  std::map<std::string, PortId> devices_;
  std::map<Vni, std::string> segment_problems_;
};

}  // namespace

state::Segment MakeLocalSegment(uint32_t mtu, std::optional<state::Provider> provider) {
  return {.mtu = mtu,
          .flood_unknown_unicast = true,
          .suppress_arp = false,
          .suppress_nd = false,
          .vteps = {},
          .provider = std::move(provider)};
}

state::Port MakeLocalPort(const std::string& device, const std::optional<MacAddress>& mac) {
  state::Port port;
  port.mac = mac.value_or(MacAddress());
  port.device = device;
  port.mac_anti_spoof = false;
  port.dhcp_server_guard = false;
  port.ra_guard = false;
  port.learn_macs = true;
  port.phase = state::PortPhase::kActive;
  return port;
}

LocalState LocalPartOf(const state::HostState& state) {
  LocalState local;
  for (const auto& [vni, segment] : state.segments) {
    if (vni.IsLocal()) local.segments.emplace(vni, segment);
  }
  for (const auto& [id, port] : state.ports) {
    if (state::IsLocal(port)) local.ports.emplace(id, port);
  }
  return local;
}

state::HostState WithoutLocalPart(state::HostState state) {
  std::erase_if(state.ports, [](const auto& port) { return state::IsLocal(port.second); });
  std::erase_if(state.segments, [](const auto& segment) { return segment.first.IsLocal(); });
  std::erase_if(state.fdb, [](const auto& row) { return row.first.vni.IsLocal(); });
  std::erase_if(state.neighbors, [](const auto& row) { return row.first.vni.IsLocal(); });
  std::erase_if(state.multicast_groups, [](const auto& row) { return row.first.vni.IsLocal(); });
  return state;
}

LocalOutcome AddLocal(const LocalState& local, const state::HostState& applied,
                      state::HostState* desired) {
  return LocalMerge(local, applied, desired).Run();
}

}  // namespace outrider::agent
