#include "vswitch/datapath/ebpf/recorded_frame.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace outrider::datapath::ebpf {
namespace {

constexpr size_t kTcpChecksum = 16;
constexpr size_t kUdpChecksum = 6;
constexpr size_t kUdpHeader = 8;
constexpr size_t kTcpDataOffset = 12;
constexpr size_t kIpv6Header = 40;

using Span = std::span<const uint8_t>;

uint16_t ReadBe16(Span bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

uint64_t Sum(Span bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) sum += ReadBe16(bytes, i);
  if (bytes.size() % 2 != 0) sum += uint64_t{bytes.back()} << 8;
  return sum;
}

uint16_t Fold(uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Of layer 4, in its header.
std::optional<size_t> ChecksumOffset(uint8_t protocol) {
  if (protocol == IPPROTO_TCP) return kTcpChecksum;
  if (protocol == IPPROTO_UDP) return kUdpChecksum;
  return std::nullopt;
}

// Length of layer 4 as IP has it; 0: not IP, or cut short.
size_t TransportLength(const abi::or_record_head& head, Span bytes) {
  const bool v6 = head.ether_type == ETH_P_IPV6;
  if ((!v6 && head.ether_type != ETH_P_IP) || bytes.size() < ETH_HLEN + kIpv6Header) return 0;
  const size_t before = head.l4_offset - size_t{ETH_HLEN};
  const size_t ip =
      v6 ? kIpv6Header + ReadBe16(bytes, ETH_HLEN + 4) : ReadBe16(bytes, ETH_HLEN + 2);
  return ip > before && ETH_HLEN + ip <= bytes.size() ? ip - before : 0;
}

uint64_t PseudoSum(const abi::or_record_head& head, Span bytes, size_t length) {
  const Span addresses = head.ether_type == ETH_P_IPV6 ? bytes.subspan(ETH_HLEN + 8, 32)
                                                       : bytes.subspan(ETH_HLEN + 12, 8);
  return Sum(addresses) + head.protocol + (length >> 16) + (length & 0xffff);
}

std::optional<sys::UnfinishedChecksum> FindUnfinished(const abi::or_record_head& head, Span bytes) {
  const auto offset = ChecksumOffset(head.protocol);
  if (!offset || head.l4_offset < ETH_HLEN || (head.flags & OR_RECORDED_FRAGMENT) != 0 ||
      bytes.size() < head.l4_offset + *offset + 2) {
    return std::nullopt;
  }
  const sys::UnfinishedChecksum unfinished{.start = head.l4_offset,
                                           .offset = static_cast<uint16_t>(*offset)};
  if (head.gso_size != 0) return unfinished;
  const size_t length = TransportLength(head, bytes);
  const uint16_t there = ReadBe16(bytes, head.l4_offset + *offset);
  if (length < *offset + 2 || (there == 0 && head.protocol == IPPROTO_UDP)) return std::nullopt;
  const uint64_t pseudo = PseudoSum(head, bytes, length);
  if (Fold(pseudo + Sum(bytes.subspan(head.l4_offset, length))) == 0xffff) return std::nullopt;
  return there == Fold(pseudo) ? std::optional(unfinished) : std::nullopt;
}

sys::Segmentation SegmentationOf(const abi::or_record_head& head) {
  if (head.gso_size == 0) return sys::Segmentation::kNone;
  if (head.protocol == IPPROTO_UDP) return sys::Segmentation::kUdp;
  return head.ether_type == ETH_P_IPV6 ? sys::Segmentation::kTcpV6 : sys::Segmentation::kTcpV4;
}

size_t HeaderLength(const abi::or_record_head& head, Span bytes) {
  if (head.protocol == IPPROTO_UDP) return head.l4_offset + kUdpHeader;
  if (bytes.size() <= head.l4_offset + kTcpDataOffset) return head.l4_offset;
  return head.l4_offset + size_t{bytes[head.l4_offset + kTcpDataOffset]} / 16 * 4;
}

void InsertTag(uint16_t type, uint16_t tag, sys::OffloadFrame* frame) {
  if (frame->bytes.size() < 2 * ETH_ALEN) return;
  const std::array<uint8_t, 4> header = {static_cast<uint8_t>(type >> 8),
                                         static_cast<uint8_t>(type), static_cast<uint8_t>(tag >> 8),
                                         static_cast<uint8_t>(tag)};
  frame->bytes.insert(frame->bytes.begin() + 2 * ETH_ALEN, header.begin(), header.end());
  frame->header_length += frame->header_length == 0 ? 0 : header.size();
  if (frame->checksum) frame->checksum->start += header.size();
}

}  // namespace

sys::OffloadFrame RestoreFrame(const abi::or_record_head& head, std::vector<uint8_t> bytes,
                               uint16_t port_tag) {
  sys::OffloadFrame frame;
  frame.segmentation = SegmentationOf(head);
  frame.checksum = FindUnfinished(head, bytes);
  if (frame.segmentation != sys::Segmentation::kNone) {
    frame.segment_size = head.gso_size;
    frame.header_length = static_cast<uint16_t>(HeaderLength(head, bytes));
  }
  frame.bytes = std::move(bytes);
  if ((head.flags & OR_RECORDED_TAGGED) != 0) InsertTag(head.tag_type, head.tag, &frame);
  if (port_tag != 0) InsertTag(ETH_P_8021Q, port_tag, &frame);
  return frame;
}

}  // namespace outrider::datapath::ebpf
