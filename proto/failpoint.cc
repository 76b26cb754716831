#include "proto/failpoint.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <string_view>
#include <thread>
#include <utility>

namespace outrider {
namespace {

struct Place {
  std::string_view name;
  bool can_fail = false;
};

// Every place there is. A commit's last word is the phase of the record that it writes.
constexpr Place kPlaces[] = {
    {"controller.before-commit.preparing", true},
    {"controller.after-commit.preparing", true},
    {"controller.before-commit.armed", true},
    {"controller.after-commit.armed", true},
    {"controller.before-commit.switching", true},
    {"controller.after-commit.switching", true},
    {"controller.before-commit.committed", true},
    {"controller.after-commit.committed", true},
    {"controller.before-commit.aborted", true},
    {"controller.after-commit.aborted", true},
    {"controller.before-send"},
    {"controller.after-send"},
    {"agent.before-apply"},
    {"agent.after-apply"},
    {"agent.before-receipt"},
    {"agent.after-receipt"},
    {"agent.before-activation"},
    {"agent.after-activation"},
};

constexpr std::string_view kStallPrefix = "stall:";
constexpr int64_t kMaxStallMs = 3'600'000;

template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

absl::Status Wrong(std::string_view order, const std::string& what) {
  return absl::InvalidArgumentError(
      fmt::format("{}: \"{}\": {}", kFailpointsVariable, order, what));
}

absl::Status ParseAction(std::string_view order, std::string_view action, const Place& place,
                         FailpointOrder* parsed) {
  if (action == "crash") {
    parsed->action = FailpointOrder::Action::kCrash;
    return absl::OkStatus();
  }
  if (action == "error") {
    parsed->action = FailpointOrder::Action::kError;
    if (place.can_fail) return absl::OkStatus();
    return Wrong(order, fmt::format("{} cannot fail; crash or stall it", place.name));
  }
  parsed->action = FailpointOrder::Action::kStall;
  if (action.substr(0, kStallPrefix.size()) != kStallPrefix ||
      !ParseNumber(action.substr(kStallPrefix.size()), &parsed->stall_ms) || parsed->stall_ms < 1 ||
      parsed->stall_ms > kMaxStallMs) {
    return Wrong(order, fmt::format("\"{}\" is not crash, error or stall:MS, MS in 1..{}", action,
                                    kMaxStallMs));
  }
  return absl::OkStatus();
}

absl::StatusOr<FailpointOrder> ParseOrder(std::string_view order) {
  const size_t equals = order.find('=');
  if (equals == std::string_view::npos) return Wrong(order, "is not NAME=ACTION");
  const std::string_view name = order.substr(0, equals);
  const auto place = std::find_if(std::begin(kPlaces), std::end(kPlaces),
                                  [&](const Place& one) { return one.name == name; });
  if (place == std::end(kPlaces)) {
    return Wrong(order, fmt::format("there is no failpoint \"{}\"", name));
  }
  FailpointOrder parsed;
  parsed.name = name;
  std::string_view action = order.substr(equals + 1);
  if (const size_t at = action.rfind('@'); at != std::string_view::npos) {
    if (!ParseNumber(action.substr(at + 1), &parsed.passing) || parsed.passing == 0) {
      return Wrong(order, fmt::format("\"{}\" is not @N, N from 1", action.substr(at)));
    }
    action = action.substr(0, at);
  }
  if (const absl::Status status = ParseAction(order, action, *place, &parsed); !status.ok()) {
    return status;
  }
  return parsed;
}

// Said before it happens, by write(2): a log may be buffered, and its lock may be held.
void Announce(const FailpointOrder& order, uint64_t passing) {
  const char* const what = order.action == FailpointOrder::Action::kCrash   ? "crash"
                           : order.action == FailpointOrder::Action::kStall ? "stall"
                                                                            : "error";
  const std::string line =
      fmt::format("failpoint {}: {} at passing {}\n", order.name, what, passing);
  if (write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

}  // namespace

namespace internal {
std::atomic<Failpoints*> armed_failpoints{nullptr};
}  // namespace internal

absl::StatusOr<std::vector<FailpointOrder>> ParseFailpoints(const std::string& text) {
  std::vector<FailpointOrder> orders;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    auto order = ParseOrder(rest.substr(0, comma));
    if (!order.ok()) return order.status();
    orders.push_back(*std::move(order));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return orders;
}

absl::Status Failpoints::Pass(const std::string& name) {
  uint64_t passing = 0;
  {
    const std::lock_guard lock(mutex_);
    passing = ++passings_[name];
  }
  for (const FailpointOrder& order : orders_) {
    if (order.name != name || (order.passing != 0 && order.passing != passing)) continue;
    Announce(order, passing);
    switch (order.action) {
      case FailpointOrder::Action::kCrash:
        kill(getpid(), SIGKILL);
        break;
      case FailpointOrder::Action::kStall:
        std::this_thread::sleep_for(std::chrono::milliseconds(order.stall_ms));
        break;
      case FailpointOrder::Action::kError:
        return absl::UnavailableError("failpoint " + name);
    }
  }
  return absl::OkStatus();
}

absl::Status ArmFailpoints(const char* text) {
  if (text == nullptr || *text == '\0') return absl::OkStatus();
  auto orders = ParseFailpoints(text);
  if (!orders.ok()) return orders.status();
  // As long as the process: a thread may pass a place at any time.
  internal::armed_failpoints.store(new Failpoints(*std::move(orders)));
  return absl::OkStatus();
}

}  // namespace outrider
