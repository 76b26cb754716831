#include "vswitch/agent/peer_messages.h"

namespace outrider::agent {

v1::PortConnection ToMessage(const datapath::ConnectionRecord& record) {
  v1::PortConnection message;
  message.set_key(record.key);
  message.set_entry(record.entry);
  return message;
}

v1::PortLevel ToMessage(const datapath::BucketLevel& level) {
  v1::PortLevel message;
  message.set_kind(level.kind);
  message.set_bytes(level.bytes);
  message.set_packets(level.packets);
  return message;
}

v1::PortMembership ToMessage(const Membership& membership) {
  v1::PortMembership message;
  message.set_vni(membership.group.vni.value());
  message.set_group(membership.group.group.ToString());
  message.set_left_us(membership.left_us);
  return message;
}

std::vector<datapath::ConnectionRecord> ConnectionsOf(const v1::PutPortMemoryRequest& request) {
  std::vector<datapath::ConnectionRecord> records;
  records.reserve(static_cast<size_t>(request.connections_size()));
  for (const v1::PortConnection& connection : request.connections()) {
    records.push_back({.key = connection.key(), .entry = connection.entry(), .version = 0});
  }
  return records;
}

std::vector<std::string> EndedOf(const v1::PutPortMemoryRequest& request) {
  return {request.ended().begin(), request.ended().end()};
}

std::vector<datapath::BucketLevel> LevelsOf(const v1::PutPortMemoryRequest& request) {
  std::vector<datapath::BucketLevel> levels;
  for (const v1::PortLevel& level : request.levels()) {
    levels.push_back({.kind = level.kind(), .bytes = level.bytes(), .packets = level.packets()});
  }
  return levels;
}

std::vector<Membership> MembershipsOf(const v1::PutPortMemoryRequest& request) {
  std::vector<Membership> memberships;
  for (const v1::PortMembership& message : request.memberships()) {
    const auto vni = Vni::Create(message.vni());
    const auto group = IpAddress::Parse(message.group());
    if (!vni.ok() || !group.ok() || message.left_us() <= 0) continue;
    memberships.push_back({.group = {*vni, *group}, .left_us = message.left_us()});
  }
  return memberships;
}

datapath::PortCounters CountersOf(const v1::PortCounters& message) {
  datapath::PortCounters counters{.rx_packets = message.rx_packets(),
                                  .rx_bytes = message.rx_bytes(),
                                  .tx_packets = message.tx_packets(),
                                  .tx_bytes = message.tx_bytes(),
                                  .drops = {message.drops().begin(), message.drops().end()},
                                  .rules = {},
                                  .connections = message.connections()};
  for (const v1::RuleCounter& rule : message.rules()) {
    if (rule.direction() != v1::RuleCounter::DIRECTION_INGRESS &&
        rule.direction() != v1::RuleCounter::DIRECTION_EGRESS) {
      continue;
    }
    const auto direction = rule.direction() == v1::RuleCounter::DIRECTION_INGRESS
                               ? datapath::Direction::kIngress
                               : datapath::Direction::kEgress;
    counters.rules[{direction, rule.number()}] = {.packets = rule.packets(), .bytes = rule.bytes()};
  }
  return counters;
}

}  // namespace outrider::agent
