// Options of outrider-controller, from the command line and a TOML file. The only place that reads
// configuration. Pure but for the file; any thread.
#ifndef OUTRIDER_CONTROLLER_DAEMON_OPTIONS_H_
#define OUTRIDER_CONTROLLER_DAEMON_OPTIONS_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <variant>

namespace outrider::controller {

struct Options {
  // host:port of the TLS port; port 0 takes a free one.
  std::string listen = "0.0.0.0:7443";
  // host:port agents reach it at; empty: `listen`, when that is one address.
  std::string advertise;
  std::string state_dir = "/var/lib/outrider-controller";
  std::string admin_socket = "/run/outrider/controller.sock";
  // ADDRESS:PORT where metrics are served; empty: nowhere.
  std::string metrics_listen;
  std::string trust_domain = "outrider.local";
  // 1..8760.
  uint32_t host_certificate_ttl_h = 720;
  // Whether a device attached on one host moves its port there from another.
  bool detect_migrations = true;
  // What ports of one host may be guaranteed together, Mbit/s; 0: anything.
  uint32_t host_guarantee_mbps = 0;
  // How long migrations wait, seconds: MigrationTimes of migration/machine.h.
  uint32_t migration_lease_s = 600;
  uint32_t migration_absence_s = 30;
  uint32_t migration_grace_s = 600;
  // spdlog's names.
  std::string log_level = "info";
};

// The process should end now, with this code; what there was to say is said.
struct ExitNow {
  int code = 0;
};

// Parses the command line; an option there wins over the file of --config. Prints help, version and
// complaints itself.
std::variant<Options, ExitNow> ParseOptions(int argc, const char* const* argv);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_DAEMON_OPTIONS_H_
