// OVSDB sessions over streams: those of one listener, or the one of an outgoing connection. Owns
// connections and sessions, and asks silent clients whether they are there.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_OVSDB_CONNECTIONS_H_
#define OUTRIDER_VSWITCH_OVS_OVSDB_CONNECTIONS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "vswitch/ovs/ovsdb_session.h"
#include "vswitch/sys/stream/log_limiter.h"
#include "vswitch/sys/stream/stream_connection.h"

namespace outrider::ovs {

class OvsdbConnections {
 public:
  // A connection is there (after its handshake), or has ended for that reason.
  struct Events {
    std::function<void()> connected = nullptr;
    std::function<void(const absl::Status& why)> closed = nullptr;
  };

  // `service` outlives it. `probe_interval`: a client that said nothing for so long is asked, and
  // disconnected if it says nothing for as long again; 0: never.
  OvsdbConnections(OvsdbService* service, std::chrono::milliseconds probe_interval, Events events);
  ~OvsdbConnections();
  OvsdbConnections(const OvsdbConnections&) = delete;
  OvsdbConnections& operator=(const OvsdbConnections&) = delete;

  void Add(std::unique_ptr<stream::StreamConnection> connection);
  // Of those that are there, too; what they said until now does not count.
  void SetProbeInterval(std::chrono::milliseconds interval);

  // Those that are up.
  size_t size() const;
  std::set<std::string> LocksHeld() const;
  std::set<std::string> LocksWaiting() const;

 private:
  class Connection;
  void Remove(uint64_t number, const absl::Status& why);

  OvsdbService* const service_;
  std::chrono::milliseconds probe_interval_;
  const Events events_;
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  uint64_t next_ = 1;
  stream::LogLimiter log_{10, std::chrono::seconds(10)};
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OVSDB_CONNECTIONS_H_
