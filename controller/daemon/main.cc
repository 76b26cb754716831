// outrider-controller: the process around the Daemon. Options in, signals in, exit code out.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <variant>

#include "controller/daemon/daemon.h"
#include "proto/failpoint.h"

namespace outrider::controller {
namespace {

constexpr int kFailed = 1;
// The database is damaged: starting again would not help, so the service manager must not.
constexpr int kDamaged = 3;

void SetUpLog(const std::string& level) {
  auto logger = spdlog::stderr_color_mt("outrider-controller");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

// The signals that end the process, blocked in this thread and those it starts.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Ticks until a stop signal comes, and returns it.
int RunUntilStopped(Daemon* daemon, const sigset_t& signals) {
  constexpr timespec kTick{0, Daemon::kTickMs * 1'000'000L};
  while (true) {
    const int signal = sigtimedwait(&signals, nullptr, &kTick);
    if (signal > 0) return signal;
    daemon->Tick();
  }
}

int Run(const Options& options) {
  SetUpLog(options.log_level);
  // Whatever it makes is the controller's own: keys, database, socket.
  umask(0077);
  const sigset_t signals = BlockStopSignals();
  if (const absl::Status status = ArmFailpoints(std::getenv(kFailpointsVariable)); !status.ok()) {
    spdlog::error("cannot start: {}", Message(status));
    return kFailed;
  }
  auto daemon = Daemon::Start(options);
  if (!daemon.ok()) {
    spdlog::error("cannot start: {}", Message(daemon.status()));
    return absl::IsDataLoss(daemon.status()) ? kDamaged : kFailed;
  }
  // Does nothing when no service manager asked for it.
  sd_notify(0, "READY=1");
  spdlog::info("ready: agents at {}, admin socket {}", (*daemon)->agent_address(),
               (*daemon)->admin_socket());
  const int signal = RunUntilStopped(daemon->get(), signals);
  sd_notify(0, "STOPPING=1");
  spdlog::info("stopping on {}", signal == SIGINT ? "SIGINT" : "SIGTERM");
  daemon->reset();
  spdlog::info("stopped");
  return 0;
}

}  // namespace
}  // namespace outrider::controller

int main(int argc, char** argv) {
  using outrider::controller::ExitNow;
  using outrider::controller::Options;
  const auto parsed = outrider::controller::ParseOptions(argc, argv);
  if (const auto* exit = std::get_if<ExitNow>(&parsed)) return exit->code;
  return outrider::controller::Run(std::get<Options>(parsed));
}
