// The controller as one object: store, model, authority, sessions, services, in the order they need
// each other. Must not know the command line or signals. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_DAEMON_DAEMON_H_
#define OUTRIDER_CONTROLLER_DAEMON_DAEMON_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "controller/daemon/options.h"
#include "controller/metrics/controller_metrics.h"
#include "controller/migration/driver.h"
#include "controller/model/clock.h"
#include "controller/pki/builtin_ca.h"
#include "controller/pki/enrollment.h"
#include "controller/pki/peer_verifier.h"
#include "controller/service/admin_server.h"
#include "controller/service/agent_server.h"
#include "controller/session/session_hub.h"
#include "controller/store/repository.h"
#include "controller/store/sqlite/sqlite_store.h"
#include "proto/metrics_server.h"

namespace outrider::controller {

class Daemon {
 public:
  // Serves when it returns. Errors of the store (another controller has it, it is damaged), of the
  // authority and of the addresses are passed on; what was found is not touched.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const Options& options);

  // Where agents connect, with the port it got.
  const std::string& agent_address() const { return agents_->address(); }
  const std::string& admin_socket() const { return options_.admin_socket; }
  // Where metrics are served, with the port it got; empty: nowhere.
  std::string metrics_address() const {
    return metrics_server_ == nullptr ? "" : metrics_server_->address();
  }

  // Leases, migrations' grace times, sessions' ends. Call every kTickMs.
  static constexpr int kTickMs = 100;
  void Tick();

 private:
  explicit Daemon(const Options& options) : options_(options) {}
  absl::Status Open();
  absl::Status Serve();
  absl::Status ServeMetrics();

  const Options options_;
  SystemClock clock_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<Repository> repository_;
  std::unique_ptr<BuiltinCa> authority_;
  std::unique_ptr<PeerVerifier> verifier_;
  std::unique_ptr<Enrollment> enrollment_;
  std::unique_ptr<MigrationDriver> driver_;
  std::unique_ptr<SessionHub> hub_;
  std::unique_ptr<AgentServer> agents_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<ControllerMetrics> metrics_;
  std::unique_ptr<MetricsServer> metrics_server_;
  uint64_t ticks_ = 0;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_DAEMON_DAEMON_H_
