// States as a controller would send them, from the shared generator: rule sets under the digest of
// their content, ports without devices.
#ifndef OUTRIDER_TESTS_CONVERT_WIRE_STATES_H_
#define OUTRIDER_TESTS_CONVERT_WIRE_STATES_H_

#include <map>
#include <string>
#include <utility>

#include "proto/digest.h"
#include "vswitch/convert/to_proto.h"
#include "vswitch/state/host_state.h"

namespace outrider::tests {

inline Digest RealDigest(const state::RuleSet& set) {
  state::HostState state;
  state.rule_sets.emplace(Digest(), set);
  return *Digest::Parse(v1::RuleSetDigest(convert::ToProto(state).rule_sets(0)));
}

inline state::HostState AsSent(state::HostState state) {
  std::map<Digest, Digest> names;
  std::map<Digest, state::RuleSet> sets;
  for (auto& [digest, set] : state.rule_sets) {
    names.emplace(digest, RealDigest(set));
    sets.emplace(names.at(digest), std::move(set));
  }
  state.rule_sets = std::move(sets);
  for (auto& [id, port] : state.ports) {
    port.device.reset();
    if (port.ingress_rule_set) port.ingress_rule_set = names.at(*port.ingress_rule_set);
    if (port.egress_rule_set) port.egress_rule_set = names.at(*port.egress_rule_set);
    // Some leave, one of them for where there is no way.
    const auto epoch = static_cast<uint64_t>(port.epoch);
    if (epoch % 2 != 0) {
      // Others are probed, some by IPv6.
      const char* const net = epoch % 3 == 0 ? "2001:db8::" : "10.1.0.";
      state.probes[id] = {.migration_id = "m-" + std::to_string(epoch),
                          .from = id,
                          .from_ip = *IpAddress::Parse(net + std::string("1")),
                          .mac = port.mac,
                          .ip = *IpAddress::Parse(net + std::string("2")),
                          .rate_pps = 200};
      continue;
    }
    state::Departure& departure = state.departures[id];
    departure.migration_id = "m-" + std::to_string(epoch);
    departure.epoch = Epoch{epoch + 1};
    if (state.departures.size() > 1) departure.vtep = *IpAddress::Parse("2001:db8::9");
  }
  return state;
}

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_CONVERT_WIRE_STATES_H_
