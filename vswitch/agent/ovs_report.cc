#include "vswitch/agent/ovs_report.h"

#include <fmt/format.h>

#include <map>

namespace outrider::agent {
namespace {

std::map<std::string, int64_t> StatisticsOf(const sys::DeviceCounters& counters) {
  const auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
  return {{"rx_packets", number(counters.rx_packets)},
          {"rx_bytes", number(counters.rx_bytes)},
          {"rx_errors", number(counters.rx_errors)},
          {"rx_dropped", number(counters.rx_dropped)},
          {"rx_frame_err", number(counters.rx_frame_errors)},
          {"rx_over_err", number(counters.rx_over_errors)},
          {"rx_crc_err", number(counters.rx_crc_errors)},
          {"tx_packets", number(counters.tx_packets)},
          {"tx_bytes", number(counters.tx_bytes)},
          {"tx_errors", number(counters.tx_errors)},
          {"tx_dropped", number(counters.tx_dropped)},
          {"collisions", number(counters.collisions)}};
}

std::string WordOf(state::PortPhase phase) {
  switch (phase) {
    case state::PortPhase::kArmed:
      return "armed";
    case state::PortPhase::kActive:
      return "active";
    case state::PortPhase::kDeparted:
      return "departed";
    case state::PortPhase::kBlocked:
      break;
  }
  return "blocked";
}

// The columns that are set, "tag, trunks"; empty: none.
std::string VlanColumns(const ovs::VlanConfig& vlans) {
  std::string columns;
  const auto add = [&](bool set, const char* column) {
    if (set) columns += (columns.empty() ? "" : ", ") + std::string(column);
  };
  add(vlans.tag.has_value(), "tag");
  add(!vlans.trunks.empty(), "trunks");
  add(vlans.mode.has_value(), "vlan_mode");
  add(!vlans.cvlans.empty(), "cvlans");
  return columns;
}

// Whether the profile does what the rows ask for anyway.
bool IsAsAsked(const state::PortVlans& vlans, const ovs::VlanConfig& asked) {
  if (asked.mode && *asked.mode != vlans.mode) return false;
  if (asked.tag && *asked.tag != vlans.native) return false;
  for (const uint16_t vlan : asked.trunks) {
    if (vlan != vlans.native && !vlans.trunk.contains(vlan)) return false;
  }
  return asked.cvlans.empty() || asked.cvlans == vlans.customer;
}

// Where the rows and the profile say different things, the profile counts.
void NoteDisagreements(const state::Port& port, const ovs::InterfaceConfig& interface,
                       std::map<std::string, std::string>* notes) {
  const std::string wins = fmt::format("profile {} counts; not used here: ", port.profile);
  const std::string vlans = VlanColumns(interface.vlans);
  if (!vlans.empty() && !IsAsAsked(port.vlans, interface.vlans)) (*notes)["vlan"] = wins + vlans;
  if (interface.policer != state::Policer{} && interface.policer != port.ingress_policer) {
    (*notes)["policing"] = wins + "ingress_policing_rate, ingress_policing_burst";
  }
  if (!(interface.shaper == state::Shaper{}) && !(interface.shaper == port.shaper)) {
    (*notes)["qos"] = wins + "qos";
  }
}

}  // namespace

std::string RefusalOf(const ovs::InterfaceConfig& interface) {
  if (!interface.mistake.empty()) return interface.mistake;
  if (interface.type.empty() || interface.type == "internal") return "";
  return fmt::format(
      "type \"{}\" is not served: a port is a device of this host, and segments connect hosts "
      "(outrider segment create)",
      interface.type);
}

ovs::DeviceFacts FactsOf(const sys::CountedDevice& device) {
  return {.ifindex = static_cast<uint32_t>(device.link.ifindex),
          .mac = device.link.mac,
          .mtu = device.link.mtu,
          .admin_up = device.link.admin_up,
          .link_up = device.link.carrier,
          .speed_bps = 0,
          .full_duplex = std::nullopt,
          .driver = device.link.kind,
          .statistics = StatisticsOf(device.counters)};
}

void DescribeGuest(const OvsGuest& guest, const PortView* view,
                   const ovs::InterfaceConfig& interface, ovs::InterfaceReport* report) {
  report->pending = guest.pending;
  report->error = guest.error;
  // The host's end of an internal one may be in another network namespace.
  if (report->error.empty() && !report->device && interface.type != "internal") {
    report->error = NoDevice(interface.name);
  }
  if (view == nullptr) return;
  report->notes["phase"] = WordOf(view->in_force.phase);
  if (!view->in_force.profile.empty()) {
    report->notes["profile"] =
        fmt::format("{} revision {}", view->in_force.profile, view->in_force.profile_revision);
    NoteDisagreements(view->in_force, interface, &report->notes);
    if (interface.mtu_request && report->device && report->device->mtu != *interface.mtu_request) {
      report->notes["mtu"] = fmt::format(
          "the segment of profile {} counts; not used here: mtu_request", view->in_force.profile);
    }
  }
  if (!guest.pending && report->error.empty()) report->error = view->problem;
}

}  // namespace outrider::agent
