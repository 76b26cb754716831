#include "vswitch/datapath/ebpf/first_frame_reader.h"

#include <spdlog/spdlog.h>

#include "vswitch/datapath/ebpf/acl/rule_codec.h"
#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"
#include "vswitch/datapath/ebpf/port_codec.h"

namespace outrider::datapath::ebpf {
int64_t BootToWallClockUs(uint64_t boot_ns) {
  // The age of the moment is the same on both clocks.
  const int64_t age_ns = ClockNs(CLOCK_BOOTTIME) - static_cast<int64_t>(boot_ns);
  return (ClockNs(CLOCK_REALTIME) - age_ns) / 1000;
}

absl::StatusOr<std::unique_ptr<FirstFrameReader>> FirstFrameReader::Start(int events_fd,
                                                                          const DatapathMaps* maps,
                                                                          EventSink* sink) {
  std::unique_ptr<FirstFrameReader> reader(new FirstFrameReader(maps, sink));
  ASSIGN_OR_RETURN(reader->reader_,
                   sys::RingReader::Start(
                       events_fd, [raw = reader.get()](auto record) { raw->OnRecord(record); }));
  return reader;
}

namespace {

absl::Status RepeatReturns(const DatapathMaps& maps, EventSink* sink) {
  ASSIGN_OR_RETURN(const std::vector<uint32_t> departures, maps.departure_info.Keys());
  for (const uint32_t index : departures) {
    const absl::StatusOr<abi::or_move> move = maps.moves.Lookup(index);
    const absl::StatusOr<abi::or_port_info> info = maps.port_info.Lookup(index);
    if (!move.ok() || !info.ok() || move->returned_ns == 0) continue;
    sink->OnReturned(
        {.port = DecodePortId(*info), .time_us = BootToWallClockUs(move->returned_ns)});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RepeatEvents(const DatapathMaps& maps, EventSink* sink) {
  ASSIGN_OR_RETURN(const auto seen, maps.first_frames.Dump());
  for (const auto& [index, frame] : seen) {
    const absl::StatusOr<abi::or_port> port = maps.ports.Lookup(index);
    const absl::StatusOr<abi::or_port_info> info = maps.port_info.Lookup(index);
    if (!port.ok() || !info.ok() || port->phase != abi::OR_PORT_ARMED) continue;
    sink->OnFirstFrame({.port = DecodePortId(*info),
                        .ether_type = frame.ether_type,
                        .time_us = BootToWallClockUs(frame.boot_ns),
                        .armed = true});
  }
  return RepeatReturns(maps, sink);
}

void FirstFrameReader::OnRecord(std::span<const uint8_t> record) {
  if (record.size() < sizeof(abi::or_event)) return;
  const auto kind = sys::FromBytes<uint32_t>(record.first(sizeof(uint32_t)));
  if (kind == abi::OR_EVENT_ACL) return OnAclLog(record);
  if (kind == abi::OR_EVENT_MULTICAST) return OnMulticast(record);
  if (kind == OR_EVENT_ADOPTION) return OnAdoption(record);
  const auto event = sys::FromBytes<abi::or_event>(record.first(sizeof(abi::or_event)));
  if (event.kind == abi::OR_EVENT_RETURNED) return OnReturned(event);
  if (event.kind != abi::OR_EVENT_FIRST_FRAME) return;
  const absl::StatusOr<abi::or_port_info> info = maps_->port_info.Lookup(event.port);
  if (!info.ok()) {
    // The port left before its event was read: nobody waits for it any more.
    if (!absl::IsNotFound(info.status())) {
      spdlog::warn("first frame of port index {}: {}", event.port, Message(info.status()));
    }
    return;
  }
  sink_->OnFirstFrame({.port = DecodePortId(*info),
                       .ether_type = event.ether_type,
                       .time_us = BootToWallClockUs(event.boot_ns),
                       .armed = event.phase == abi::OR_PORT_ARMED});
}

void FirstFrameReader::OnReturned(const abi::or_event& event) {
  const absl::StatusOr<abi::or_port_info> info = maps_->port_info.Lookup(event.port);
  if (!info.ok()) return;
  sink_->OnReturned({.port = DecodePortId(*info), .time_us = BootToWallClockUs(event.boot_ns)});
}

void FirstFrameReader::OnAclLog(std::span<const uint8_t> record) {
  if (record.size() < sizeof(abi::or_acl_event)) return;
  const auto event = sys::FromBytes<abi::or_acl_event>(record.first(sizeof(abi::or_acl_event)));
  const absl::StatusOr<abi::or_port_info> info = maps_->port_info.Lookup(event.port);
  if (!info.ok()) return;
  sink_->OnAclLog({.port = DecodePortId(*info),
                   .direction = event.to_guest != 0 ? Direction::kEgress : Direction::kIngress,
                   .number = event.number,
                   .action = DecodeAction(event.action),
                   .src_mac = MacAddress(ToArray(event.eth_src)),
                   .dst_mac = MacAddress(ToArray(event.eth_dst)),
                   .ether_type = event.ether_type,
                   .is_ip = event.ip != 0,
                   .src = IpAddress(ToArray(event.src)),
                   .dst = IpAddress(ToArray(event.dst)),
                   .protocol = event.protocol,
                   .src_port = event.src_port,
                   .dst_port = event.dst_port,
                   .length = event.length});
}

void FirstFrameReader::OnAdoption(std::span<const uint8_t> record) {
  if (record.size() < sizeof(abi::or_adoption_event)) return;
  const auto event =
      sys::FromBytes<abi::or_adoption_event>(record.first(sizeof(abi::or_adoption_event)));
  const absl::StatusOr<abi::or_port_info> info = maps_->port_info.Lookup(event.port);
  const auto vni = Vni::FromValue(event.vni);
  if (!info.ok() || !vni.ok()) return;
  const bool from_guest = event.from_guest != 0;
  const IpAddress guest(ToArray(event.guest));
  const IpAddress remote(ToArray(event.remote));
  sink_->OnAdoption({.port = DecodePortId(*info),
                     .vni = *vni,
                     .src = from_guest ? guest : remote,
                     .dst = from_guest ? remote : guest,
                     .src_port = from_guest ? event.guest_port : event.remote_port,
                     .dst_port = from_guest ? event.remote_port : event.guest_port,
                     .from_guest = from_guest});
}

void FirstFrameReader::OnMulticast(std::span<const uint8_t> record) {
  if (record.size() < sizeof(abi::or_multicast_event)) return;
  const auto event =
      sys::FromBytes<abi::or_multicast_event>(record.first(sizeof(abi::or_multicast_event)));
  const absl::StatusOr<abi::or_port_info> info = maps_->port_info.Lookup(event.port);
  const auto vni = Vni::FromValue(event.vni);
  if (!info.ok() || !vni.ok() || event.length > sizeof(event.data)) return;
  sink_->OnMulticast({.port = DecodePortId(*info),
                      .vni = *vni,
                      .packet = {event.data, event.data + event.length}});
}

}  // namespace outrider::datapath::ebpf
