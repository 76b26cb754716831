#include "controller/cli/stream_watch.h"

#include <ctime>
#include <utility>

namespace outrider::controller::cli {
namespace {

constexpr timespec kStep = {.tv_sec = 0, .tv_nsec = 20'000'000};

}  // namespace

StreamWatch::StreamWatch(std::optional<std::chrono::milliseconds> lasts) : lasts_(lasts) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

StreamWatch::~StreamWatch() {
  Stop();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void StreamWatch::Start(std::chrono::milliseconds patience, std::function<void()> cancel) {
  const Time give_up = std::chrono::steady_clock::now() + patience;
  thread_ = std::thread([this, give_up, cancel = std::move(cancel)] { Watch(give_up, cancel); });
}

StreamWatch::End StreamWatch::Stop() {
  stopped_ = true;
  if (thread_.joinable()) thread_.join();
  return why_;
}

StreamWatch::End StreamWatch::Look(Time give_up, std::optional<Time>* end) const {
  if (sigtimedwait(&signals_, nullptr, &kStep) > 0) return End::kSignal;
  const Time now = std::chrono::steady_clock::now();
  if (!answered_) return now >= give_up ? End::kSilence : End::kByItself;
  if (!lasts_) return End::kByItself;
  if (!*end) *end = now + *lasts_;
  return now >= **end ? End::kTime : End::kByItself;
}

void StreamWatch::Watch(Time give_up, const std::function<void()>& cancel) {
  std::optional<Time> end;
  while (!stopped_) {
    const End why = Look(give_up, &end);
    if (why == End::kByItself) continue;
    why_ = why;
    return cancel();
  }
}

}  // namespace outrider::controller::cli
