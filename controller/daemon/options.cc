#include "controller/daemon/options.h"

#include <CLI/CLI.hpp>
#include <string>

#include "controller/model/status.h"
#include "proto/metrics_server.h"

namespace outrider::controller {
namespace {

constexpr int kBadUsage = 2;

constexpr char kExamples[] = R"(
Examples:
  On one machine, with everything in its usual place:
    outrider-controller --advertise controller.example.net:7443
  Without root, for a try:
    outrider-controller --listen 127.0.0.1:0 --state-dir ./state --admin-socket $PWD/admin.sock
  From a file (keys are the options' names; unknown ones are refused):
    outrider-controller --config /etc/outrider/controller.toml

Then let hosts in with `outrider host enroll HOST`.
)";

// The name of the authority in hosts' URIs: lower-case letters, digits, dots, hyphens.
std::string CheckTrustDomain(const std::string& text) {
  const bool plain =
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
  if (!text.empty() && text.size() <= 200 && plain) return "";
  return "\"" + text + "\" is not a DNS name in lower case";
}

std::string CheckListen(const std::string& text) {
  const size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (colon != 0 && digits && std::stoi(port) <= 65535) return "";
  return "\"" + text + "\" is not host:port";
}

std::string CheckMetricsListen(const std::string& text) {
  return text.empty() ? "" : Message(CheckMetricsAddress(text));
}

void DeclareMigrationTimes(CLI::App* app, Options* options) {
  app->add_option(
         "--migration-lease-s", options->migration_lease_s,
         "When a migration nobody finishes ends by itself, seconds, unless it was prepared "
         "with a lease of its own")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app->add_option("--migration-absence-s", options->migration_absence_s,
                  "How long a host may be gone in the middle of a move before its guest counts as "
                  "dead, seconds; a third of it is waited for a guest that sends nothing")
      ->check(CLI::Range(3, 3600))
      ->capture_default_str();
  app->add_option("--migration-grace-s", options->migration_grace_s,
                  "How much longer than its lease a migration waits for a destination that is not "
                  "heard of, seconds: the guest may run there")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
}

void Declare(CLI::App* app, Options* options) {
  app->add_option("--listen", options->listen, "Where agents connect (TLS), host:port")
      ->check(CLI::Validator(CheckListen, "HOST:PORT"))
      ->capture_default_str();
  app->add_option("--advertise", options->advertise,
                  "host:port agents reach the controller at; written into join tokens")
      ->check(CLI::Validator(CheckListen, "HOST:PORT"));
  app->add_option("--state-dir", options->state_dir,
                  "Folder of the database and the certificate authority")
      ->capture_default_str();
  app->add_option("--admin-socket", options->admin_socket,
                  "Unix socket of the operator's API (0600)")
      ->capture_default_str();
  app->add_option("--metrics-listen", options->metrics_listen,
                  "Where Prometheus gets metrics (plain HTTP, /metrics), ADDRESS:PORT, usually "
                  "127.0.0.1:9464; empty: nowhere")
      ->check(CLI::Validator(CheckMetricsListen, "ADDRESS:PORT"));
  app->add_option("--trust-domain", options->trust_domain,
                  "Authority of the hosts' identities spiffe://DOMAIN/host/ID")
      ->check(CLI::Validator(CheckTrustDomain, "DOMAIN"))
      ->capture_default_str();
  app->add_option("--host-certificate-ttl-h", options->host_certificate_ttl_h,
                  "Life of a host's certificate, hours")
      ->check(CLI::Range(1, 8760))
      ->capture_default_str();
  app->add_option("--detect-migrations", options->detect_migrations,
                  "A port attached on a second host begins to move there, as libvirt migrates; "
                  "false: only by `outrider migration prepare`")
      ->capture_default_str();
  app->add_option(
         "--host-guarantee-mbps", options->host_guarantee_mbps,
         "What ports of one host may be guaranteed together (qos shaper min_kbps), Mbit/s: "
         "no port moves to a host beyond it; 0: anything")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  DeclareMigrationTimes(app, options);
  app->add_option("--log-level", options->log_level, "How much to log, to stderr")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}))
      ->capture_default_str();
}

}  // namespace

std::variant<Options, ExitNow> ParseOptions(int argc, const char* const* argv) {
  Options options;
  CLI::App app(
      "Outrider controller: profiles, segments, hosts and migrations of the overlay switch",
      "outrider-controller");
  Declare(&app, &options);
  app.set_config("--config", "", "TOML file of these options")->check(CLI::ExistingFile);
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_version_flag("--version", std::string("outrider-controller ") + OUTRIDER_VERSION);
  app.footer(kExamples);
  // CLI11 reports by exception; it ends here.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ExitNow{app.exit(error) == 0 ? 0 : kBadUsage};
  }
  return options;
}

}  // namespace outrider::controller
