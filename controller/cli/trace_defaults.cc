#include "controller/cli/trace_defaults.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <optional>

#include "controller/cli/table.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/names.h"
#include "controller/model/status.h"

namespace outrider::controller::cli {
namespace {

constexpr char kBroadcast[] = "ff:ff:ff:ff:ff:ff";

// Who is who in a segment, by the controller's word.
class KnownSegment {
 public:
  KnownSegment(const v1::HostState& state, uint32_t vni) : state_(state), vni_(vni) {}

  // Empty: nobody known.
  std::string MacOf(const std::string& ip) const {
    for (const v1::NeighborEntry& known : state_.neighbors()) {
      if (known.vni() == vni_ && known.ip() == ip) return known.mac();
    }
    return "";
  }
  // An address of the MAC, of IPv6 or of IPv4.
  std::string IpOf(const std::string& mac, bool v6) const {
    for (const v1::NeighborEntry& known : state_.neighbors()) {
      if (known.vni() == vni_ && known.mac() == mac && IsIpv6Text(known.ip()) == v6) {
        return known.ip();
      }
    }
    return "";
  }
  const v1::FdbEntry* WhereIs(const std::string& mac) const {
    for (const v1::FdbEntry& entry : state_.fdb()) {
      if (entry.vni() == vni_ && entry.mac() == mac) return &entry;
    }
    return nullptr;
  }
  uint32_t vni() const { return vni_; }
  // A VLAN of a physical network carries it, not VXLAN.
  bool has_provider() const {
    for (const v1::SegmentState& known : state_.segments()) {
      if (known.vni() == vni_) return !known.provider_uplink().empty();
    }
    return false;
  }

 private:
  const v1::HostState& state_;
  const uint32_t vni_;
};

// As the controller writes them. What is no address is left for the frame's builder to refuse.
void Canonicalise(FrameSpec* spec) {
  for (std::string* ip : {&spec->src_ip, &spec->dst_ip}) {
    if (const auto address = ParseAddress(*ip)) *ip = address->AddressText();
  }
  for (std::string* mac : {&spec->src_mac, &spec->dst_mac}) {
    if (!mac->empty()) *mac = CanonicalMac(*mac);
  }
}

// Null: not in force, and so without VLANs.
const v1::PortState* FindPort(const v1::HostState& state, const std::string& id) {
  for (const v1::PortState& known : state.ports()) {
    if (known.id() == id) return &known;
  }
  return nullptr;
}

// The segment that the tag leads to at the port; absent: the tag is none of the port's own.
std::optional<uint32_t> VniOfTag(const v1::PortState& port, uint16_t tag) {
  if (tag != 0 && port.native_vlan() == tag) return port.vni();
  for (const auto& vlan : port.vlans()) {
    if (vlan.vlan() == tag) return vlan.vni();
  }
  return std::nullopt;
}

// The tag the port's guest sends with into a segment; absent: none.
std::optional<uint16_t> TagOfVni(const v1::PortState& port, uint32_t vni) {
  for (const auto& vlan : port.vlans()) {
    if (vlan.vni() == vni) return static_cast<uint16_t>(vlan.vlan());
  }
  return std::nullopt;
}

// The segment the question is about. A tag of the port's own says which that is; of a frame that
// is yet to come to the port it is no part then: between ports there are no tags.
uint32_t ChooseVni(const v1::LocalPort& port, const v1::HostState& state, bool comes_in,
                   TraceQuestion* question) {
  if (question->vni != 0) return question->vni;
  std::optional<uint16_t>& tag = question->spec.vlan;
  const v1::PortState* known = FindPort(state, port.attachment().port_id());
  if (known == nullptr || !tag) return port.vni();
  const std::optional<uint32_t> vni = VniOfTag(*known, *tag);
  if (vni && comes_in) tag.reset();
  return vni.value_or(port.vni());
}

// RFC 1112 6.4 and RFC 2464 7; empty for unicast.
std::string GroupMac(const std::string& ip) {
  if (ip == "255.255.255.255") return kBroadcast;
  std::array<uint8_t, 16> b{};
  if (IsIpv6Text(ip)) {
    if (inet_pton(AF_INET6, ip.c_str(), b.data()) != 1 || b[0] != 0xff) return "";
    return fmt::format("33:33:{:02x}:{:02x}:{:02x}:{:02x}", b[12], b[13], b[14], b[15]);
  }
  if (inet_pton(AF_INET, ip.c_str(), b.data()) != 1 || b[0] < 224 || b[0] > 239) return "";
  return fmt::format("01:00:5e:{:02x}:{:02x}:{:02x}", b[1] & 0x7f, b[2], b[3]);
}

// Where the target of a neighbour solicitation listens (RFC 4291, 2.7.1); empty: no IPv6 address.
std::string SolicitedMac(const std::string& ip) {
  std::array<uint8_t, 16> b{};
  if (inet_pton(AF_INET6, ip.c_str(), b.data()) != 1) return "";
  return fmt::format("33:33:ff:{:02x}:{:02x}:{:02x}", b[13], b[14], b[15]);
}

bool WantsIpv6(const FrameSpec& spec) {
  if (!spec.dst_ip.empty()) return IsIpv6Text(spec.dst_ip);
  if (!spec.src_ip.empty()) return IsIpv6Text(spec.src_ip);
  return spec.protocol == "icmp6" || spec.protocol == "nd";
}

// The port's own address of the family; empty: none known.
std::string OwnIp(const v1::LocalPort& port, const KnownSegment& segment, bool v6) {
  for (const std::string& ip : port.attachment().ips()) {
    if (IsIpv6Text(ip) == v6) return ip;
  }
  return segment.IpOf(port.attachment().mac(), v6);
}

absl::Status FillDestinationMac(const KnownSegment& segment, FrameSpec* spec) {
  if (!spec->dst_mac.empty()) return absl::OkStatus();
  if (spec->protocol == "arp") spec->dst_mac = kBroadcast;
  if (spec->protocol == "nd") spec->dst_mac = SolicitedMac(spec->dst_ip);
  if (spec->dst_mac.empty()) spec->dst_mac = GroupMac(spec->dst_ip);
  if (spec->dst_mac.empty()) spec->dst_mac = segment.MacOf(spec->dst_ip);
  if (!spec->dst_mac.empty()) return absl::OkStatus();
  if (spec->dst_ip.empty()) {
    return absl::InvalidArgumentError("where to? --ip-dst, --dst-mac, --pcap or --hex");
  }
  return absl::InvalidArgumentError(
      fmt::format("nobody in VNI {} is known to have {}: name its MAC, or that of the router, by "
                  "--dst-mac",
                  segment.vni(), Cell(spec->dst_ip)));
}

absl::Status FillFromGuest(const v1::LocalPort& port, const KnownSegment& segment,
                           FrameSpec* spec) {
  if (spec->src_mac.empty()) spec->src_mac = port.attachment().mac();
  if (spec->src_ip.empty() && !spec->dst_ip.empty()) {
    spec->src_ip = OwnIp(port, segment, WantsIpv6(*spec));
    if (spec->src_ip.empty()) {
      return absl::InvalidArgumentError(fmt::format(
          "port \"{}\" has no known address: name one by --ip-src", port.attachment().port_id()));
    }
  }
  return FillDestinationMac(segment, spec);
}

absl::Status FillToGuest(const v1::LocalPort& port, const KnownSegment& segment, FrameSpec* spec) {
  if (spec->dst_mac.empty()) spec->dst_mac = port.attachment().mac();
  if (spec->src_mac.empty()) spec->src_mac = segment.MacOf(spec->src_ip);
  if (spec->src_mac.empty()) {
    return absl::InvalidArgumentError(
        "who sends? --src-mac, or an --ip-src that the segment knows");
  }
  if (spec->src_ip.empty()) spec->src_ip = segment.IpOf(spec->src_mac, WantsIpv6(*spec));
  if (spec->dst_ip.empty() && !spec->src_ip.empty()) {
    spec->dst_ip = OwnIp(port, segment, WantsIpv6(*spec));
  }
  if (!spec->src_ip.empty() && !spec->dst_ip.empty()) return absl::OkStatus();
  spec->src_ip.clear();
  spec->dst_ip.clear();
  return absl::OkStatus();
}

absl::Status SenderUnknown(const KnownSegment& segment, const std::string& src_mac) {
  if (segment.has_provider()) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is behind the uplink of VNI {}'s segment: frames that come in by an uplink cannot be "
        "traced; trace those of this host's ports",
        Cell(src_mac), segment.vni()));
  }
  return absl::InvalidArgumentError(fmt::format(
      "nobody in VNI {} is known to have {}: say where the frame comes from by --from-vtep",
      segment.vni(), Cell(src_mac)));
}

// Where a frame of the spec's source MAC enters this host, and with which tag.
absl::Status EnterFrom(const v1::HostState& state, const KnownSegment& segment, FrameSpec* spec,
                       v1::TraceRequest* request) {
  const v1::FdbEntry* where = segment.WhereIs(spec->src_mac);
  if (where == nullptr) return SenderUnknown(segment, spec->src_mac);
  if (!where->vtep().empty()) {
    request->set_from_vtep(where->vtep());
    request->set_vni(segment.vni());
    return absl::OkStatus();
  }
  request->set_port_id(where->port_id());
  const v1::PortState* sender = FindPort(state, where->port_id());
  if (sender != nullptr && !spec->vlan) spec->vlan = TagOfVni(*sender, segment.vni());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::LocalPort> FindLocalPort(const v1::ListLocalPortsResponse& ports,
                                            const std::string& name) {
  for (const v1::LocalPort& port : ports.ports()) {
    if (port.attachment().port_id() == name || port.attachment().device() == name) return port;
  }
  return absl::NotFoundError(
      fmt::format("\"{}\" is no port of this host; see: outrider port list --local", name));
}

absl::Status FillTrace(const v1::LocalPort& port, const v1::HostState& state,
                       TraceQuestion* question, v1::TraceRequest* request) {
  FrameSpec* spec = &question->spec;
  request->set_port_id(port.attachment().port_id());
  request->set_from_vtep(question->from_vtep);
  const bool comes_in = question->to || !question->from_vtep.empty();
  Canonicalise(spec);
  const KnownSegment segment(state, ChooseVni(port, state, comes_in, question));
  if (!comes_in) return FillFromGuest(port, segment, spec);
  request->set_vni(segment.vni());
  RETURN_IF_ERROR(FillToGuest(port, segment, spec));
  if (!question->from_vtep.empty()) return absl::OkStatus();
  return EnterFrom(state, segment, spec, request);
}

}  // namespace outrider::controller::cli
