#include "controller/daemon/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>

namespace outrider::controller {
namespace {

constexpr uint64_t kKbpsPerMbps = 1000;

// Sessions are looked over once a second.
constexpr int kTicksPerSessionTick = 10;
// The server's certificate once an hour: it has months left when it is replaced.
constexpr int kTicksPerRefresh = 36'000;

// Where agents are told to connect: as configured, or where we listen when that is one address.
std::string AgentEndpoint(const Options& options, const std::string& address) {
  if (!options.advertise.empty()) return options.advertise;
  const std::string host = address.substr(0, address.rfind(':'));
  const bool any = host.empty() || host == "0.0.0.0" || host == "[::]" || host == "*";
  return any ? "" : address;
}

MigrationTimes TimesOf(const Options& options) {
  constexpr int64_t kUsPerSecond = 1'000'000;
  return {.lease_us = options.migration_lease_s * kUsPerSecond,
          .absence_us = options.migration_absence_s * kUsPerSecond,
          .grace_us = options.migration_grace_s * kUsPerSecond};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const Options& options) {
  std::unique_ptr<Daemon> daemon(new Daemon(options));
  RETURN_IF_ERROR(daemon->Open());
  RETURN_IF_ERROR(daemon->Serve());
  RETURN_IF_ERROR(daemon->ServeMetrics());
  return daemon;
}

absl::Status Daemon::Open() {
  std::error_code error;
  std::filesystem::create_directories(options_.state_dir, error);
  if (error) {
    return absl::FailedPreconditionError(
        fmt::format("state-dir \"{}\": {}", options_.state_dir, error.message()));
  }
  // The store comes first: its lock keeps a second controller from the authority's files as well.
  ASSIGN_OR_RETURN(store_, SqliteStore::Open({.path = options_.state_dir + "/controller.db"}));
  ASSIGN_OR_RETURN(repository_, Repository::Create(store_.get(), &clock_));
  BuiltinCaOptions ca;
  ca.directory = options_.state_dir + "/pki";
  ca.trust_domain = options_.trust_domain;
  ca.host_certificate_ttl_s = options_.host_certificate_ttl_h * 3600LL;
  ASSIGN_OR_RETURN(authority_, BuiltinCa::Create(ca, &clock_));
  ASSIGN_OR_RETURN(verifier_,
                   PeerVerifier::Create(authority_->RootsPem(), options_.trust_domain, &clock_));
  return absl::OkStatus();
}

absl::Status Daemon::Serve() {
  enrollment_ = std::make_unique<Enrollment>(repository_.get(), authority_.get(), &clock_);
  driver_ = std::make_unique<MigrationDriver>(repository_.get(), &clock_,
                                              options_.detect_migrations, TimesOf(options_),
                                              options_.host_guarantee_mbps * kKbpsPerMbps);
  hub_ = std::make_unique<SessionHub>(repository_.get(), driver_.get(), &clock_,
                                      std::make_unique<SerialExecutor>());
  ASSIGN_OR_RETURN(agents_, AgentServer::Start(options_.listen, {.hub = hub_.get(),
                                                                 .enrollment = enrollment_.get(),
                                                                 .authority = authority_.get(),
                                                                 .verifier = verifier_.get()}));
  AdminBackend backend;
  backend.repository = repository_.get();
  backend.driver = driver_.get();
  backend.hub = hub_.get();
  backend.enrollment = enrollment_.get();
  backend.authority = authority_.get();
  backend.clock = &clock_;
  backend.agent_endpoint = AgentEndpoint(options_, agents_->address());
  ASSIGN_OR_RETURN(admin_, AdminServer::Start(options_.admin_socket, backend));
  return absl::OkStatus();
}

absl::Status Daemon::ServeMetrics() {
  if (options_.metrics_listen.empty()) return absl::OkStatus();
  metrics_ = std::make_unique<ControllerMetrics>(repository_.get(), hub_.get(), clock_.NowUs());
  ASSIGN_OR_RETURN(metrics_server_, MetricsServer::Start(options_.metrics_listen,
                                                         [this] { return metrics_->Collect(); }));
  return absl::OkStatus();
}

void Daemon::Tick() {
  if (const absl::Status status = driver_->OnTick(); !status.ok()) {
    spdlog::error("migration driver: {}", Message(status));
  }
  if (++ticks_ % kTicksPerSessionTick == 0) hub_->OnTick();
  if (ticks_ % kTicksPerRefresh != 0) return;
  if (const absl::Status status = authority_->RefreshServer(); !status.ok()) {
    spdlog::error("server certificate: {}", Message(status));
  }
}

}  // namespace outrider::controller
