#include "vswitch/agent/acl_log.h"

#include <fmt/format.h>

#include "vswitch/state/acl_words.h"

namespace outrider::agent {
namespace {

std::string EndPoint(const IpAddress& address, uint16_t port) {
  if (port == 0) return address.ToString();
  const std::string text = address.IsV4() ? address.ToString() : "[" + address.ToString() + "]";
  return fmt::format("{}:{}", text, port);
}

std::string Flow(const datapath::AclLogEvent& event) {
  if (!event.is_ip) {
    return fmt::format("{} > {} ethertype {:#06x}", event.src_mac.ToString(),
                       event.dst_mac.ToString(), event.ether_type);
  }
  return fmt::format("{} > {} protocol {}", EndPoint(event.src, event.src_port),
                     EndPoint(event.dst, event.dst_port), event.protocol);
}

}  // namespace

std::string AclLogText(const datapath::AclLogEvent& event) {
  const bool ingress = event.direction == datapath::Direction::kIngress;
  return fmt::format("port {}: {} rule {} {}: {}, {} bytes", event.port.ToString(),
                     ingress ? "ingress" : "egress", event.number, state::WordOf(event.action),
                     Flow(event), event.length);
}

std::string AdoptionText(const datapath::AdoptionEvent& event) {
  return fmt::format(
      "port {}: {} > {} protocol 6: unknown after the port's move, taken up in its middle",
      event.port.ToString(), EndPoint(event.src, event.src_port),
      EndPoint(event.dst, event.dst_port));
}

}  // namespace outrider::agent
