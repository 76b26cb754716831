#include "vswitch/cli/host_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace outrider::cli {
namespace {

SocketAddress WithPort(SocketAddress address, uint16_t port) {
  if (address.storage.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(port);
  }
  return address;
}

// Numbers do not need the resolver, whose libraries take time to load.
bool ParseNumbers(const std::string& host, SocketAddress* address) {
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address->storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address->storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    address->length = sizeof(*v4);
    return true;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    address->length = sizeof(*v6);
    return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::vector<SocketAddress>> FindHost(const std::string& host, uint16_t port) {
  SocketAddress address;
  if (ParseNumbers(host, &address)) return std::vector<SocketAddress>{WithPort(address, port)};
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<SocketAddress> addresses;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) == 0) {
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
      if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
      SocketAddress next;
      std::memcpy(&next.storage, one->ai_addr, one->ai_addrlen);
      next.length = one->ai_addrlen;
      addresses.push_back(WithPort(next, port));
    }
  }
  if (addresses.empty()) return absl::UnavailableError(std::strerror(EAFNOSUPPORT));
  return addresses;
}

}  // namespace outrider::cli
