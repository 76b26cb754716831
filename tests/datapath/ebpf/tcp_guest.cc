#include "tests/datapath/ebpf/tcp_guest.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr char kCard[] = "eth0";

void Check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string(what) + ": " + strerror(errno));
}

sockaddr_in Address(const std::string& ip) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kServerPort);
  inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  return address;
}

}  // namespace

TcpGuest::TcpGuest(EbpfHost* host, const std::string& device, int n) : ip_(IpOf(n)) {
  tests::CreateVeth({.netns = &host->netns(), .name = device}, {.netns = &netns_, .name = kCard});
  tests::AddAddress(netns_, kCard, ip_ + "/24");
  mac_ = In([] { return sys::NetlinkSocket::Create().value()->FindLink(kCard).value().mac; });
}

UniqueFd TcpGuest::Listen() {
  UniqueFd fd = Socket();
  const sockaddr_in address = Address("0.0.0.0");
  Check(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0, "bind");
  Check(listen(fd.get(), 4) == 0, "listen");
  return fd;
}

UniqueFd TcpGuest::Connect(const TcpGuest& to) {
  UniqueFd fd = Socket();
  const sockaddr_in address = Address(to.ip_);
  const int result =
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  Check(result == 0 || errno == EINPROGRESS, "connect");
  return fd;
}

void TcpGuest::MoveTo(EbpfHost* host, const std::string& device) {
  tests::DeleteDevice(netns_, kCard);
  tests::CreateVeth({.netns = &host->netns(), .name = device}, {.netns = &netns_, .name = kCard});
  tests::SetMac(netns_, kCard, mac_.ToString());
  tests::AddAddress(netns_, kCard, ip_ + "/24");
}

UniqueFd TcpGuest::Socket() {
  return In([] {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    Check(fd.get() >= 0, "socket");
    // The guests' cards know nothing of the segment's MTU.
    const int segment = 1300;
    Check(setsockopt(fd.get(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)) == 0, "MSS");
    return fd;
  });
}

bool Await(int fd, short what) {
  pollfd poll_fd{.fd = fd, .events = what, .revents = 0};
  return poll(&poll_fd, 1, 5000) == 1 && (poll_fd.revents & what) != 0;
}

UniqueFd Accept(const UniqueFd& listener) {
  EXPECT_TRUE(Await(listener.get(), POLLIN)) << "no connection came";
  return UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

size_t Transfer(const UniqueFd& from, const UniqueFd& to, size_t size) {
  const std::vector<char> data(size, 'x');
  std::vector<char> taken(64 * 1024);
  size_t sent = 0;
  size_t received = 0;
  while (received < size) {
    if (sent < size) {
      const ssize_t n = send(from.get(), data.data() + sent, size - sent, MSG_NOSIGNAL);
      if (n > 0) sent += static_cast<size_t>(n);
    }
    if (!Await(to.get(), POLLIN)) break;
    const ssize_t n = recv(to.get(), taken.data(), taken.size(), 0);
    if (n <= 0) break;
    received += static_cast<size_t>(n);
  }
  return received;
}

}  // namespace outrider::datapath::ebpf
