// outrider-agent: options, signals, log; agent.h is the rest.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "proto/failpoint.h"
#include "vswitch/agent/agent.h"
#include "vswitch/agent/options.h"

namespace {

using outrider::Message;
using outrider::agent::Agent;

// Blocked in every thread made from here on: the main thread waits for them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int Fail(const absl::Status& status) {
  spdlog::critical("{}", Message(status));
  return 1;
}

int Run(const outrider::agent::Options& options) {
  const sigset_t signals = BlockSignals();
  if (const absl::Status status =
          outrider::ArmFailpoints(std::getenv(outrider::kFailpointsVariable));
      !status.ok()) {
    return Fail(status);
  }
  if (options.uninstall) {
    const absl::Status status = Agent::Uninstall(options);
    if (!status.ok()) return Fail(status);
    spdlog::info("pins, filters and tunnel device are removed");
    return 0;
  }
  const auto agent = Agent::Create(options);
  if (!agent.ok()) return Fail(agent.status());
  // Does nothing when no service manager asked for it.
  sd_notify(0, "READY=1");
  int received = 0;
  sigwait(&signals, &received);
  sd_notify(0, "STOPPING=1");
  spdlog::info("stopping; what is in force goes on forwarding");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = outrider::agent::ParseOptions(std::vector<std::string>(argv + 1, argv + argc),
                                                    OUTRIDER_VERSION);
  if (!parsed.options) {
    std::fputs(parsed.text.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("outrider-agent"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  spdlog::set_level(spdlog::level::from_str(parsed.options->log_level));
  // Keys, store and sockets are nobody else's.
  umask(077);
  return Run(*parsed.options);
}
