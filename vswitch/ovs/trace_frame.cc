// Frames of TraceFlow: headers of Ethernet, 802.1Q, ARP (RFC 826), IPv4 (RFC 791), IPv6 (RFC 8200),
// TCP, UDP and ICMP.
#include <cctype>
#include <charconv>

#include "vswitch/ovs/trace_flow.h"

namespace outrider::ovs {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kMinFrame = 60;

void Put16(Bytes* out, uint32_t value) {
  out->push_back(static_cast<uint8_t>(value >> 8));
  out->push_back(static_cast<uint8_t>(value));
}

void Put32(Bytes* out, uint32_t value) {
  Put16(out, value >> 16);
  Put16(out, value & 0xffff);
}

template <typename Range>
void Append(Bytes* out, const Range& bytes) {
  out->insert(out->end(), bytes.begin(), bytes.end());
}

// RFC 1071, of `data` after `sum`.
uint32_t Sum(const Bytes& data, uint32_t sum) {
  for (size_t i = 0; i < data.size(); ++i) {
    sum += i % 2 == 0 ? uint32_t{data[i]} << 8 : data[i];
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

void Store16(Bytes* data, size_t at, uint32_t value) {
  (*data)[at] = static_cast<uint8_t>(value >> 8);
  (*data)[at + 1] = static_cast<uint8_t>(value);
}

// The layer-4 header, checksum zero, and where the checksum belongs (0: it has none).
Bytes Layer4(const TraceFlow& flow, size_t* checksum_at) {
  Bytes out;
  switch (flow.nw_proto) {
    case 6:
      Put16(&out, flow.tp_src);
      Put16(&out, flow.tp_dst);
      Put32(&out, 1);  // sequence number
      Put32(&out, 0);
      Put16(&out, 0x5000u | flow.tcp_flags);
      Put16(&out, 65535);
      Put32(&out, 0);
      *checksum_at = 16;
      return out;
    case 17:
      Put16(&out, flow.tp_src);
      Put16(&out, flow.tp_dst);
      Put16(&out, 8);
      Put16(&out, 0);
      *checksum_at = 6;
      return out;
    case 1:
    case 58:
      Put16(&out, (uint32_t{flow.tp_src} & 0xff) << 8 | (flow.tp_dst & 0xff));
      Put16(&out, 0);
      Put32(&out, 0);
      *checksum_at = 2;
      return out;
    case 132:
      Put16(&out, flow.tp_src);
      Put16(&out, flow.tp_dst);
      Put32(&out, 0);
      Put32(&out, 0);
      return out;
    default:
      return out;
  }
}

void AppendIp(const TraceFlow& flow, bool v4, Bytes* out) {
  size_t checksum_at = 0;
  Bytes payload = Layer4(flow, &checksum_at);
  // Unset addresses of IPv4 flows are "::" as values: the last four bytes are 0.0.0.0 then.
  Bytes addresses;
  for (const IpAddress& address : {flow.nw_src, flow.nw_dst}) {
    if (v4) {
      Append(&addresses, address.v4_bytes());
    } else {
      Append(&addresses, address.bytes());
    }
  }
  if (checksum_at != 0) {
    // ICMP of IPv4 has no pseudo header.
    const bool pseudo = !(v4 && flow.nw_proto == 1);
    uint32_t sum =
        pseudo ? Sum(addresses, static_cast<uint32_t>(payload.size()) + flow.nw_proto) : 0;
    sum = ~Sum(payload, sum) & 0xffff;
    if (sum == 0 && flow.nw_proto == 17) sum = 0xffff;
    Store16(&payload, checksum_at, sum);
  }
  if (v4) {
    Bytes header;
    Put16(&header, 0x4500u | flow.nw_tos);
    Put16(&header, static_cast<uint32_t>(20 + payload.size()));
    Put16(&header, 0);
    Put16(&header, 0x4000);  // don't fragment
    Put16(&header, uint32_t{flow.nw_ttl} << 8 | flow.nw_proto);
    Put16(&header, 0);
    Append(&header, addresses);
    Store16(&header, 10, ~Sum(header, 0) & 0xffff);
    Append(out, header);
  } else {
    Put32(out, 0x60000000u | uint32_t{flow.nw_tos} << 20);
    Put16(out, static_cast<uint32_t>(payload.size()));
    Put16(out, uint32_t{flow.nw_proto} << 8 | flow.nw_ttl);
    Append(out, addresses);
  }
  Append(out, payload);
}

void AppendArp(const TraceFlow& flow, Bytes* out) {
  Put16(out, 1);
  Put16(out, 0x0800);
  Put16(out, 0x0604);
  Put16(out, flow.tp_src);
  Append(out, flow.arp_sha.bytes());
  Append(out, flow.nw_src.v4_bytes());
  Append(out, flow.arp_tha.bytes());
  Append(out, flow.nw_dst.v4_bytes());
}

}  // namespace

std::vector<uint8_t> TraceFlow::Frame() const {
  Bytes frame;
  Append(&frame, dl_dst.bytes());
  Append(&frame, dl_src.bytes());
  if (dl_vlan) {
    Put16(&frame, 0x8100);
    Put16(&frame, uint32_t{dl_vlan_pcp} << 13 | *dl_vlan);
  }
  // A flow without a type is no frame that the wire knows: experimental (IEEE 802).
  Put16(&frame, dl_type == 0 ? 0x88b5 : dl_type);
  if (dl_type == 0x0800 || dl_type == 0x86dd) AppendIp(*this, dl_type == 0x0800, &frame);
  if (dl_type == 0x0806 || dl_type == 0x8035) AppendArp(*this, &frame);
  if (frame.size() < kMinFrame) frame.resize(kMinFrame);
  return frame;
}

absl::StatusOr<std::vector<uint8_t>> FrameFromHex(const std::string& hex) {
  Bytes frame;
  std::string digits;
  for (const char c : hex) {
    if (std::isspace(static_cast<unsigned char>(c))) continue;
    digits += c;
    if (digits.size() < 2) continue;
    uint8_t byte = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + 2, byte, 16);
    if (result.ptr != digits.data() + 2) break;
    frame.push_back(byte);
    digits.clear();
  }
  if (!digits.empty()) return absl::InvalidArgumentError("Trailing garbage in packet data");
  return frame;
}

}  // namespace outrider::ovs
