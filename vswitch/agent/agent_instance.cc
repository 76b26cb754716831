#include "vswitch/agent/agent_instance.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>

namespace outrider::agent {
namespace {

constexpr char kBootId[] = "/proc/sys/kernel/random/boot_id";
constexpr char kNetworkNamespace[] = "/proc/thread-self/ns/net";

}  // namespace

absl::StatusOr<std::string> AgentInstance(const std::string& directory_id) {
  std::string boot;
  if (!std::getline(std::ifstream(kBootId), boot)) {
    return absl::InternalError(fmt::format("{}: cannot be read; is /proc mounted?", kBootId));
  }
  struct stat space = {};
  if (stat(kNetworkNamespace, &space) != 0) {
    return ErrnoStatus(errno, fmt::format("stat {}", kNetworkNamespace));
  }
  return fmt::format("{}-{}-{:x}", directory_id, boot, space.st_ino);
}

}  // namespace outrider::agent
