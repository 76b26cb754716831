#include "vswitch/datapath/ebpf/connection_record.h"

#include <netinet/in.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "vswitch/datapath/ebpf/kernel_clock.h"
#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::datapath::ebpf {
namespace {

// Of an established connection (conntrack.h).
constexpr uint64_t kLongestNs = 5 * 24 * 3600 * kNsPerS;
constexpr uint8_t kFlags = OR_CONNECTION_FROM_GUEST | OR_CONNECTION_LIBERAL | OR_CONNECTION_ASIDE;
constexpr uint8_t kSideFlags =
    OR_TCP_SIDE_SYN | OR_TCP_SIDE_ACK | OR_TCP_SIDE_FIN | OR_TCP_SIDE_SCALE;
// RFC 7323, 2.3.
constexpr uint8_t kMaxScale = 14;

template <typename T>
std::string ToText(const T& value) {
  const sys::ByteSpan bytes = sys::AsBytes(value);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename T>
absl::StatusOr<T> FromText(const std::string& text) {
  if (text.size() != sizeof(T)) {
    return absl::InvalidArgumentError("connection: " + std::to_string(text.size()) +
                                      " bytes, not " + std::to_string(sizeof(T)));
  }
  return sys::FromBytes<T>({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

bool IsTcp(const abi::or_connection_key& key) { return key.protocol == IPPROTO_TCP; }

bool IsSideSound(const abi::or_tcp_side& side) {
  return (side.flags & ~kSideFlags) == 0 && side.scale <= kMaxScale;
}

bool IsSound(const abi::or_connection_key& key, const abi::or_connection& entry) {
  const uint8_t first = IsTcp(key) ? abi::OR_CONNECTION_SYN_SENT : abi::OR_CONNECTION_NEW;
  const uint8_t last = IsTcp(key) ? abi::OR_CONNECTION_CLOSED : abi::OR_CONNECTION_REPLIED;
  return Vni::FromValue(key.vni).ok() && entry.state >= first && entry.state <= last &&
         (entry.flags & ~kFlags) == 0 && IsSideSound(entry.sides[OR_GUEST]) &&
         IsSideSound(entry.sides[OR_REMOTE]);
}

}  // namespace

std::optional<ConnectionRecord> ToRecord(const abi::or_connection_key& key,
                                         const abi::or_connection& entry,
                                         const RecordFrame& frame) {
  if (entry.expires_ns <= frame.now_ns) return std::nullopt;
  abi::or_connection_key sent_key = key;
  sent_key.port = 0;
  abi::or_connection sent = entry;
  sent.lock = 0;
  const std::string as_is = ToText(sent);
  sent.port = 0;
  sent.expires_ns = entry.expires_ns - frame.now_ns;
  sent.admitted_by = entry.admitted_by - frame.revision;
  sent.flags &= kFlags;
  if (!IsTcp(key)) {
    sent.replied_s = static_cast<uint32_t>(frame.now_ns / kNsPerS) - entry.replied_s;
  }
  return ConnectionRecord{.key = ToText(sent_key),
                          .entry = ToText(sent),
                          .version = std::hash<std::string_view>()(as_is)};
}

absl::StatusOr<abi::or_connection_key> KeyFromRecord(const std::string& key) {
  ASSIGN_OR_RETURN(abi::or_connection_key row, FromText<abi::or_connection_key>(key));
  row.port = 0;
  std::fill(std::begin(row.pad), std::end(row.pad), 0);
  return row;
}

absl::StatusOr<abi::or_connection_row> FromRecord(const ConnectionRecord& record,
                                                  const RecordFrame& frame) {
  abi::or_connection_row row{};
  ASSIGN_OR_RETURN(row.key, KeyFromRecord(record.key));
  ASSIGN_OR_RETURN(row.entry, FromText<abi::or_connection>(record.entry));
  row.entry.lock = 0;
  row.entry.port = 0;
  row.entry.pad = 0;
  if (!IsSound(row.key, row.entry)) {
    return absl::InvalidArgumentError("connection: of no state or protocol there is");
  }
  row.entry.expires_ns = frame.now_ns + std::min(row.entry.expires_ns, kLongestNs);
  row.entry.admitted_by += frame.revision;
  if (!IsTcp(row.key)) {
    row.entry.replied_s = static_cast<uint32_t>(frame.now_ns / kNsPerS) - row.entry.replied_s;
  }
  return row;
}

}  // namespace outrider::datapath::ebpf
