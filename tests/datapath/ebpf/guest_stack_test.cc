// Real network stacks as guests: neighbours found by what hosts answer in their place, and paths
// whose MTU a guest learns from us.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using tests::MakePortId;

constexpr size_t kBytes = 4 << 20;
constexpr uint16_t kTcpPort = 4711;
// Less than the guests' devices have.
constexpr uint32_t kSmallMtu = 1300;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd < 0) throw std::runtime_error("no socket");
  }
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

struct Address {
  explicit Address(const std::string& text) {
    v4.sin_port = htons(kTcpPort);
    if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
      family = v4.sin_family = AF_INET;
      return;
    }
    v6.sin6_port = htons(kTcpPort);
    family = v6.sin6_family = AF_INET6;
    inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr);
  }
  const sockaddr* get() const {
    return family == AF_INET ? reinterpret_cast<const sockaddr*>(&v4)
                             : reinterpret_cast<const sockaddr*>(&v6);
  }
  socklen_t size() const { return family == AF_INET ? sizeof(v4) : sizeof(v6); }

  int family = AF_UNSPEC;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
};

// Nothing here waits longer.
void LimitTime(int fd) {
  const timeval limit = {.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

// A guest: its stack in a namespace, its card of 1500 bytes a port of the host.
struct StackGuest {
  StackGuest(EbpfHost* host, int n) : number(n), device("port" + std::to_string(n)) {
    tests::CreateVeth({.netns = &host->netns(), .name = device}, {.netns = &netns, .name = "card"});
    tests::AllowIpv6(netns, "card");
    tests::AddAddress(netns, "card", IpOf(n) + "/24");
    tests::AddAddress(netns, "card", Ip6() + "/64");
    const tests::NetnsScope scope(netns);
    mac = sys::NetlinkSocket::Create().value()->FindLink("card").value().mac;
  }
  std::string Ip6() const { return "fd01::" + std::to_string(number); }

  const int number;
  const std::string device;
  tests::NetworkNamespace netns;
  MacAddress mac;
};

class GuestStack : public ::testing::TestWithParam<const char*> {
 protected:
  GuestStack() : one_(&host_, 1), two_(&host_, 2) { host_.Start(); }

  void BecomeConnected(uint32_t mtu) {
    HostState state = EmptySegment();
    state.segments[kSegment].mtu = mtu;
    for (const StackGuest* guest : {&one_, &two_}) {
      const PortId id = MakePortId(static_cast<uint8_t>(guest->number));
      state.ports[id] = ActivePort(guest->number, guest->device);
      state.ports[id].mac = guest->mac;
      state.fdb[{kSegment, guest->mac}] = {id, Epoch{1}};
      state.neighbors[{kSegment, tests::Ip(IpOf(guest->number))}] = guest->mac;
      state.neighbors[{kSegment, tests::Ip(guest->Ip6())}] = guest->mac;
    }
    host_.Become(state);
  }

  std::string AddressOfTwo() const {
    return std::string(GetParam()) == "ipv4" ? IpOf(2) : two_.Ip6();
  }

  EbpfHost host_;
  StackGuest one_;
  StackGuest two_;
};

// Reads until the end in guest two's namespace; how much came.
size_t Serve(const StackGuest& guest, int listener) {
  const tests::NetnsScope scope(guest.netns);
  const int fd = accept(listener, nullptr, nullptr);
  if (fd < 0) return 0;
  const Descriptor connection(fd);
  LimitTime(fd);
  std::vector<char> buffer(1 << 16);
  size_t total = 0;
  while (const ssize_t got = read(fd, buffer.data(), buffer.size())) {
    if (got < 0) break;
    total += static_cast<size_t>(got);
  }
  return total;
}

int Listen(const StackGuest& guest, const Address& at) {
  const tests::NetnsScope scope(guest.netns);
  const int fd = socket(at.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  LimitTime(fd);
  if (bind(fd, at.get(), at.size()) != 0 || listen(fd, 1) != 0) {
    throw std::runtime_error("cannot listen");
  }
  return fd;
}

// Connects and sends kBytes. The MTU of the path as the stack knows it then; 0: it failed.
int SendAll(const StackGuest& guest, const Address& to) {
  const tests::NetnsScope scope(guest.netns);
  const Descriptor fd(socket(to.family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  LimitTime(fd.get());
  if (connect(fd.get(), to.get(), to.size()) != 0) return 0;
  const std::vector<char> data(kBytes, 'x');
  for (size_t sent = 0; sent < kBytes;) {
    const ssize_t wrote = send(fd.get(), data.data() + sent, kBytes - sent, MSG_NOSIGNAL);
    if (wrote <= 0) return 0;
    sent += static_cast<size_t>(wrote);
  }
  int mtu = 0;
  socklen_t size = sizeof(mtu);
  const bool v4 = to.family == AF_INET;
  getsockopt(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &size);
  return mtu;
}

TEST_P(GuestStack, LearnsTheMtuOfThePath) {
  BecomeConnected(kSmallMtu);
  const Address address(AddressOfTwo());
  const Descriptor listener(Listen(two_, address));
  size_t received = 0;
  std::thread server([&] { received = Serve(two_, listener.get()); });
  EXPECT_EQ(SendAll(one_, address), static_cast<int>(kSmallMtu));
  server.join();
  EXPECT_EQ(received, kBytes);
  EXPECT_GT(host_.PortDrops(MakePortId(1), "over_mtu"), 0u) << "what it learned from";
}

// The neighbour is somewhere else, and nobody is there to answer but the host.
TEST_P(GuestStack, ResolvesANeighbourByTheHostsAnswer) {
  HostState state = EmptySegment();
  AddPort(1, one_.device, &state);
  state.ports[MakePortId(1)].mac = one_.mac;
  state.neighbors[{kSegment, tests::Ip(AddressOfTwo())}] = tests::MakeMac(9);
  host_.Become(state);
  const tests::NetnsScope scope(one_.netns);
  const Address address(AddressOfTwo());
  const Descriptor fd(socket(address.family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const uint64_t before = host_.PortDrops(MakePortId(1), "unknown_unicast");
  ASSERT_EQ(sendto(fd.get(), "x", 1, 0, address.get(), address.size()), 1);
  EXPECT_GT(host_.AwaitPortDrops(MakePortId(1), "unknown_unicast", before + 1), before)
      << "the datagram itself, to a MAC only the host could name";
}

INSTANTIATE_TEST_SUITE_P(Families, GuestStack, ::testing::Values("ipv4", "ipv6"));

}  // namespace
}  // namespace outrider::datapath::ebpf
