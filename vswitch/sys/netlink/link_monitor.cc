#include "vswitch/sys/netlink/link_monitor.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"

namespace outrider::sys {
namespace {

// Room for a burst of link events (hundreds of taps at once) before ENOBUFS.
constexpr int kReceiveBuffer = 4 << 20;

// Whether that is why the kernel tells of the link.
bool HaveFeaturesChanged(nlmsghdr* header) {
  nlattr* const event = nlmsg_find_attr(header, sizeof(ifinfomsg), IFLA_EVENT);
  return event != nullptr && nla_len(event) >= static_cast<int>(sizeof(uint32_t)) &&
         nla_get_u32(event) == IFLA_EVENT_FEATURES;
}

class RtnetlinkMonitor final : public LinkMonitor {
 public:
  RtnetlinkMonitor(SocketHandle socket, int stop_fd, Callback callback)
      : socket_(std::move(socket)), stop_fd_(stop_fd), callback_(std::move(callback)) {
    nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, &OnMessage, this);
    thread_ = std::thread([this] { Run(); });
  }

  ~RtnetlinkMonitor() override {
    eventfd_write(stop_fd_, 1);
    thread_.join();
    close(stop_fd_);
  }

 private:
  void Run() {
    std::array<pollfd, 2> fds{};
    fds[0].fd = nl_socket_get_fd(socket_.get());
    fds[1].fd = stop_fd_;
    for (pollfd& fd : fds) fd.events = POLLIN;
    while (true) {
      if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
      if (fds[1].revents != 0) return;
      if (fds[0].revents == 0) continue;
      const int error = nl_recvmsgs_default(socket_.get());
      if (error < 0 && error != -NLE_AGAIN && error != -NLE_INTR) Resync();
    }
  }

  // Messages were lost, or could not be read. After an overrun the kernel goes on losing messages,
  // without another error, until the queue is empty (NETLINK_S_CONGESTED): only what is looked at
  // after that moment is complete.
  void Resync() {
    discarding_ = true;
    int error = 0;
    // NLE_NOMEM: ENOBUFS, again.
    while (error >= 0 || error == -NLE_NOMEM || error == -NLE_INTR) {
      error = nl_recvmsgs_default(socket_.get());
    }
    discarding_ = false;
    callback_({.kind = LinkEvent::Kind::kResync});
  }

  static int OnMessage(nl_msg* message, void* self) {
    static_cast<RtnetlinkMonitor*>(self)->Dispatch(message);
    return NL_OK;
  }

  void Dispatch(nl_msg* message) {
    if (discarding_) return;
    nlmsghdr* header = nlmsg_hdr(message);
    switch (header->nlmsg_type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        // Bridges announce their ports' state with the same types in a family of their own.
        if (static_cast<ifinfomsg*>(nlmsg_data(header))->ifi_family != AF_UNSPEC) return;
        features_ = HaveFeaturesChanged(header);
        nl_msg_parse(message, &OnLinkObject, this);
        return;
      case RTM_NEWADDR:
      case RTM_DELADDR: {
        Link link;
        link.ifindex = static_cast<int>(static_cast<ifaddrmsg*>(nlmsg_data(header))->ifa_index);
        callback_({.kind = LinkEvent::Kind::kAddressesChanged, .link = std::move(link)});
        return;
      }
      default:
        return;
    }
  }

  static void OnLinkObject(nl_object* object, void* self) {
    const auto kind = nl_object_get_msgtype(object) == RTM_DELLINK ? LinkEvent::Kind::kLinkRemoved
                                                                   : LinkEvent::Kind::kLinkChanged;
    auto* const monitor = static_cast<RtnetlinkMonitor*>(self);
    monitor->callback_({.kind = kind,
                        .link = ToLink(reinterpret_cast<rtnl_link*>(object)),
                        .features = monitor->features_});
  }

  const SocketHandle socket_;
  const int stop_fd_;
  const Callback callback_;
  bool discarding_ = false;
  // Of the message that is being read.
  bool features_ = false;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LinkMonitor>> LinkMonitor::Create(Callback callback) {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("link monitor: out of memory");
  // Notifications carry the sequence numbers of whoever caused them.
  nl_socket_disable_seq_check(socket.get());
  RETURN_IF_ERROR(NetlinkStatus(nl_connect(socket.get(), NETLINK_ROUTE), "connect rtnetlink"));
  nl_socket_enable_msg_peek(socket.get());
  RETURN_IF_ERROR(NetlinkStatus(nl_socket_set_buffer_size(socket.get(), kReceiveBuffer, 0),
                                "size the link monitor's buffer"));
  RETURN_IF_ERROR(NetlinkStatus(nl_socket_set_nonblocking(socket.get()), "link monitor"));
  RETURN_IF_ERROR(
      NetlinkStatus(nl_socket_add_memberships(socket.get(), RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
                                              RTNLGRP_IPV6_IFADDR, RTNLGRP_NONE),
                    "subscribe to link and address events"));
  const int stop_fd = eventfd(0, EFD_CLOEXEC);
  if (stop_fd < 0) return ErrnoStatus(errno, "eventfd of the link monitor");
  return std::make_unique<RtnetlinkMonitor>(std::move(socket), stop_fd, std::move(callback));
}

}  // namespace outrider::sys
