#include "vswitch/agent/echo_message.h"

#include <cstddef>
#include <initializer_list>
#include <span>

namespace outrider::agent {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kEthernet = 14;
constexpr size_t kIpv4Header = 20;
constexpr size_t kIpv6Header = 40;
constexpr size_t kEchoHeader = 8;
// As ping sends them.
constexpr size_t kPayload = 56;
constexpr uint8_t kHopLimit = 64;
constexpr uint8_t kIcmp = 1;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kIpv6 = 0x86dd;

// Big-endian.
template <typename T>
void Put(Bytes* bytes, T value) {
  for (int shift = 8 * (sizeof(T) - 1); shift >= 0; shift -= 8) {
    bytes->push_back(static_cast<uint8_t>(value >> shift));
  }
}

template <typename T>
T Get(std::span<const uint8_t> bytes, size_t offset) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8 | bytes[offset + i]);
  }
  return value;
}

void Append(Bytes* bytes, std::span<const uint8_t> more) {
  bytes->insert(bytes->end(), more.begin(), more.end());
}

// RFC 1071, over parts of even length.
uint16_t Checksum(uint32_t sum, std::initializer_list<std::span<const uint8_t>> parts) {
  for (const auto part : parts) {
    for (size_t i = 0; i + 1 < part.size(); i += 2) sum += Get<uint16_t>(part, i);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void SetChecksum(Bytes* bytes, size_t offset, uint16_t checksum) {
  (*bytes)[offset] = static_cast<uint8_t>(checksum >> 8);
  (*bytes)[offset + 1] = static_cast<uint8_t>(checksum);
}

Bytes EchoMessage(uint8_t type, const EchoName& name, uint64_t sequence) {
  Bytes message = {type, 0, 0, 0};
  Put(&message, name.identifier);
  Put(&message, static_cast<uint16_t>(sequence));
  Put(&message, name.token);
  Put(&message, sequence);
  message.resize(kEchoHeader + kPayload);
  return message;
}

void PutIpv4(Bytes* frame, const EchoPair& pair, Bytes message) {
  SetChecksum(&message, 2, Checksum(0, {message}));
  const auto from = pair.from_ip.v4_bytes();
  const auto to = pair.to_ip.v4_bytes();
  Bytes header = {0x45, 0};
  Put(&header, static_cast<uint16_t>(kIpv4Header + message.size()));
  // No identification; not to be fragmented.
  Append(&header, std::initializer_list<uint8_t>{0, 0, 0x40, 0, kHopLimit, kIcmp, 0, 0});
  Append(&header, from);
  Append(&header, to);
  SetChecksum(&header, 10, Checksum(0, {header}));
  Append(frame, header);
  Append(frame, message);
}

// RFC 8200, 8.1: the checksum is over a pseudo header, too.
void PutIpv6(Bytes* frame, const EchoPair& pair, Bytes message) {
  const auto& from = pair.from_ip.bytes();
  const auto& to = pair.to_ip.bytes();
  const auto pseudo = static_cast<uint32_t>(message.size() + kIcmpv6);
  SetChecksum(&message, 2, Checksum(pseudo, {from, to, message}));
  Append(frame, std::initializer_list<uint8_t>{0x60, 0, 0, 0});
  Put(frame, static_cast<uint16_t>(message.size()));
  Append(frame, std::initializer_list<uint8_t>{kIcmpv6, kHopLimit});
  Append(frame, from);
  Append(frame, to);
  Append(frame, message);
}

// Where the message begins in a frame that the filter of the socket let through; nullopt: it is not
// a reply.
std::optional<size_t> MessageOffset(std::span<const uint8_t> frame) {
  if (frame.size() < kEthernet + kIpv4Header) return std::nullopt;
  const bool v4 = Get<uint16_t>(frame, 12) == kIpv4;
  if (!v4 && Get<uint16_t>(frame, 12) != kIpv6) return std::nullopt;
  const size_t header = v4 ? 4 * static_cast<size_t>(frame[kEthernet] & 0xf) : kIpv6Header;
  const size_t offset = kEthernet + header;
  if (frame.size() < offset + kEchoHeader + 2 * sizeof(uint64_t)) return std::nullopt;
  const bool reply = v4 ? frame[kEthernet + 9] == kIcmp && frame[offset] == 0
                        : frame[kEthernet + 6] == kIcmpv6 && frame[offset] == 129;
  return reply ? std::optional(offset) : std::nullopt;
}

}  // namespace

Bytes EchoRequest(const EchoPair& pair, const EchoName& name, uint64_t sequence) {
  const bool v4 = pair.from_ip.IsV4();
  Bytes frame;
  Append(&frame, pair.to_mac.bytes());
  Append(&frame, pair.from_mac.bytes());
  if (pair.vlan != 0) {
    Put(&frame, uint16_t{0x8100});
    Put(&frame, pair.vlan);
  }
  Put(&frame, v4 ? kIpv4 : kIpv6);
  if (v4) {
    PutIpv4(&frame, pair, EchoMessage(8, name, sequence));
  } else {
    PutIpv6(&frame, pair, EchoMessage(128, name, sequence));
  }
  return frame;
}

std::optional<uint64_t> SequenceOfReply(const Bytes& frame, const EchoName& name) {
  const auto offset = MessageOffset(frame);
  if (!offset || Get<uint16_t>(frame, *offset + 4) != name.identifier ||
      Get<uint64_t>(frame, *offset + kEchoHeader) != name.token) {
    return std::nullopt;
  }
  return Get<uint64_t>(frame, *offset + kEchoHeader + sizeof(uint64_t));
}

}  // namespace outrider::agent
