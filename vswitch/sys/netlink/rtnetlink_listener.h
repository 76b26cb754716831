// Notifications of rtnetlink, on a thread of their own. Private to vswitch/sys/netlink.
//
// Watches the namespace of the thread that called Create(). Thread rule: the handlers run on the
// listener's thread and must not block for long; the destructor returns when they will not be
// called again and must not run inside one.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_RTNETLINK_LISTENER_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_RTNETLINK_LISTENER_H_

#include <netlink/msg.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "vswitch/sys/netlink/netlink_error.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::sys {

class RtnetlinkListener {
 public:
  using OnMessage = std::function<void(nl_msg*)>;
  // Notifications were lost: what is looked at from now on is complete.
  using OnLoss = std::function<void()>;

  // Of these RTNLGRP_* from the moment this returns. `name` is for errors.
  static absl::StatusOr<std::unique_ptr<RtnetlinkListener>> Create(const std::string& name,
                                                                   const std::vector<int>& groups,
                                                                   OnMessage on_message,
                                                                   OnLoss on_loss);
  ~RtnetlinkListener();

 private:
  RtnetlinkListener(SocketHandle socket, UniqueFd stop, OnMessage on_message, OnLoss on_loss);
  void Run();
  void Resync();

  const SocketHandle socket_;
  const UniqueFd stop_;
  const OnMessage on_message_;
  const OnLoss on_loss_;
  bool discarding_ = false;
  std::thread thread_;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_RTNETLINK_LISTENER_H_
