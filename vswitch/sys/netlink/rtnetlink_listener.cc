#include "vswitch/sys/netlink/rtnetlink_listener.h"

#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace outrider::sys {
namespace {

// Room for a burst of events (hundreds of taps at once) before ENOBUFS.
constexpr int kReceiveBuffer = 4 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<RtnetlinkListener>> RtnetlinkListener::Create(
    const std::string& name, const std::vector<int>& groups, OnMessage on_message, OnLoss on_loss) {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError(name + ": out of memory");
  // Notifications carry the sequence numbers of whoever caused them.
  nl_socket_disable_seq_check(socket.get());
  RETURN_IF_ERROR(NetlinkStatus(nl_connect(socket.get(), NETLINK_ROUTE), name + ": connect"));
  nl_socket_enable_msg_peek(socket.get());
  RETURN_IF_ERROR(NetlinkStatus(nl_socket_set_buffer_size(socket.get(), kReceiveBuffer, 0),
                                name + ": size the buffer"));
  RETURN_IF_ERROR(NetlinkStatus(nl_socket_set_nonblocking(socket.get()), name));
  for (const int group : groups) {
    RETURN_IF_ERROR(
        NetlinkStatus(nl_socket_add_membership(socket.get(), group), name + ": subscribe"));
  }
  UniqueFd stop(eventfd(0, EFD_CLOEXEC));
  if (stop.get() < 0) return ErrnoStatus(errno, name + ": eventfd");
  std::unique_ptr<RtnetlinkListener> listener(new RtnetlinkListener(
      std::move(socket), std::move(stop), std::move(on_message), std::move(on_loss)));
  listener->thread_ = std::thread([raw = listener.get()] { raw->Run(); });
  return listener;
}

RtnetlinkListener::RtnetlinkListener(SocketHandle socket, UniqueFd stop, OnMessage on_message,
                                     OnLoss on_loss)
    : socket_(std::move(socket)),
      stop_(std::move(stop)),
      on_message_(std::move(on_message)),
      on_loss_(std::move(on_loss)) {
  const auto dispatch = [](nl_msg* message, void* self) {
    auto* const listener = static_cast<RtnetlinkListener*>(self);
    if (!listener->discarding_) listener->on_message_(message);
    return static_cast<int>(NL_OK);
  };
  nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, dispatch, this);
}

RtnetlinkListener::~RtnetlinkListener() {
  eventfd_write(stop_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void RtnetlinkListener::Run() {
  std::array<pollfd, 2> fds{};
  fds[0].fd = nl_socket_get_fd(socket_.get());
  fds[1].fd = stop_.get();
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
void RtnetlinkListener::Resync() {
  discarding_ = true;
  int error = 0;
  // NLE_NOMEM: ENOBUFS, again.
  while (error >= 0 || error == -NLE_NOMEM || error == -NLE_INTR) {
    error = nl_recvmsgs_default(socket_.get());
  }
  discarding_ = false;
  on_loss_();
}

}  // namespace outrider::sys
