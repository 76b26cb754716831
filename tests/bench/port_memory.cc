// What the system has less of memory when a thousand ports share a profile of a thousand rules: for
// each port, and for the host's tables, which are there without any.
#include <fmt/format.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/bench/figures.h"
#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/support/state_generator.h"

namespace outrider::bench {
namespace {

constexpr int kPorts = 1000;
constexpr int kRules = 1000;

double AvailableKib() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  double value = 0;
  while (file >> key >> value) {
    if (key == "MemAvailable:") return value;
    file.ignore(16, '\n');
  }
  throw std::runtime_error("/proc/meminfo has no MemAvailable");
}

std::string DeviceOf(int n) { return "port" + std::to_string(n); }

PortId IdOf(int n) { return *PortId::Parse(fmt::format("00000000-0000-4000-8000-{:012x}", n)); }

MacAddress MacOf(int n) {
  return MacAddress({0x52, 0x54, 0, 1, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)});
}

state::HostState Thousand() {
  state::HostState state;
  state.segments[tests::MakeVni(7)] = {.mtu = 1400, .vteps = {}};
  for (uint8_t direction = 1; direction <= 2; ++direction) {
    state::RuleSet& set = state.rule_sets[tests::MakeDigest(direction)];
    for (int i = 0; i < kRules; ++i) {
      state::AclRule rule;
      rule.action = state::AclAction::kAllowRelated;
      rule.protocol = 6;
      rule.dst = *IpPrefix::Parse(fmt::format("10.{}.{}.0/24", i / 250, i % 250));
      rule.dst_port = state::PortRange{static_cast<uint16_t>(1000 + i), 65535};
      rule.number = static_cast<uint32_t>(i + 1);
      set.rules.push_back(rule);
    }
  }
  for (int n = 1; n <= kPorts; ++n) {
    state::Port& port = state.ports[IdOf(n)];
    port.mac = MacOf(n);
    port.vni = tests::MakeVni(7);
    port.phase = state::PortPhase::kActive;
    port.epoch = Epoch{1};
    port.device = DeviceOf(n);
    port.ingress_rule_set = tests::MakeDigest(1);
    port.egress_rule_set = tests::MakeDigest(2);
    port.max_connections = 16384;
    port.mac_anti_spoof = true;
    port.ingress_policer = {.rate_kbps = 100000, .burst_kb = 1049};
    port.egress_policer = {.rate_kbps = 100000, .burst_kb = 1049};
    state.fdb.insert_or_assign(state::FdbKey{*port.vni, port.mac},
                               state::FdbEntry{IdOf(n), Epoch{1}});
  }
  return state;
}

}  // namespace

void MeasurePortMemory(const Options& options) {
  std::vector<double> tables;
  std::vector<double> ports;
  for (size_t i = 0; i < options.Rounds(3); ++i) {
    datapath::ebpf::EbpfHost host;
    // Devices are what the port costs without us.
    for (int n = 1; n <= kPorts; ++n) host.AddDevice(DeviceOf(n));
    const double before = AvailableKib();
    host.Start();
    const double without_ports = AvailableKib();
    const auto result = host.Apply(state::ComputeDelta({}, Thousand()));
    if (!result.failures.empty()) {
      throw std::runtime_error(std::string(result.failures.front().status.message()));
    }
    tables.push_back((before - without_ports) / 1024);
    ports.push_back((without_ports - AvailableKib()) / kPorts);
  }
  Print("acl_memory_of_the_tables", "MiB", tables);
  Print("acl_memory_per_port", "KiB", ports);
}

}  // namespace outrider::bench
