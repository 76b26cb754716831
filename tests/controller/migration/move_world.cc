#include "tests/controller/migration/move_world.h"

#include <fmt/format.h>

namespace outrider::controller::move_model {
namespace {

constexpr const char* kGuests[] = {"at h1", "paused", "at h2", "dead"};
constexpr const char* kHypervisors[] = {"copying", "paused", "arrived", "failed", "done"};
constexpr const char* kHolds[] = {"nothing", "armed", "opened", "active", "departed"};
constexpr const char* kWords[] = {"", "ack", "paused", "resumed", "opened", "frame", "detached"};

std::string Describe(const Host& host) {
  if (host.alive == 0) return "dead";
  std::string text = fmt::format("{}/{}@{}", kHolds[static_cast<int>(host.wanted.hold)],
                                 host.wanted.epoch, host.generation);
  if (host.redirected != 0) text += " redirected";
  if (host.agent == 0) text += " no agent";
  if (host.connected == 0) text += " no session";
  if (host.coming_generation != 0) {
    text += fmt::format(" <- {}/{}@{}", kHolds[static_cast<int>(host.coming.hold)],
                        host.coming.epoch, host.coming_generation);
  }
  for (int i = 0; i < host.queued; ++i) {
    text += fmt::format(" {}({})", kWords[static_cast<int>(host.queue[i].word)],
                        host.queue[i].argument);
  }
  return text;
}

}  // namespace

void Say(Host* host, Word word, uint8_t argument) {
  if (host->agent == 0 || host->queued == host->queue.size()) return;
  host->queue[host->queued++] = {word, argument};
}

void TakeOut(Host* host, int position) {
  for (int i = position; i + 1 < host->queued; ++i) host->queue[i] = host->queue[i + 1];
  host->queue[--host->queued] = {};
}

std::string Describe(const World& world) {
  std::string text = fmt::format("guest {}, hypervisor {}, port at h{}/{}@{}",
                                 kGuests[static_cast<int>(world.guest)],
                                 kHypervisors[static_cast<int>(world.hypervisor)], world.place + 1,
                                 world.epoch, world.revision);
  for (int host = 0; host < kHosts; ++host) {
    text += fmt::format("; h{} {}", host + 1, Describe(world.hosts[host]));
  }
  return text;
}

}  // namespace outrider::controller::move_model
