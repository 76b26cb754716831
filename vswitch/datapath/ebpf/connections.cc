#include "vswitch/datapath/ebpf/connections.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"
#include "vswitch/datapath/ebpf/port_codec.h"
#include "vswitch/sys/bpf/program_run.h"

namespace outrider::datapath::ebpf {
namespace {

const char* StateName(uint8_t state) {
  switch (state) {
    case abi::OR_CONNECTION_NEW:
      return "new";
    case abi::OR_CONNECTION_REPLIED:
      return "replied";
    case abi::OR_CONNECTION_SYN_SENT:
      return "syn-sent";
    case abi::OR_CONNECTION_SYN_RECEIVED:
      return "syn-received";
    case abi::OR_CONNECTION_ESTABLISHED:
      return "established";
    case abi::OR_CONNECTION_FIN_WAIT:
      return "fin-wait";
    case abi::OR_CONNECTION_CLOSE_WAIT:
      return "close-wait";
    case abi::OR_CONNECTION_LAST_ACK:
      return "last-ack";
    case abi::OR_CONNECTION_TIME_WAIT:
      return "time-wait";
    case abi::OR_CONNECTION_CLOSED:
      return "closed";
    default:
      return "unknown";
  }
}

bool Before(const Connection& a, const Connection& b) {
  const auto key = [](const Connection& c) {
    return std::tie(c.port, c.src, c.dst, c.protocol, c.src_port, c.dst_port, c.vni);
  };
  return key(a) < key(b);
}

// The first `limit` in order, of however many are offered.
class FirstOf {
 public:
  explicit FirstOf(size_t limit) : limit_(limit) {}

  void Offer(Connection connection) {
    if (heap_.size() == limit_) {
      if (limit_ == 0 || !Before(connection, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), Before);
      heap_.pop_back();
    }
    heap_.push_back(std::move(connection));
    std::push_heap(heap_.begin(), heap_.end(), Before);
  }
  std::vector<Connection> Take() {
    std::sort_heap(heap_.begin(), heap_.end(), Before);
    return std::move(heap_);
  }

 private:
  const size_t limit_;
  std::vector<Connection> heap_;  // the last one in front
};

absl::StatusOr<std::map<uint32_t, PortId>> PortsByIndex(const DatapathMaps& maps) {
  std::map<uint32_t, PortId> ports;
  RETURN_IF_ERROR(maps.port_info.Visit([&](uint32_t index, const abi::or_port_info& info) {
    ports.emplace(index, DecodePortId(info));
  }));
  return ports;
}

}  // namespace

std::optional<Connection> DecodeConnection(const PortId& port, const abi::or_connection_key& key,
                                           const abi::or_connection& entry, uint64_t now_ns) {
  const auto vni = Vni::FromValue(key.vni);
  if (!vni.ok() || entry.expires_ns <= now_ns) return std::nullopt;
  const bool from_guest = (entry.flags & OR_CONNECTION_FROM_GUEST) != 0;
  const IpAddress guest(ToArray(key.guest));
  const IpAddress remote(ToArray(key.remote));
  Connection connection{
      .port = port,
      .vni = *vni,
      .src = from_guest ? guest : remote,
      .dst = from_guest ? remote : guest,
      .protocol = key.protocol,
      .src_port = from_guest ? key.guest_port : key.remote_port,
      .dst_port = from_guest ? key.remote_port : key.guest_port,
      .from_guest = from_guest,
      .state = StateName(entry.state),
      .expires_s = static_cast<uint32_t>((entry.expires_ns - now_ns + kNsPerS - 1) / kNsPerS)};
  if (key.protocol == IPPROTO_ICMP || key.protocol == IPPROTO_ICMPV6) {
    connection.dst_port = connection.src_port;
  }
  return connection;
}

absl::StatusOr<ConnectionList> ReadConnections(const DatapathMaps& maps,
                                               const std::optional<PortId>& port, size_t limit) {
  std::optional<uint32_t> only;
  if (port) {
    ASSIGN_OR_RETURN(only, FindPortIndex(maps, *port));
  }
  ASSIGN_OR_RETURN(const auto ports, PortsByIndex(maps));
  const uint64_t now = MonotonicNs();
  ConnectionList list;
  FirstOf first(limit);
  RETURN_IF_ERROR(maps.connections.Visit(
      [&](const abi::or_connection_key& key, const abi::or_connection& entry) {
        const auto owner = ports.find(key.port);
        if (owner == ports.end() || (only && key.port != *only)) return;
        auto connection = DecodeConnection(owner->second, key, entry, now);
        if (!connection) return;
        ++list.total;
        first.Offer(*std::move(connection));
      }));
  list.connections = first.Take();
  return list;
}

absl::StatusOr<uint32_t> FindPortIndex(const DatapathMaps& maps, const PortId& port) {
  ASSIGN_OR_RETURN(const auto ports, PortsByIndex(maps));
  for (const auto& [index, id] : ports) {
    if (id == port) return index;
  }
  return absl::NotFoundError(fmt::format(
      "port \"{}\": not on this host; see: outrider port list --local", port.ToString()));
}

absl::StatusOr<bool> HasConnections(const DatapathMaps& maps) {
  bool any = false;
  RETURN_IF_ERROR(
      maps.connection_counts.Visit([&](uint32_t, uint32_t count) { any = any || count != 0; }));
  return any;
}

absl::StatusOr<uint32_t> SweepConnections(const ProgramSet& programs, abi::or_sweep_what what,
                                          uint32_t port) {
  return sys::RunProgram(programs.Descriptor(Program::kSweepConnections),
                         {.mark = port, .cb0 = static_cast<uint32_t>(what)});
}

}  // namespace outrider::datapath::ebpf
