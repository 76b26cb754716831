// Network namespaces, devices and raw sockets for tests. A namespace here has no name: it is held
// by a file descriptor and vanishes with the process, however that ends; two runs never meet.
// Devices are made by rtnetlink, no tools are run.
//
// Every function reports failure by throwing std::runtime_error, which fails the test: set-up is
// not what a test is about. Thread rule: setns(2) is per thread; one thread per object.
#ifndef OUTRIDER_TESTS_SUPPORT_NETNS_FIXTURE_H_
#define OUTRIDER_TESTS_SUPPORT_NETNS_FIXTURE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace outrider::tests {

// A fresh, empty network namespace: loopback up, IPv6 off, so that nobody speaks unasked.
class NetworkNamespace {
 public:
  NetworkNamespace();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  int fd() const { return fd_; }
  // /proc/<pid>/fd/<n>: for nsenter and for the -n of other tools.
  std::string Path() const;

 private:
  int fd_ = -1;
};

// Puts the calling thread into a namespace for its life.
class NetnsScope {
 public:
  explicit NetnsScope(const NetworkNamespace& netns);
  ~NetnsScope();
  NetnsScope(const NetnsScope&) = delete;
  NetnsScope& operator=(const NetnsScope&) = delete;

 private:
  int previous_ = -1;
};

// One end of a veth pair: where it is and what it is called; ifindex 0: the kernel's choice.
struct VethEnd {
  const NetworkNamespace* netns;
  std::string name;
  int ifindex = 0;
};

// A veth pair, both ends up.
void CreateVeth(const VethEnd& a, const VethEnd& b);
// A tap without a reader, up. Returns its descriptor: the device lives as long as that.
int CreateTap(const NetworkNamespace& netns, const std::string& name);
// Also a device that is up.
void RenameDevice(const NetworkNamespace& netns, const std::string& from, const std::string& to);
void DeleteDevice(const NetworkNamespace& netns, const std::string& name);
// Into another namespace, where it is down.
void MoveDevice(const NetworkNamespace& from, const std::string& name, const NetworkNamespace& to);
// "02:00:00:00:00:01".
void SetMac(const NetworkNamespace& netns, const std::string& device, const std::string& mac);
// Lets a device have IPv6, which is off in a fresh namespace.
void AllowIpv6(const NetworkNamespace& netns, const std::string& device);
// "10.0.0.1/24", "fd00::1/64"; usable at once (no duplicate address detection).
void AddAddress(const NetworkNamespace& netns, const std::string& device,
                const std::string& prefix);

// AF_PACKET on one device: what goes out of it, and what comes in by it.
class PacketSocket {
 public:
  using Frame = std::vector<uint8_t>;
  using Predicate = std::function<bool(const Frame&)>;

  PacketSocket(const NetworkNamespace& netns, const std::string& device);
  ~PacketSocket();
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;

  void Send(const Frame& frame);
  // Frames are as on the wire: a VLAN tag is among the bytes.
  // The next incoming frame that satisfies `wanted`; what does not is discarded.
  std::optional<Frame> Receive(const Predicate& wanted,
                               std::chrono::milliseconds timeout = std::chrono::seconds(5));
  // All that has come in and was not received yet.
  std::vector<Frame> Drain();

 private:
  std::optional<Frame> ReceiveAny(std::chrono::milliseconds timeout);

  int fd_ = -1;
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_SUPPORT_NETNS_FIXTURE_H_
