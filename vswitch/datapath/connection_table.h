// The connections that stateful ports hold, for people and for the agent's housekeeping. Apart from
// Datapath: connections come from frames, not from a HostState.
//
// Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_CONNECTION_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_CONNECTION_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::datapath {

// A connection of one port. Of two ports of a host that speak with each other, each has its own.
struct Connection {
  PortId port;
  Vni vni;
  // Who began it. Of ICMP echo both ports are the id.
  IpAddress src;
  IpAddress dst;
  // IP protocol.
  uint8_t protocol = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  // The guest began it: its ingress list let it through, otherwise the egress list.
  bool from_guest = false;
  // "new", "replied", or of TCP "syn-sent", "syn-received", "established", "fin-wait",
  // "close-wait", "last-ack", "time-wait", "closed".
  std::string state;
  // Until it is forgotten when nothing more comes, seconds, at least 1.
  uint32_t expires_s = 0;
  bool operator==(const Connection&) const = default;
};

struct ConnectionList {
  // Ordered by port, source, destination, protocol, ports, segment.
  std::vector<Connection> connections;
  // How many there are, listed or not.
  uint64_t total = 0;
};

class ConnectionTable {
 public:
  virtual ~ConnectionTable() = default;

  // The first `limit` connections of a port, or of all. NotFound: no such port here.
  virtual absl::StatusOr<ConnectionList> ListConnections(const std::optional<PortId>& port,
                                                         size_t limit) = 0;
  // Forgets the connections of a port, or of all: what comes next is judged by rules. Returns how
  // many there were. NotFound: no such port here.
  virtual absl::StatusOr<uint64_t> FlushConnections(const std::optional<PortId>& port) = 0;
  // Frees the memory of connections that expired, and their place in the ports' shares. Returns how
  // many there were.
  virtual absl::StatusOr<uint64_t> SweepConnections() = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_CONNECTION_TABLE_H_
