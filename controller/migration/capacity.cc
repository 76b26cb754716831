#include "controller/migration/capacity.h"

#include <fmt/format.h>

#include <cstdint>

#include "controller/model/status.h"

namespace outrider::controller {
namespace {

constexpr char kEbpf[] = "ebpf";
// Of or_ports (one index is nobody's), or_segments and the FDB: vswitch/abi/or_abi.h, or_fdb.h.
constexpr HostRoom kEbpfRoom{.ports = 4095, .segments = 16384, .stations = 1 << 20};

// What some ports take of a host.
struct Load {
  uint64_t ports = 0;
  NameSet segments;
  uint64_t guaranteed_kbps = 0;
};

uint64_t GuaranteeOf(const Model& model, const v1::Port& port) {
  const auto profile = model.Effective(port.profile());
  return profile == nullptr ? 0 : profile->qos().shaper().min_kbps();
}

void Add(const Model& model, const NameSet& ports, Load* load) {
  for (const std::string& id : ports) {
    const v1::Port* port = model.Find<v1::Port>(id);
    // A migration may name a port that is gone.
    if (port == nullptr) continue;
    ++load->ports;
    load->segments.merge(model.SegmentsOf(*port));
    load->guaranteed_kbps += GuaranteeOf(model, *port);
  }
}

// Located there, or expected.
NameSet PortsOf(const Model& model, const std::string& host) {
  NameSet ports = model.index().ports_located_at.Get(host);
  const NameSet& expected = model.index().ports_expected_at.Get(host);
  ports.insert(expected.begin(), expected.end());
  return ports;
}

// A port that moves counts at both of its hosts.
uint64_t StationsIn(const Model& model, const NameSet& segments) {
  uint64_t stations = 0;
  for (const std::string& segment : segments) {
    for (const std::string& host : model.index().hosts_of_segment.Get(segment)) {
      stations += model.index().ports_of_segment_at.Get(PairKey(segment, host)).size();
    }
    for (const std::string& name : model.index().gateways_of_segment.Get(segment)) {
      for (const auto& station : model.Find<v1::Gateway>(name)->stations()) {
        stations += station.segment() == segment ? 1 : 0;
      }
    }
  }
  return stations;
}

absl::Status CheckTable(const std::string& host, const char* what, uint64_t room, uint64_t before,
                        uint64_t after) {
  if (room == 0 || after <= room || after <= before) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "host \"{}\" has room for {} {}, and has {}; with the ports that are to move there it would "
      "have {}; move others away first",
      host, room, what, before, after));
}

absl::Status CheckGuarantees(const std::string& host, uint64_t most_kbps, uint64_t before_kbps,
                             uint64_t after_kbps) {
  if (most_kbps == 0 || after_kbps <= most_kbps || after_kbps == before_kbps) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(fmt::format(
      "host \"{}\" may guarantee {} kbit/s to its ports, and guarantees {}; those that are to move "
      "there are guaranteed {} more (qos shaper min_kbps); lower that, or move others away first",
      host, most_kbps, before_kbps, after_kbps - before_kbps));
}

}  // namespace

HostRoom RoomOf(const v1::Host& host, uint64_t guaranteed_kbps) {
  HostRoom room = host.datapath() == kEbpf ? kEbpfRoom : HostRoom();
  room.guaranteed_kbps = guaranteed_kbps;
  return room;
}

absl::Status CheckRoom(const Model& model, const NameSet& ports, const std::string& host,
                       const HostRoom& room) {
  Load before;
  Add(model, PortsOf(model, host), &before);
  Load after = before;
  Add(model, ports, &after);
  RETURN_IF_ERROR(CheckTable(host, "ports", room.ports, before.ports, after.ports));
  RETURN_IF_ERROR(
      CheckTable(host, "segments", room.segments, before.segments.size(), after.segments.size()));
  RETURN_IF_ERROR(CheckTable(host, "stations", room.stations, StationsIn(model, before.segments),
                             StationsIn(model, after.segments)));
  return CheckGuarantees(host, room.guaranteed_kbps, before.guaranteed_kbps, after.guaranteed_kbps);
}

}  // namespace outrider::controller
