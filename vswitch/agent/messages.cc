#include "vswitch/agent/messages.h"

#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

v1::PortEvent::Kind KindOf(PortEvent::Kind kind) {
  switch (kind) {
    case PortEvent::Kind::kAttached:
      return v1::PortEvent::KIND_ATTACHED;
    case PortEvent::Kind::kDetached:
      return v1::PortEvent::KIND_DETACHED;
    case PortEvent::Kind::kFirstFrame:
      return v1::PortEvent::KIND_FIRST_FRAME;
    case PortEvent::Kind::kActivated:
      return v1::PortEvent::KIND_ACTIVATED;
    case PortEvent::Kind::kPaused:
      return v1::PortEvent::KIND_PAUSED;
    case PortEvent::Kind::kResumed:
      return v1::PortEvent::KIND_RESUMED;
    case PortEvent::Kind::kRedirected:
      return v1::PortEvent::KIND_REDIRECTED;
    case PortEvent::Kind::kLoaded:
      return v1::PortEvent::KIND_LOADED;
  }
  return v1::PortEvent::KIND_UNSPECIFIED;
}

}  // namespace

v1::ObjectFailure ToMessage(const datapath::ObjectFailure& failure) {
  v1::ObjectFailure message;
  message.set_kind(ToString(failure.kind));
  message.set_key(failure.key);
  // absl's codes are google.rpc's.
  message.set_code(static_cast<int32_t>(failure.status.code()));
  message.set_message(Message(failure.status));
  return message;
}

v1::Ack ToMessage(const Acknowledgement& acknowledgement) {
  v1::Ack message;
  message.set_generation(static_cast<uint64_t>(acknowledgement.generation));
  for (const auto& failure : acknowledgement.failures) {
    *message.add_failures() = ToMessage(failure);
  }
  message.set_time_us(acknowledgement.time_us);
  return message;
}

v1::PortReceipt ToMessage(const PortReceipt& receipt, const std::string& host_id) {
  v1::PortReceipt message;
  message.set_port_id(receipt.port.ToString());
  message.set_host(host_id);
  message.set_profile(receipt.profile);
  message.set_profile_revision(receipt.profile_revision);
  message.set_digest(receipt.digest);
  message.set_phase(convert::ToProto(receipt.phase));
  message.set_epoch(static_cast<uint64_t>(receipt.epoch));
  message.set_generation(static_cast<uint64_t>(receipt.generation));
  message.set_time_us(receipt.time_us);
  return message;
}

v1::PortEvent ToMessage(const PortEvent& event) {
  v1::PortEvent message;
  message.set_kind(KindOf(event.kind));
  message.set_port_id(event.port.ToString());
  if (event.attachment) {
    *message.mutable_attachment() = convert::ToProto(event.port, *event.attachment);
    message.mutable_attachment()->set_claim(event.claim);
    message.mutable_attachment()->set_known_only(event.attachment->KnownOnly());
  }
  message.set_epoch(static_cast<uint64_t>(event.epoch));
  message.set_time_us(event.time_us);
  message.set_ether_type(event.ether_type);
  message.set_trigger(event.trigger);
  message.set_migration_id(event.migration_id);
  return message;
}

v1::MoveReport ToMessage(const MoveReport& report) {
  v1::MoveReport message;
  message.set_port_id(report.port.ToString());
  message.set_migration_id(report.migration_id);
  v1::MoveCounters* counters = message.mutable_counters();
  counters->set_replayed(report.counts.replayed);
  counters->set_redirected(report.counts.redirected);
  counters->set_lost(report.counts.lost);
  counters->set_arrived(report.counts.arrived);
  counters->set_refused(report.counts.refused);
  counters->set_redirect_delay_us(report.redirect_delay_us);
  counters->set_connections(report.connections);
  counters->set_adopted(report.adopted);
  return message;
}

v1::ProbeReport ToMessage(const ProbeReport& report) {
  v1::ProbeReport message;
  message.set_migration_id(report.migration_id);
  v1::ProbeResult* result = message.mutable_result();
  result->set_port_id(report.port.ToString());
  result->set_from_port_id(report.from.ToString());
  result->set_sent(report.counts.sent);
  result->set_answered(report.counts.answered);
  result->set_lost(report.counts.lost);
  result->set_duplicated(report.counts.duplicated);
  result->set_reordered(report.counts.reordered);
  result->set_longest_gap_us(report.counts.longest_gap_us);
  result->set_usual_gap_us(report.counts.usual_gap_us);
  result->set_round_trip_us(report.counts.round_trip_us);
  result->set_failure(report.failure);
  return message;
}

v1::Connection ToMessage(const datapath::Connection& connection) {
  v1::Connection message;
  message.set_port_id(connection.port.ToString());
  message.set_vni(connection.vni.value());
  message.set_protocol(connection.protocol);
  message.set_src(connection.src.ToString());
  message.set_dst(connection.dst.ToString());
  message.set_src_port(connection.src_port);
  message.set_dst_port(connection.dst_port);
  message.set_from_guest(connection.from_guest);
  message.set_state(connection.state);
  message.set_expires_s(connection.expires_s);
  return message;
}

v1::Station ToMessage(const datapath::Station& station) {
  v1::Station message;
  message.set_vni(station.vni.value());
  message.set_mac(station.mac.ToString());
  message.set_uplink(station.provider.uplink);
  message.set_vlan(station.provider.vlan);
  message.set_heard_s(station.heard_s);
  if (station.port) message.set_port_id(station.port->ToString());
  message.set_device(station.device);
  return message;
}

v1::MulticastMemberships ToMessage(const MulticastSnooper::Groups& groups) {
  v1::MulticastMemberships message;
  for (const state::MulticastKey& key : groups) {
    // Nobody else has a part in it.
    if (key.vni.IsLocal()) continue;
    v1::MulticastMemberships::Membership* membership = message.add_memberships();
    membership->set_vni(key.vni.value());
    if (key.group != IpAddress()) membership->set_group(key.group.ToString());
  }
  return message;
}

v1::PortCounters ToMessage(const PortId& id, const datapath::PortCounters& counters) {
  v1::PortCounters message;
  message.set_port_id(id.ToString());
  message.set_rx_packets(counters.rx_packets);
  message.set_rx_bytes(counters.rx_bytes);
  message.set_tx_packets(counters.tx_packets);
  message.set_tx_bytes(counters.tx_bytes);
  for (const auto& [reason, packets] : counters.drops) (*message.mutable_drops())[reason] = packets;
  for (const auto& [rule, count] : counters.rules) {
    v1::RuleCounter* counter = message.add_rules();
    counter->set_direction(rule.first == datapath::Direction::kIngress
                               ? v1::RuleCounter::DIRECTION_INGRESS
                               : v1::RuleCounter::DIRECTION_EGRESS);
    counter->set_number(rule.second);
    counter->set_packets(count.packets);
    counter->set_bytes(count.bytes);
  }
  message.set_connections(counters.connections);
  return message;
}

std::vector<v1::Counters> ToMessages(const std::map<PortId, datapath::PortCounters>& ports,
                                     const std::map<std::string, uint64_t>& host_drops,
                                     size_t max_bytes) {
  std::vector<v1::Counters> messages(1);
  messages.back().mutable_host_drops()->insert(host_drops.begin(), host_drops.end());
  size_t bytes = messages.back().ByteSizeLong();
  for (const auto& [id, counters] : ports) {
    v1::PortCounters port = ToMessage(id, counters);
    const size_t more = port.ByteSizeLong();
    if (bytes > 0 && bytes + more > max_bytes) {
      messages.emplace_back();
      bytes = 0;
    }
    bytes += more;
    *messages.back().add_ports() = std::move(port);
  }
  return messages;
}

v1::TraceResponse ToMessage(const datapath::Trace& trace) {
  v1::TraceResponse message;
  for (const datapath::TraceStep& step : trace.steps) {
    v1::TraceStep* said = message.add_steps();
    said->set_stage(step.stage);
    said->set_text(step.text);
    said->mutable_fields()->insert(step.fields.begin(), step.fields.end());
  }
  message.set_verdict(trace.verdict);
  message.set_drop_reason(trace.drop_reason);
  return message;
}

v1::CapturedFrame ToMessage(const datapath::CapturedFrame& frame) {
  v1::CapturedFrame message;
  switch (frame.point) {
    case datapath::CapturePoint::kFromGuest:
      message.set_point(v1::CapturedFrame::POINT_FROM_GUEST);
      break;
    case datapath::CapturePoint::kFromGuestOut:
      message.set_point(v1::CapturedFrame::POINT_FROM_GUEST_OUT);
      break;
    case datapath::CapturePoint::kToGuest:
      message.set_point(v1::CapturedFrame::POINT_TO_GUEST);
      break;
    case datapath::CapturePoint::kToGuestOut:
      message.set_point(v1::CapturedFrame::POINT_TO_GUEST_OUT);
      break;
  }
  message.set_port_id(frame.port.ToString());
  message.set_time_ns(frame.time_ns);
  message.set_data(frame.data.data(), frame.data.size());
  message.set_length(frame.length);
  message.set_vni(frame.vni);
  message.set_drop_reason(frame.drop_reason);
  message.set_missed(frame.missed);
  return message;
}

}  // namespace outrider::agent
