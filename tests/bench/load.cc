#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "vswitch/types/unique_fd.h"

namespace outrider::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBatch = 64;
// A sink that lags loses datagrams of its own; the path shall be what is measured.
constexpr int kSocketBuffer = 16 << 20;
constexpr int kBacklog = 4096;
constexpr size_t kPiece = 128 << 10;

[[noreturn]] void Fail(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

Address Parse(const std::string& text, uint16_t port) {
  Address address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.length = sizeof(*v4);
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.length = sizeof(*v6);
  } else {
    throw std::runtime_error("no IP address: " + text);
  }
  return address;
}

UniqueFd Open(const Address& address, int type) {
  UniqueFd fd(socket(address.family(), type | SOCK_CLOEXEC, 0));
  if (!fd.valid()) Fail("socket");
  const int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (type == SOCK_STREAM) setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return fd;
}

void Connect(int fd, const Address& address) {
  if (connect(fd, address.get(), address.length) != 0) Fail("connect");
}

// Closed without TIME_WAIT: thousands a second would use up the ports.
void CloseAtOnce(UniqueFd* fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd->get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  fd->Reset();
}

double Since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void Say(const nlohmann::json& line) {
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
}

// What is readable when somebody wants the end.
class End {
 public:
  End() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    fd_ = UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC));
    if (!fd_.valid()) Fail("signalfd");
  }
  // Does not wait.
  bool HasCome() const {
    pollfd fd{fd_.get(), POLLIN, 0};
    return poll(&fd, 1, 0) > 0;
  }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

void SayTransactions(std::vector<float>* times_us, double seconds) {
  if (times_us->empty()) throw std::runtime_error("no answer came");
  std::sort(times_us->begin(), times_us->end());
  const auto at = [&](size_t percent) {
    return (*times_us)[std::min(times_us->size() - 1, times_us->size() * percent / 100)];
  };
  Say({{"transactions", times_us->size()},
       {"seconds", seconds},
       {"p50_us", at(50)},
       {"p99_us", at(99)}});
}

// A byte there and one back. False: the other side has gone.
bool Exchange(int fd) {
  char byte = 'x';
  if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1) return false;
  return recv(fd, &byte, 1, 0) == 1;
}

void RunRequests(const LoadOptions& options) {
  const Address address = Parse(options.address, options.port);
  const UniqueFd fd = Open(address, SOCK_STREAM);
  Connect(fd.get(), address);
  std::vector<float> times_us;
  times_us.reserve(1 << 20);
  const auto begin = Clock::now();
  while (Since(begin) < options.seconds) {
    const auto sent = Clock::now();
    if (!Exchange(fd.get())) Fail("request");
    times_us.push_back(static_cast<float>(Since(sent) * 1e6));
  }
  SayTransactions(&times_us, Since(begin));
}

void RunConnections(const LoadOptions& options) {
  const Address address = Parse(options.address, options.port);
  std::vector<float> times_us;
  times_us.reserve(1 << 18);
  const auto begin = Clock::now();
  while (Since(begin) < options.seconds) {
    const auto opened = Clock::now();
    UniqueFd fd = Open(address, SOCK_STREAM);
    Connect(fd.get(), address);
    if (!Exchange(fd.get())) Fail("request");
    CloseAtOnce(&fd);
    times_us.push_back(static_cast<float>(Since(opened) * 1e6));
  }
  SayTransactions(&times_us, Since(begin));
}

// Accepts any number of connections until the end. serve(fd), of one that has something: whether it
// goes on.
void Serve(const LoadOptions& options, const std::function<bool(int)>& serve) {
  const End end;
  const Address address = Parse(options.address, options.port);
  const UniqueFd listener = Open(address, SOCK_STREAM);
  if (bind(listener.get(), address.get(), address.length) != 0) Fail("bind");
  if (listen(listener.get(), kBacklog) != 0) Fail("listen");
  Say({{"ready", true}});
  std::vector<UniqueFd> clients;
  std::vector<pollfd> fds;
  while (true) {
    fds.assign({pollfd{end.fd(), POLLIN, 0}, pollfd{listener.get(), POLLIN, 0}});
    for (const UniqueFd& client : clients) fds.push_back({client.get(), POLLIN, 0});
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) Fail("poll");
    if (fds[0].revents != 0) return;
    for (size_t i = clients.size(); i-- > 0;) {
      if (fds[i + 2].revents == 0 || serve(clients[i].get())) continue;
      clients.erase(clients.begin() + static_cast<ptrdiff_t>(i));
    }
    if (fds[1].revents == 0) continue;
    UniqueFd client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) continue;
    const int one = 1;
    setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    clients.push_back(std::move(client));
  }
}

// Answers each byte with one.
void RunServer(const LoadOptions& options) {
  Serve(options, [](int fd) {
    char byte = 0;
    return recv(fd, &byte, 1, 0) == 1 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1;
  });
}

// What a sink got, and when.
class Received {
 public:
  void Add(size_t count) {
    last_ = Clock::now();
    if (count_ == 0) first_ = last_;
    count_ += count;
  }
  void SayIt() const {
    Say({{"received", count_},
         {"receive_seconds", std::chrono::duration<double>(last_ - first_).count()}});
  }

 private:
  uint64_t count_ = 0;
  Clock::time_point first_;
  Clock::time_point last_;
};

// One stream of a source, by a thread of its own; cubic, whatever the host's default is.
uint64_t Stream(const Address& address, Clock::time_point end) {
  constexpr char kCongestion[] = "cubic";
  const UniqueFd fd = Open(address, SOCK_STREAM);
  setsockopt(fd.get(), IPPROTO_TCP, TCP_CONGESTION, kCongestion, sizeof(kCongestion) - 1);
  Connect(fd.get(), address);
  const std::vector<char> bytes(kPiece, 'x');
  uint64_t sent = 0;
  while (Clock::now() < end) {
    const ssize_t taken = send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (taken < 0) Fail("send");
    sent += static_cast<uint64_t>(taken);
  }
  return sent;
}

void RunStreams(const LoadOptions& options) {
  const Address address = Parse(options.address, options.port);
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(options.seconds));
  std::vector<std::future<uint64_t>> streams;
  for (int i = 0; i < options.streams; ++i) {
    streams.push_back(std::async(std::launch::async, Stream, std::cref(address), end));
  }
  uint64_t sent = 0;
  for (auto& stream : streams) sent += stream.get();
  Say({{"sent", sent}, {"seconds", Since(begin)}});
}

void RunTcpSink(const LoadOptions& options) {
  std::vector<char> bytes(kPiece);
  Received received;
  Serve(options, [&](int fd) {
    const ssize_t count = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count > 0) received.Add(static_cast<size_t>(count));
    return count > 0 || (count < 0 && errno == EAGAIN);
  });
  received.SayIt();
}

struct Batch {
  explicit Batch(uint32_t length) : bytes(kBatch * length) {
    for (size_t i = 0; i < kBatch; ++i) {
      parts[i] = {.iov_base = bytes.data() + i * length, .iov_len = length};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::vector<uint8_t> bytes;
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
};

void RunSource(const LoadOptions& options) {
  const Address address = Parse(options.address, options.port);
  const UniqueFd fd = Open(address, SOCK_DGRAM);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof(kSocketBuffer));
  Connect(fd.get(), address);
  Batch batch(options.length);
  uint64_t sent = 0;
  const auto begin = Clock::now();
  while (Since(begin) < options.seconds) {
    const int count = sendmmsg(fd.get(), batch.messages.data(), kBatch, 0);
    // The first answers may say that nobody listens yet.
    if (count < 0 && errno != ECONNREFUSED && errno != ENOBUFS) Fail("send");
    if (count > 0) sent += static_cast<uint64_t>(count);
  }
  Say({{"sent", sent}, {"seconds", Since(begin)}});
}

void RunSink(const LoadOptions& options) {
  const End end;
  const Address address = Parse(options.address, options.port);
  const UniqueFd fd = Open(address, SOCK_DGRAM);
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof(kSocketBuffer));
  if (bind(fd.get(), address.get(), address.length) != 0) Fail("bind");
  Say({{"ready", true}});
  Batch batch(options.length);
  Received received;
  // Without sleep: waking it up would be the sender's work.
  while (!end.HasCome()) {
    const int count = recvmmsg(fd.get(), batch.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count > 0) received.Add(static_cast<size_t>(count));
  }
  received.SayIt();
}

struct Side {
  const char* name;
  void (*run)(const LoadOptions&);
};
constexpr std::array<Side, 7> kSides = {{{"tcp-sink", RunTcpSink},
                                         {"tcp-source", RunStreams},
                                         {"rr-server", RunServer},
                                         {"rr-client", RunRequests},
                                         {"crr-client", RunConnections},
                                         {"udp-sink", RunSink},
                                         {"udp-source", RunSource}}};

const Side* FindSide(const std::string& name) {
  const auto* const found = std::find_if(kSides.begin(), kSides.end(),
                                         [&](const Side& side) { return side.name == name; });
  return found == kSides.end() ? nullptr : found;
}

}  // namespace

bool IsLoadSide(const std::string& side) { return FindSide(side) != nullptr; }

void RunLoad(const LoadOptions& options) {
  if (options.cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<size_t>(options.cpu), &cpus);
    if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0) Fail("pin to a CPU");
  }
  FindSide(options.side)->run(options);
}

}  // namespace outrider::bench
