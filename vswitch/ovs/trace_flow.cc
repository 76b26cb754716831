#include "vswitch/ovs/trace_flow.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <utility>

namespace outrider::ovs {
namespace {

constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kIpv6 = 0x86dd;
constexpr uint16_t kArp = 0x0806;
constexpr uint16_t kRarp = 0x8035;
constexpr uint8_t kIcmp = 1;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kIcmp6 = 58;
constexpr uint8_t kSctp = 132;

// A word that stands for a protocol.
struct Keyword {
  uint16_t dl_type;
  uint8_t nw_proto;
};
const std::map<std::string, Keyword>& Keywords() {
  static const std::map<std::string, Keyword> keywords = {
      {"ip", {kIpv4, 0}},         {"icmp", {kIpv4, kIcmp}}, {"tcp", {kIpv4, kTcp}},
      {"udp", {kIpv4, kUdp}},     {"sctp", {kIpv4, kSctp}}, {"arp", {kArp, 0}},
      {"rarp", {kRarp, 0}},       {"ipv6", {kIpv6, 0}},     {"ip6", {kIpv6, 0}},
      {"tcp6", {kIpv6, kTcp}},    {"udp6", {kIpv6, kUdp}},  {"sctp6", {kIpv6, kSctp}},
      {"icmp6", {kIpv6, kIcmp6}},
  };
  return keywords;
}

using Setter = std::function<absl::Status(const std::string& value, TraceFlow* flow)>;

template <typename T>
Setter Number(const std::string& name, T TraceFlow::*member) {
  return [name, member](const std::string& value, TraceFlow* flow) -> absl::Status {
    const bool hex = value.starts_with("0x");
    uint64_t number = 0;
    const char* const begin = value.data() + (hex ? 2 : 0);
    const char* const end = value.data() + value.size();
    const auto result = std::from_chars(begin, end, number, hex ? 16 : 10);
    if (result.ptr != end || begin == end || result.ec == std::errc::invalid_argument) {
      return absl::InvalidArgumentError(fmt::format("{}: bad syntax for {} value", value, name));
    }
    if (number > std::numeric_limits<T>::max() || result.ec != std::errc()) {
      return absl::InvalidArgumentError(
          fmt::format("{}: value too large for {}-byte field {}", value, sizeof(T), name));
    }
    flow->*member = static_cast<T>(number);
    return absl::OkStatus();
  };
}

Setter Mac(MacAddress TraceFlow::*member) {
  return [member](const std::string& value, TraceFlow* flow) -> absl::Status {
    const auto mac = MacAddress::Parse(value);
    if (!mac.ok()) return absl::InvalidArgumentError(value + ": invalid Ethernet address");
    flow->*member = *mac;
    return absl::OkStatus();
  };
}

Setter Ip(IpAddress TraceFlow::*member, bool v4) {
  return [member, v4](const std::string& value, TraceFlow* flow) -> absl::Status {
    if (value.find('/') != std::string::npos) {
      return absl::InvalidArgumentError(value + ": wildcards not allowed here");
    }
    const auto address = IpAddress::Parse(value);
    if (!address.ok() || address->IsV4() != v4) {
      return absl::InvalidArgumentError(
          fmt::format("{}: invalid {} address", value, v4 ? "IP" : "IPv6"));
    }
    flow->*member = *address;
    return absl::OkStatus();
  };
}

absl::Status SetVlan(const std::string& value, TraceFlow* flow) {
  static const auto number = Number("dl_vlan", &TraceFlow::tp_src);
  TraceFlow scratch;
  RETURN_IF_ERROR(number(value, &scratch));
  if (scratch.tp_src > 4094) {
    return absl::InvalidArgumentError(value + ": not a valid VLAN (use 0 to 4094)");
  }
  flow->dl_vlan = scratch.tp_src;
  return absl::OkStatus();
}

struct Field {
  Setter set;
  // dl_type and nw_proto it needs; 0: any.
  std::vector<uint16_t> dl_types = {};
  std::vector<uint8_t> protocols = {};
};

const std::map<std::string, Field>& Fields() {
  const std::vector<uint16_t> ip = {kIpv4, kIpv6};
  const std::vector<uint8_t> ports = {kTcp, kUdp, kSctp};
  const std::vector<uint16_t> arp = {kArp, kRarp};
  static const std::map<std::string, Field> fields = {
      {"dl_src", {Mac(&TraceFlow::dl_src)}},
      {"eth_src", {Mac(&TraceFlow::dl_src)}},
      {"dl_dst", {Mac(&TraceFlow::dl_dst)}},
      {"eth_dst", {Mac(&TraceFlow::dl_dst)}},
      {"dl_vlan", {SetVlan}},
      {"vlan_vid", {SetVlan}},
      {"dl_vlan_pcp", {Number("dl_vlan_pcp", &TraceFlow::dl_vlan_pcp)}},
      {"dl_type", {Number("eth_type", &TraceFlow::dl_type)}},
      {"eth_type", {Number("eth_type", &TraceFlow::dl_type)}},
      {"nw_src", {Ip(&TraceFlow::nw_src, true), {kIpv4}}},
      {"ip_src", {Ip(&TraceFlow::nw_src, true), {kIpv4}}},
      {"nw_dst", {Ip(&TraceFlow::nw_dst, true), {kIpv4}}},
      {"ip_dst", {Ip(&TraceFlow::nw_dst, true), {kIpv4}}},
      {"ipv6_src", {Ip(&TraceFlow::nw_src, false), {kIpv6}}},
      {"ipv6_dst", {Ip(&TraceFlow::nw_dst, false), {kIpv6}}},
      {"nw_proto", {Number("nw_proto", &TraceFlow::nw_proto), ip}},
      {"ip_proto", {Number("nw_proto", &TraceFlow::nw_proto), ip}},
      {"nw_tos", {Number("nw_tos", &TraceFlow::nw_tos), ip}},
      {"nw_ttl", {Number("nw_ttl", &TraceFlow::nw_ttl), ip}},
      {"tp_src", {Number("tp_src", &TraceFlow::tp_src), ip, ports}},
      {"tp_dst", {Number("tp_dst", &TraceFlow::tp_dst), ip, ports}},
      {"tcp_src", {Number("tcp_src", &TraceFlow::tp_src), ip, {kTcp}}},
      {"tcp_dst", {Number("tcp_dst", &TraceFlow::tp_dst), ip, {kTcp}}},
      {"udp_src", {Number("udp_src", &TraceFlow::tp_src), ip, {kUdp}}},
      {"udp_dst", {Number("udp_dst", &TraceFlow::tp_dst), ip, {kUdp}}},
      {"tcp_flags", {Number("tcp_flags", &TraceFlow::tcp_flags), ip, {kTcp}}},
      {"icmp_type", {Number("icmp_type", &TraceFlow::tp_src), ip, {kIcmp, kIcmp6}}},
      {"icmp_code", {Number("icmp_code", &TraceFlow::tp_dst), ip, {kIcmp, kIcmp6}}},
      {"icmpv6_type", {Number("icmpv6_type", &TraceFlow::tp_src), {kIpv6}, {kIcmp6}}},
      {"icmpv6_code", {Number("icmpv6_code", &TraceFlow::tp_dst), {kIpv6}, {kIcmp6}}},
      {"arp_spa", {Ip(&TraceFlow::nw_src, true), arp}},
      {"arp_tpa", {Ip(&TraceFlow::nw_dst, true), arp}},
      {"arp_op", {Number("arp_op", &TraceFlow::tp_src), arp}},
      {"arp_sha", {Mac(&TraceFlow::arp_sha), arp}},
      {"arp_tha", {Mac(&TraceFlow::arp_tha), arp}},
  };
  return fields;
}

// An address that was not given is 0.0.0.0 in a flow of IPv4.
std::string V4Text(const IpAddress& address) {
  return IpAddress::FromV4(address.v4_bytes()).ToString();
}

template <typename T, typename U>
bool Allowed(const std::vector<T>& wanted, U value) {
  if (wanted.empty()) return true;
  for (const T one : wanted) {
    if (one == value) return true;
  }
  return false;
}

absl::Status SetOne(const std::string& key, const std::string& value, TraceFlow* flow) {
  const auto keyword = Keywords().find(key);
  if (keyword != Keywords().end() && value.empty()) {
    flow->dl_type = keyword->second.dl_type;
    if (keyword->second.nw_proto != 0) flow->nw_proto = keyword->second.nw_proto;
    return absl::OkStatus();
  }
  if (key == "in_port") {
    flow->in_port = value;
    return absl::OkStatus();
  }
  const auto field = Fields().find(key);
  if (field == Fields().end()) return absl::InvalidArgumentError("unknown field " + key);
  if (!Allowed(field->second.dl_types, flow->dl_type) ||
      !Allowed(field->second.protocols, flow->nw_proto)) {
    return absl::InvalidArgumentError("prerequisites not met for setting " + key);
  }
  const absl::Status status = field->second.set(value, flow);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(fmt::format("bad value for {} ({})", key, Message(status)));
}

}  // namespace

absl::StatusOr<TraceFlow> TraceFlow::Parse(const std::string& text) {
  TraceFlow flow;
  std::string item;
  const auto take = [&]() -> absl::Status {
    if (item.empty()) return absl::OkStatus();
    const size_t equals = item.find('=');
    const std::string value = equals == std::string::npos ? "" : item.substr(equals + 1);
    const absl::Status status = SetOne(item.substr(0, equals), value, &flow);
    item.clear();
    return status;
  };
  absl::Status status = absl::OkStatus();
  for (const char c : text + ",") {
    if (c != ',' && c != ' ' && c != '\t' && c != '\n') {
      item += c;
    } else if (status = take(); !status.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("Bad openflow flow syntax: {}: {}", text, Message(status)));
    }
  }
  return flow;
}

std::string TraceFlow::ToString() const {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ",") + part; };
  bool named = false;
  for (const auto& [word, keyword] : Keywords()) {
    if (word == "ip6" || keyword.dl_type != dl_type || keyword.nw_proto != nw_proto) continue;
    add(word);
    named = true;
  }
  add("in_port=" + (in_port.empty() ? "ANY" : in_port));
  add(dl_vlan ? fmt::format("dl_vlan={},dl_vlan_pcp={},vlan_tci1=0x0000", *dl_vlan, dl_vlan_pcp)
              : "vlan_tci=0x0000");
  add(fmt::format("dl_src={},dl_dst={}", dl_src.ToString(), dl_dst.ToString()));
  const bool ip = dl_type == kIpv4 || dl_type == kIpv6;
  if (!named) add(fmt::format("dl_type=0x{:04x}", dl_type));
  if (dl_type == kIpv4) {
    add(fmt::format("nw_src={},nw_dst={}", V4Text(nw_src), V4Text(nw_dst)));
  } else if (dl_type == kIpv6) {
    add(fmt::format("ipv6_src={},ipv6_dst={}", nw_src.ToString(), nw_dst.ToString()));
  } else if (dl_type == kArp || dl_type == kRarp) {
    add(fmt::format("arp_spa={},arp_tpa={},arp_op={},arp_sha={},arp_tha={}", V4Text(nw_src),
                    V4Text(nw_dst), tp_src, arp_sha.ToString(), arp_tha.ToString()));
  }
  if (!ip) return text;
  if (!named || nw_proto == 0) add(fmt::format("nw_proto={}", nw_proto));
  add(fmt::format("nw_tos={},nw_ecn={},nw_ttl={},nw_frag=no", nw_tos & 0xfc, nw_tos & 3, nw_ttl));
  if (nw_proto == kIcmp || nw_proto == kIcmp6) {
    add(fmt::format("icmp_type={},icmp_code={}", tp_src, tp_dst));
  } else if (nw_proto == kTcp || nw_proto == kUdp || nw_proto == kSctp) {
    add(fmt::format("tp_src={},tp_dst={}", tp_src, tp_dst));
  }
  return text;
}

}  // namespace outrider::ovs
