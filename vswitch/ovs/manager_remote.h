// One remote of the OVSDB server that a Manager row asks for: it listens, or connects and tries
// again. Owns its connections. Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_MANAGER_REMOTE_H_
#define OUTRIDER_VSWITCH_OVS_MANAGER_REMOTE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "vswitch/ovs/manager_remotes.h"
#include "vswitch/ovs/ovsdb_connections.h"
#include "vswitch/sys/stream/stream_listener.h"

namespace outrider::ovs {

// What OVSDB clients connect to where a target names no port.
inline constexpr uint16_t kOvsdbPort = 6640;

class ManagerRemote {
 public:
  ManagerRemote(OvsdbService* service, const ManagerConfig& config,
                std::shared_ptr<const stream::TlsContext> tls);
  ~ManagerRemote();
  ManagerRemote(const ManagerRemote&) = delete;
  ManagerRemote& operator=(const ManagerRemote&) = delete;

  const ManagerConfig& config() const { return config_; }
  // Times may change while it runs, the target not.
  void SetTimes(const ManagerConfig& config);
  bool UsesTls() const { return address_.kind == stream::StreamAddress::Kind::kTls; }
  bool IsConnected() const { return connections_.size() > 0; }
  // The Manager row's status: state, last_error, sec_since_connect, sec_since_disconnect,
  // n_connections, bound_port, locks_held, locks_waiting.
  std::map<std::string, std::string> Status() const;

 private:
  using TimePoint = stream::PollLoop::Clock::time_point;
  void Open();
  // What failed is tried again after the backoff.
  void Listen();
  void Connect();
  void RetryAfter(const absl::Status& why);
  void OnConnected();
  void OnClosed(const absl::Status& why);

  OvsdbService* const service_;
  ManagerConfig config_;
  const std::shared_ptr<const stream::TlsContext> tls_;
  stream::StreamAddress address_;
  bool address_ok_ = false;
  OvsdbConnections connections_;
  std::unique_ptr<stream::StreamListener> listener_;
  std::string state_ = "BACKOFF";
  std::string last_error_;
  std::chrono::milliseconds backoff_{0};
  stream::PollLoop::TimerId retry_ = 0;
  std::optional<TimePoint> connected_at_;
  std::optional<TimePoint> disconnected_at_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MANAGER_REMOTE_H_
