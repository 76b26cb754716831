// A guest with a TCP stack of its own: a network namespace behind a port device, whose kernel knows
// nothing of us. Throws what is no subject of a test. Thread rule: one thread.
#ifndef OUTRIDER_TESTS_DATAPATH_EBPF_TCP_GUEST_H_
#define OUTRIDER_TESTS_DATAPATH_EBPF_TCP_GUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/datapath/ebpf/ebpf_host.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::datapath::ebpf {

inline constexpr uint16_t kServerPort = 8080;

class TcpGuest {
 public:
  // Guest n, with address 10.0.0.<n>, behind the host's port device.
  TcpGuest(EbpfHost* host, const std::string& device, int n);

  const MacAddress& mac() const { return mac_; }
  const std::string& ip() const { return ip_; }

  // At kServerPort.
  UniqueFd Listen();
  // Under way when it returns.
  UniqueFd Connect(const TcpGuest& to);
  // Moves to another host, with its MAC, address and all its sockets: what it had before its card
  // vanishes.
  void MoveTo(EbpfHost* host, const std::string& device);

 private:
  template <typename Function>
  auto In(Function function) {
    const tests::NetnsScope scope(netns_);
    return function();
  }
  UniqueFd Socket();

  tests::NetworkNamespace netns_;
  const std::string ip_;
  MacAddress mac_;
};

// Whether `what` (poll(2)) comes true within 5 s.
bool Await(int fd, short what);
UniqueFd Accept(const UniqueFd& listener);
// Sends `size` bytes from one end and takes them at the other; how many arrived.
size_t Transfer(const UniqueFd& from, const UniqueFd& to, size_t size);

// Both ends of a connection.
struct Session {
  UniqueFd listener;
  UniqueFd client;
  UniqueFd server;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_TESTS_DATAPATH_EBPF_TCP_GUEST_H_
