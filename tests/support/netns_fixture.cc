#include "tests/support/netns_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace outrider::tests {
namespace {

constexpr size_t kMaxFrame = 70000;
constexpr int kReceiveBuffer = 64 << 20;

// The kernel has taken the outermost tag out of the bytes.
void RestoreTag(msghdr* message, std::vector<uint8_t>* frame) {
  constexpr size_t kMacs = 12;
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata aux;
    std::memcpy(&aux, CMSG_DATA(part), sizeof(aux));
    if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0 || frame->size() < kMacs) continue;
    const uint16_t type =
        (aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? aux.tp_vlan_tpid : uint16_t{0x8100};
    const std::array<uint8_t, 4> tag = {static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type),
                                        static_cast<uint8_t>(aux.tp_vlan_tci >> 8),
                                        static_cast<uint8_t>(aux.tp_vlan_tci)};
    frame->insert(frame->begin() + kMacs, tag.begin(), tag.end());
  }
}

[[noreturn]] void Fail(const std::string& what) {
  throw std::runtime_error(what + ": " + strerrordesc_np(errno));
}

void CheckNetlink(int error, const std::string& what) {
  if (error < 0) throw std::runtime_error(what + ": " + nl_geterror(error));
}

int OpenCurrent() {
  const int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (fd < 0) Fail("open /proc/thread-self/ns/net");
  return fd;
}

struct SocketCloser {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};

// rtnetlink in the current namespace.
std::unique_ptr<nl_sock, SocketCloser> Connect() {
  std::unique_ptr<nl_sock, SocketCloser> socket(nl_socket_alloc());
  CheckNetlink(nl_connect(socket.get(), NETLINK_ROUTE), "connect rtnetlink");
  return socket;
}

struct LinkCloser {
  void operator()(rtnl_link* link) const { rtnl_link_put(link); }
};
using LinkHandle = std::unique_ptr<rtnl_link, LinkCloser>;

template <typename Set>
void ChangeDevice(const NetworkNamespace& netns, const std::string& name, const std::string& what,
                  Set set) {
  const NetnsScope scope(netns);
  const auto socket = Connect();
  const LinkHandle device(rtnl_link_alloc());
  rtnl_link_set_ifindex(device.get(), static_cast<int>(if_nametoindex(name.c_str())));
  const LinkHandle change(rtnl_link_alloc());
  set(change.get());
  CheckNetlink(rtnl_link_change(socket.get(), device.get(), change.get(), 0), what);
}

void BringUp(const NetworkNamespace& netns, const std::string& device) {
  const NetnsScope scope(netns);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, device.c_str(), IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  const int result = ioctl(fd, SIOCSIFFLAGS, &request);
  const int error = errno;
  close(fd);
  errno = error;
  if (result < 0) Fail("set " + device + " up");
}

}  // namespace

NetworkNamespace::NetworkNamespace() {
  const int previous = OpenCurrent();
  if (unshare(CLONE_NEWNET) != 0) Fail("unshare(CLONE_NEWNET); tests of this kind need root");
  fd_ = OpenCurrent();
  // The host's own IPv6 chatter would be frames nobody sent.
  for (const char* scope : {"all", "default"}) {
    std::ofstream(std::string("/proc/sys/net/ipv6/conf/") + scope + "/disable_ipv6") << 1;
  }
  if (setns(previous, CLONE_NEWNET) != 0) Fail("setns back");
  close(previous);
  BringUp(*this, "lo");
}

NetworkNamespace::~NetworkNamespace() { close(fd_); }

std::string NetworkNamespace::Path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_);
}

NetnsScope::NetnsScope(const NetworkNamespace& netns) : previous_(OpenCurrent()) {
  if (setns(netns.fd(), CLONE_NEWNET) != 0) Fail("setns");
}

NetnsScope::~NetnsScope() {
  // Going on in the wrong namespace could touch the machine's own devices.
  if (setns(previous_, CLONE_NEWNET) != 0) std::abort();
  close(previous_);
}

void CreateVeth(const VethEnd& a, const VethEnd& b) {
  {
    const NetnsScope scope(*a.netns);
    const auto socket = Connect();
    const LinkHandle link(rtnl_link_veth_alloc());
    rtnl_link_set_name(link.get(), a.name.c_str());
    if (a.ifindex != 0) rtnl_link_set_ifindex(link.get(), a.ifindex);
    const LinkHandle peer(rtnl_link_veth_get_peer(link.get()));
    rtnl_link_set_name(peer.get(), b.name.c_str());
    if (b.ifindex != 0) rtnl_link_set_ifindex(peer.get(), b.ifindex);
    rtnl_link_set_ns_fd(peer.get(), b.netns->fd());
    CheckNetlink(rtnl_link_add(socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL),
                 "create veth " + a.name);
  }
  BringUp(*a.netns, a.name);
  BringUp(*b.netns, b.name);
}

int CreateTap(const NetworkNamespace& netns, const std::string& name) {
  int fd = -1;
  {
    const NetnsScope scope(netns);
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) Fail("open /dev/net/tun");
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, &request) < 0) Fail("create tap " + name);
  }
  BringUp(netns, name);
  return fd;
}

void RenameDevice(const NetworkNamespace& netns, const std::string& from, const std::string& to) {
  const NetnsScope scope(netns);
  const auto socket = Connect();
  const LinkHandle device(rtnl_link_alloc());
  rtnl_link_set_ifindex(device.get(), static_cast<int>(if_nametoindex(from.c_str())));
  const auto change = [&](const LinkHandle& wanted) {
    CheckNetlink(rtnl_link_change(socket.get(), device.get(), wanted.get(), 0), "rename " + from);
  };
  // Kernels before 6.8 rename only what is down.
  const LinkHandle down(rtnl_link_alloc());
  rtnl_link_unset_flags(down.get(), IFF_UP);
  change(down);
  const LinkHandle renamed(rtnl_link_alloc());
  rtnl_link_set_name(renamed.get(), to.c_str());
  change(renamed);
  const LinkHandle up(rtnl_link_alloc());
  rtnl_link_set_flags(up.get(), IFF_UP);
  change(up);
}

void DeleteDevice(const NetworkNamespace& netns, const std::string& name) {
  const NetnsScope scope(netns);
  const auto socket = Connect();
  const LinkHandle link(rtnl_link_alloc());
  rtnl_link_set_ifindex(link.get(), static_cast<int>(if_nametoindex(name.c_str())));
  CheckNetlink(rtnl_link_delete(socket.get(), link.get()), "delete device " + name);
}

void MoveDevice(const NetworkNamespace& from, const std::string& name, const NetworkNamespace& to) {
  ChangeDevice(from, name, "move device " + name,
               [&](rtnl_link* change) { rtnl_link_set_ns_fd(change, to.fd()); });
}

void SetMac(const NetworkNamespace& netns, const std::string& device, const std::string& mac) {
  nl_addr* address = nullptr;
  CheckNetlink(nl_addr_parse(mac.c_str(), AF_LLC, &address), "parse " + mac);
  ChangeDevice(netns, device, "set the MAC of " + device,
               [&](rtnl_link* change) { rtnl_link_set_addr(change, address); });
  nl_addr_put(address);
}

void AllowIpv6(const NetworkNamespace& netns, const std::string& device) {
  const NetnsScope scope(netns);
  std::ofstream file("/proc/sys/net/ipv6/conf/" + device + "/disable_ipv6");
  file << 0;
  file.close();
  if (!file) Fail("IPv6 on " + device);
}

void AddAddress(const NetworkNamespace& netns, const std::string& device,
                const std::string& prefix) {
  const NetnsScope scope(netns);
  const auto socket = Connect();
  nl_addr* address = nullptr;
  CheckNetlink(nl_addr_parse(prefix.c_str(), AF_UNSPEC, &address), "parse " + prefix);
  rtnl_addr* entry = rtnl_addr_alloc();
  rtnl_addr_set_ifindex(entry, static_cast<int>(if_nametoindex(device.c_str())));
  rtnl_addr_set_local(entry, address);
  if (nl_addr_get_family(address) == AF_INET6) rtnl_addr_set_flags(entry, IFA_F_NODAD);
  const int error = rtnl_addr_add(socket.get(), entry, 0);
  rtnl_addr_put(entry);
  nl_addr_put(address);
  CheckNetlink(error, "add address " + prefix + " to " + device);
}

PacketSocket::PacketSocket(const NetworkNamespace& netns, const std::string& device) {
  const NetnsScope scope(netns);
  fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
  if (fd_ < 0) Fail("AF_PACKET socket");
  // Nothing that arrived is lost here, however late it is read.
  if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof(kReceiveBuffer)) != 0) {
    Fail("SO_RCVBUFFORCE");
  }
  const int on = 1;
  if (setsockopt(fd_, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) != 0) Fail("PACKET_AUXDATA");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    Fail("bind to " + device);
  }
}

PacketSocket::~PacketSocket() { close(fd_); }

void PacketSocket::Send(const Frame& frame) {
  if (send(fd_, frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size())) {
    Fail("send a frame");
  }
}

std::optional<PacketSocket::Frame> PacketSocket::Receive(const Predicate& wanted,
                                                         std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    const auto frame = ReceiveAny(left);
    if (frame && wanted(*frame)) return frame;
  }
}

std::vector<PacketSocket::Frame> PacketSocket::Drain() {
  std::vector<Frame> frames;
  while (const auto frame = ReceiveAny(std::chrono::milliseconds(0))) frames.push_back(*frame);
  return frames;
}

std::optional<PacketSocket::Frame> PacketSocket::ReceiveAny(std::chrono::milliseconds timeout) {
  while (true) {
    pollfd fd{};
    fd.fd = fd_;
    fd.events = POLLIN;
    if (poll(&fd, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
    Frame frame(kMaxFrame);
    sockaddr_ll from{};
    iovec data{.iov_base = frame.data(), .iov_len = frame.size()};
    alignas(cmsghdr) std::array<char, 256> control{};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(fd_, &message, MSG_DONTWAIT);
    if (size < 0) return std::nullopt;
    // The socket hears its own device's transmissions too.
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    frame.resize(static_cast<size_t>(size));
    RestoreTag(&message, &frame);
    return frame;
  }
}

}  // namespace outrider::tests
