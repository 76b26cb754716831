#include "tests/bpf/spoof_model.h"

#include <fmt/format.h>

namespace outrider::tests {

Bytes LinkLayerOption(uint8_t type, const std::string& mac) {
  Bytes option = {type, 1};
  const auto bytes = Mac(mac).bytes();
  option.insert(option.end(), bytes.begin(), bytes.end());
  return option;
}

Bytes Concat(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes AddressBytes(const std::string& address) {
  const auto bytes = Ip(address).bytes();
  return {bytes.begin(), bytes.end()};
}

std::string Text(const Claim& c) {
  return fmt::format(
      "family {} mac {} source {} target {} inner {} op {} type {} option {} frag {} {}", c.family,
      c.mac, c.source, c.target, c.inner_mac, c.operation, c.type, c.has_option, c.fragment,
      c.src_port);
}

void SpoofModel::Allow(const std::string& mac, const std::string& prefix) {
  allowed_.emplace_back(mac, *IpPrefix::Parse(prefix));
}

bool SpoofModel::MayUse(const std::string& mac, const std::string& address) const {
  const std::string id = mac == kMacA ? kLinkLocalA : "fe80::200:5eff:fe00:101";
  if (address == id) return true;
  for (const auto& [owner, prefix] : allowed_) {
    if (owner == mac && prefix.IsV4() == Ip(address).IsV4() &&
        IpPrefix::Create(Ip(address), prefix.length()) == prefix) {
      return true;
    }
  }
  return false;
}

bool SpoofModel::Accepts(const Claim& c) const {
  if (c.family == 4) {
    if (c.source != "0.0.0.0") return MayUse(c.mac, c.source);
    return c.src_port == 68 && c.dst_port == 67 && !c.fragment;
  }
  if (c.family == 0) {
    if (c.inner_mac != c.mac) return false;
    if (c.source != "0.0.0.0") return MayUse(c.mac, c.source);
    return c.operation == 1 && c.target != c.source && MayUse(c.mac, c.target);
  }
  const bool discovery = c.type >= 133 && c.type <= 137;
  if (discovery && c.fragment) return false;
  if (discovery && c.has_option && c.inner_mac != c.mac) return false;
  if (c.type == 136 && !MayUse(c.mac, c.target)) return false;
  if (c.source != "::") return MayUse(c.mac, c.source);
  if (c.type == 135) return MayUse(c.mac, c.target);
  return c.type == 133 || c.type == 131 || c.type == 132 || c.type == 143;
}

Bytes Build(const Claim& c) {
  PacketBuilder builder(kBroadcast, c.mac);
  if (c.family == 0) {
    return builder
        .Arp({.operation = c.operation,
              .sender_mac = Mac(c.inner_mac),
              .sender_ip = c.source,
              .target_mac = {},
              .target_ip = c.target})
        .Build();
  }
  if (c.family == 4) {
    return builder
        .Ipv4({.src = c.source,
               .dst = "255.255.255.255",
               .fragment_offset = static_cast<uint16_t>(c.fragment ? 9 : 0),
               .protocol = 17})
        .Udp(c.src_port, c.dst_port)
        .Payload(40)
        .Build();
  }
  builder.Ipv6({.src = c.source, .dst = "ff02::1", .hop_limit = 255});
  if (c.fragment) builder.Fragment6({.more = true});
  if (c.type == 0) return builder.Udp(c.src_port, c.dst_port).Payload(32).Build();
  // What stands between the header and the options.
  Bytes body = c.type == 134 ? Bytes(8) : c.type == 137 ? Bytes(32) : Bytes();
  if (c.type == 135 || c.type == 136) body = AddressBytes(c.target);
  if (c.has_option) {
    body = Concat(body, LinkLayerOption(c.type == 136 || c.type == 137 ? 2 : 1, c.inner_mac));
  }
  return builder.Icmpv6(static_cast<uint8_t>(c.type)).Payload(body).Build();
}

}  // namespace outrider::tests
