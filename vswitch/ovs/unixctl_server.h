// The socket by which ovs-appctl reaches the switch ("<run dir>/ovs-vswitchd.<pid>.ctl") and the
// pidfile that names it. Owns both, and the connections.
//
// Thread rule: made, used and destroyed on the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_UNIXCTL_SERVER_H_
#define OUTRIDER_VSWITCH_OVS_UNIXCTL_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "vswitch/ovs/pidfile.h"
#include "vswitch/ovs/unixctl_commands.h"
#include "vswitch/sys/stream/log_limiter.h"
#include "vswitch/sys/stream/stream_listener.h"

namespace outrider::ovs {

class UnixctlServer {
 public:
  struct Options {
    std::string run_dir;
    uint32_t mode = 0600;
    size_t max_connections = 256;
  };

  // `loop` and `commands` outlive it. AlreadyExists: another switch runs in that directory.
  static absl::StatusOr<std::unique_ptr<UnixctlServer>> Create(stream::PollLoop* loop,
                                                               const UnixctlCommands* commands,
                                                               const Options& options);
  ~UnixctlServer();
  UnixctlServer(const UnixctlServer&) = delete;
  UnixctlServer& operator=(const UnixctlServer&) = delete;

  const std::string& socket_path() const { return socket_path_; }

 private:
  class Connection;
  UnixctlServer(stream::PollLoop* loop, const UnixctlCommands* commands, const Options& options);
  // Sockets of switches of this directory that ended without removing them.
  void RemoveStale(const std::string& run_dir) const;
  void Add(std::unique_ptr<stream::StreamConnection> stream);
  void Remove(uint64_t number, const absl::Status& why);

  stream::PollLoop* const loop_;
  const UnixctlCommands* const commands_;
  const std::string socket_path_;
  std::unique_ptr<Pidfile> pidfile_;
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  uint64_t next_ = 1;
  stream::LogLimiter log_{10, std::chrono::seconds(10)};
  std::unique_ptr<stream::StreamListener> listener_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_UNIXCTL_SERVER_H_
