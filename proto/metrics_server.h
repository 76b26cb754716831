// Serves a daemon's metrics to Prometheus: GET /metrics over plain HTTP. Owns the listener and its
// threads; knows no metric. No TLS and no password: whoever reaches the address reads the numbers,
// so it should be a loopback one, or one of a network that is trusted with them.
//
// Thread rule: Start and the destructor on one thread; pages are asked for on the server's two
// threads, maybe at once.
#ifndef OUTRIDER_PROTO_METRICS_SERVER_H_
#define OUTRIDER_PROTO_METRICS_SERVER_H_

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>

#include "proto/metrics.h"

namespace outrider {

// InvalidArgument, if `text` is not a literal IPv4 address and a port, "127.0.0.1:9464": the
// server's library, as Debian 12 has it, knows no IPv6.
absl::Status CheckMetricsAddress(const std::string& text);

class MetricsServer {
 public:
  using Collect = std::function<MetricFamilies()>;

  // Port 0 takes a free one. Logs where it serves, and a warning if that is no loopback address.
  // InvalidArgument as above; AlreadyExists: the port is in use; Unavailable: it cannot listen
  // there.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              Collect collect);
  // No page is asked for when it returns. Waits for those that are.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // With the port it got.
  const std::string& address() const { return address_; }

 private:
  // What stands between us and prometheus-cpp.
  struct Exposed;
  MetricsServer(std::string address, std::unique_ptr<Exposed> exposed);

  const std::string address_;
  const std::unique_ptr<Exposed> exposed_;
};

}  // namespace outrider

#endif  // OUTRIDER_PROTO_METRICS_SERVER_H_
