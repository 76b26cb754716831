#include "proto/metrics_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <prometheus/exposer.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace outrider {
namespace {

// One that scrapes, and one that looks by hand.
constexpr char kThreads[] = "2";
// Of a client that connects and asks for nothing: it holds one of the threads.
constexpr char kRequestTimeoutMs[] = "5000";

struct Endpoint {
  sockaddr_in address = {};
  std::string host;
  bool loopback = false;
};

std::optional<uint16_t> ParsePort(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 5 &&
                      text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoi(text) > 65535) return std::nullopt;
  return static_cast<uint16_t>(std::stoi(text));
}

absl::StatusOr<Endpoint> Parse(const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto port = ParsePort(colon == std::string::npos ? "" : text.substr(colon + 1));
  Endpoint endpoint;
  endpoint.host = text.substr(0, colon);
  endpoint.address.sin_family = AF_INET;
  if (!port || inet_pton(AF_INET, endpoint.host.c_str(), &endpoint.address.sin_addr) != 1) {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" is not ADDRESS:PORT of IPv4, such as 127.0.0.1:9464", text));
  }
  endpoint.address.sin_port = htons(*port);
  endpoint.loopback = ntohl(endpoint.address.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  return endpoint;
}

// The server's library says only that it has failed: the kernel says why.
absl::Status CheckFree(const Endpoint& endpoint, const std::string& text) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  int error = fd < 0 ? errno : 0;
  if (fd >= 0) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    const auto* address = reinterpret_cast<const sockaddr*>(&endpoint.address);
    if (bind(fd, address, sizeof(endpoint.address)) != 0 || listen(fd, 1) != 0) error = errno;
    close(fd);
  }
  if (error == 0) return absl::OkStatus();
  if (error == EADDRINUSE) {
    return absl::AlreadyExistsError(fmt::format(
        "metrics at {}: the port is in use; choose another --metrics-listen, or \"\" for "
        "no metrics",
        text));
  }
  return absl::UnavailableError(
      fmt::format("metrics at {}: cannot listen there: {}", text, std::strerror(error)));
}

class Page final : public prometheus::Collectable {
 public:
  explicit Page(MetricsServer::Collect collect) : collect_(std::move(collect)) {}
  std::vector<prometheus::MetricFamily> Collect() const override { return collect_(); }

 private:
  const MetricsServer::Collect collect_;
};

// Connects to the address every few milliseconds, for as long as it lives.
class Knocking {
 public:
  explicit Knocking(const Endpoint& endpoint) : endpoint_(endpoint), thread_([this] { Run(); }) {}
  ~Knocking() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    do {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      const auto* address = reinterpret_cast<const sockaddr*>(&endpoint_.address);
      if (fd < 0) continue;
      // Whether it is let in does not matter.
      connect(fd, address, sizeof(endpoint_.address));
      close(fd);
    } while (!wake_.wait_for(lock, kKnockInterval, [this] { return done_; }));
  }

  static constexpr std::chrono::milliseconds kKnockInterval{10};
  const Endpoint endpoint_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace

struct MetricsServer::Exposed {
  Endpoint endpoint;
  std::shared_ptr<Page> page;
  std::unique_ptr<prometheus::Exposer> exposer;
};

MetricsServer::MetricsServer(std::string address, std::unique_ptr<Exposed> exposed)
    : address_(std::move(address)), exposed_(std::move(exposed)) {}

// The library's listener looks whether it is to end every two seconds, and when somebody comes.
MetricsServer::~MetricsServer() {
  const Knocking knocking(exposed_->endpoint);
  exposed_->exposer.reset();
}

absl::Status CheckMetricsAddress(const std::string& text) { return Parse(text).status(); }

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    Collect collect) {
  auto endpoint = Parse(address);
  if (!endpoint.ok()) return endpoint.status();
  if (const absl::Status free = CheckFree(*endpoint, address); !free.ok()) return free;
  auto exposed = std::make_unique<Exposed>();
  exposed->page = std::make_shared<Page>(std::move(collect));
  // The library reports by exception; it ends here.
  try {
    exposed->exposer = std::make_unique<prometheus::Exposer>(
        std::vector<std::string>{"listening_ports", address, "num_threads", kThreads,
                                 "request_timeout_ms", kRequestTimeoutMs});
    exposed->exposer->RegisterCollectable(exposed->page);
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        fmt::format("metrics at {}: cannot serve there: {}", address, error.what()));
  }
  const std::vector<int> ports = exposed->exposer->GetListeningPorts();
  if (ports.empty()) {
    return absl::UnavailableError(fmt::format("metrics at {}: nothing listens there", address));
  }
  endpoint->address.sin_port = htons(static_cast<uint16_t>(ports.front()));
  exposed->endpoint = *endpoint;
  const std::string served = fmt::format("{}:{}", endpoint->host, ports.front());
  spdlog::info("metrics at http://{}/metrics", served);
  if (!endpoint->loopback) {
    spdlog::warn("metrics at {}: without TLS or a password, for all who reach that address",
                 served);
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(served, std::move(exposed)));
}

}  // namespace outrider
