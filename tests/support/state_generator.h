// Valid HostStates from a seed, for equalities that must hold over any state. Deterministic for a
// seed on every platform. Thread rule: one thread per generator.
#ifndef OUTRIDER_TESTS_SUPPORT_STATE_GENERATOR_H_
#define OUTRIDER_TESTS_SUPPORT_STATE_GENERATOR_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "vswitch/state/host_state.h"

namespace outrider::tests {

// What carries some of the segments.
inline constexpr char kGeneratedUplink[] = "physnet1";

class StateGenerator {
 public:
  // `devices`: names that ports may be bound to, each to one port of a state. `local`: also
  // segments and ports of one host alone, which no controller speaks of.
  StateGenerator(uint64_t seed, std::vector<std::string> devices, bool local = false)
      : random_(seed), devices_(std::move(devices)), local_(local) {}

  // Another state. Keys come from small sets, so that successive states share, change and lose
  // objects; epochs grow from call to call. MTUs fit an underlay of 1500 bytes.
  state::HostState Next();

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(int percent) { return Below(100) < static_cast<uint64_t>(percent); }
  Epoch NextEpoch() { return Epoch{round_ * 10 + Below(10)}; }
  void AddMulticast(state::HostState* state);
  void AddLocalSegments(state::HostState* state);
  // Departures and arrivals of the ports that are there.
  void AddMoves(state::HostState* state);
  // What only a port in local segments has, and what it cannot have.
  void MakeLocal(state::Port* port);
  state::Segment MakeSegment(const Vni& vni);
  state::AclRule MakeRule();
  // VLANs for a port with a segment; a trunk loses that of untagged frames.
  void MakeVlans(const state::HostState& state, state::Port* port);
  state::Policer MakePolicer();
  // What the profile says beside segment and rules.
  void AddPolicy(state::Port* port);
  void AddMatches(state::AclRule* rule);
  state::GroupMember MakeMember();
  state::Port MakePort(const state::HostState& state, std::vector<std::string>* free_devices);

  std::mt19937_64 random_;
  const std::vector<std::string> devices_;
  const bool local_;
  uint64_t round_ = 0;
};

// ---- Values for tests, from small numbers ----
Vni MakeVni(uint32_t value);
Vni MakeLocalVni(uint32_t number);
// 52:54:00:00:00:<n>
MacAddress MakeMac(uint8_t n);
// 00000000-0000-0000-0000-0000000000<n>
PortId MakePortId(uint8_t n);
Digest MakeDigest(uint8_t n);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_SUPPORT_STATE_GENERATOR_H_
