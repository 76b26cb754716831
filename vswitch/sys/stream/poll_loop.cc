#include "vswitch/sys/stream/poll_loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>

namespace outrider::stream {
namespace {

// Descriptors served before timers and posted work have their turn again.
constexpr int kBatch = 64;
constexpr std::chrono::milliseconds kForever(60'000);

// epoll hands 64 bits back: which descriptor, and by which watch.
uint64_t Tag(int fd, uint32_t generation) {
  return (uint64_t{generation} << 32) | static_cast<uint32_t>(fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PollLoop>> PollLoop::Create() {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return ErrnoStatus(errno, "epoll_create1");
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    const int error = errno;
    close(epoll_fd);
    return ErrnoStatus(error, "eventfd");
  }
  std::unique_ptr<PollLoop> loop(new PollLoop(epoll_fd, wake_fd));
  RETURN_IF_ERROR(loop->Watch(wake_fd, EPOLLIN, [wake_fd](uint32_t) {
    uint64_t count = 0;
    while (read(wake_fd, &count, sizeof(count)) > 0) {
    }
  }));
  return loop;
}

PollLoop::PollLoop(int epoll_fd, int wake_fd)
    : epoll_fd_(epoll_fd), wake_fd_(wake_fd), own_thread_(std::this_thread::get_id()) {}

PollLoop::~PollLoop() {
  Stop();
  close(wake_fd_);
  close(epoll_fd_);
}

void PollLoop::Start(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex_);
  thread_ = std::thread([this] { Run(); });
  own_thread_ = thread_.get_id();
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

void PollLoop::Stop() {
  std::vector<Work> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    dropped.swap(posted_);
  }
  Wake();
  // What was posted may own things that post: it goes without the lock.
  dropped.clear();
  if (thread_.joinable() && !InLoop()) thread_.join();
}

void PollLoop::Post(Work work) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return;
    posted_.push_back(std::move(work));
  }
  Wake();
}

bool PollLoop::RunOn(const Work& work) {
  if (InLoop()) {
    work();
    return true;
  }
  // Work that is dropped takes the promise with it, which ends the wait, too.
  auto done = std::make_shared<std::promise<void>>();
  auto ran = std::make_shared<std::atomic<bool>>(false);
  const std::future<void> finished = done->get_future();
  Post([&work, done, ran] {
    work();
    *ran = true;
    done->set_value();
  });
  done.reset();
  finished.wait();
  return *ran;
}

bool PollLoop::InLoop() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return own_thread_ == std::this_thread::get_id();
}

PollLoop::TimerId PollLoop::PostAfter(std::chrono::milliseconds delay, Work work) {
  const TimerId id = next_timer_++;
  const auto due = Clock::now() + delay;
  timers_.emplace(std::make_pair(due, id), std::move(work));
  due_.emplace(id, due);
  return id;
}

void PollLoop::Cancel(TimerId timer) {
  const auto found = due_.find(timer);
  if (found == due_.end()) return;
  timers_.erase({found->second, timer});
  due_.erase(found);
}

absl::Status PollLoop::Watch(int fd, uint32_t events, Ready ready) {
  const uint32_t generation = next_generation_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = Tag(fd, generation);
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return ErrnoStatus(errno, "epoll_ctl add");
  }
  watched_[fd] = {events, generation, std::make_shared<Ready>(std::move(ready))};
  return absl::OkStatus();
}

void PollLoop::SetEvents(int fd, uint32_t events) {
  const auto found = watched_.find(fd);
  if (found == watched_.end() || found->second.events == events) return;
  found->second.events = events;
  epoll_event event{};
  event.events = events;
  event.data.u64 = Tag(fd, found->second.generation);
  epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event);
}

void PollLoop::Unwatch(int fd) {
  if (watched_.erase(fd) > 0) epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

void PollLoop::RunOnce(std::chrono::milliseconds timeout) {
  epoll_event events[kBatch];
  const int count = epoll_wait(epoll_fd_, events, kBatch, WaitMillis(timeout));
  for (int i = 0; i < count; ++i) {
    const uint64_t tag = events[i].data.u64;
    const auto found = watched_.find(static_cast<int>(tag & 0xffffffff));
    // A callback of this round may have closed it, and another may have its number now.
    if (found == watched_.end() || found->second.generation != tag >> 32) continue;
    const std::shared_ptr<Ready> ready = found->second.ready;
    (*ready)(events[i].events);
  }
  RunTimers();
  RunPosted();
}

void PollLoop::Run() {
  // A peer that is gone is an error of the write, also where OpenSSL writes.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  while (true) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) return;
    }
    RunOnce(kForever);
  }
}

int PollLoop::WaitMillis(std::chrono::milliseconds at_most) const {
  {
    // Posted work does not wait even if its wake-up was consumed by an earlier round.
    std::lock_guard<std::mutex> lock(mutex_);
    if (!posted_.empty() || stopping_) return 0;
  }
  if (timers_.empty()) return static_cast<int>(at_most.count());
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - Clock::now());
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0),
                                     std::max(at_most, std::chrono::milliseconds(0)))
                              .count());
}

void PollLoop::RunPosted() {
  std::vector<Work> work;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return;
    work.swap(posted_);
  }
  for (Work& one : work) one();
}

void PollLoop::RunTimers() {
  // One that a timer sets for now has its turn in the next round: nobody starves the descriptors.
  const auto now = Clock::now();
  std::vector<TimerId> due;
  for (const auto& [key, work] : timers_) {
    if (key.first > now) break;
    due.push_back(key.second);
  }
  for (const TimerId id : due) {
    const auto found = due_.find(id);
    // An earlier one cancelled it.
    if (found == due_.end()) continue;
    auto node = timers_.extract({found->second, id});
    due_.erase(found);
    node.mapped()();
  }
}

void PollLoop::Wake() const {
  const uint64_t one = 1;
  // Full means that it is awake anyway.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

}  // namespace outrider::stream
