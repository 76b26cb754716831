#include "vswitch/sys/stream/stream_listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <utility>

namespace outrider::stream {
namespace {

// Accepted at once: established connections have their turn in between.
constexpr int kAcceptBatch = 64;
constexpr std::chrono::milliseconds kPause(100);

uint64_t InodeOf(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

// Open connections by age.
struct StreamListener::Census {
  std::map<uint64_t, StreamConnection*> open;
  uint64_t next = 1;
  // All before it have been heard, or are gone: nobody is asked twice.
  uint64_t heard_before = 0;
};

absl::StatusOr<std::unique_ptr<StreamListener>> StreamListener::Create(PollLoop* loop,
                                                                       const Options& options,
                                                                       Accepted accepted) {
  if (options.address.kind == StreamAddress::Kind::kTls && options.tls == nullptr) {
    return absl::FailedPreconditionError(options.address.ToString() +
                                         ": no key and certificate; fill the SSL table (set-ssl)");
  }
  ASSIGN_OR_RETURN(UniqueFd fd, Listen(options.address, options.mode));
  std::unique_ptr<StreamListener> listener(
      new StreamListener(loop, options, std::move(accepted), std::move(fd)));
  StreamListener* const self = listener.get();
  RETURN_IF_ERROR(loop->Watch(self->fd_.get(), EPOLLIN, [self](uint32_t) { self->OnReady(); }));
  return listener;
}

StreamListener::StreamListener(PollLoop* loop, const Options& options, Accepted accepted,
                               UniqueFd fd)
    : loop_(loop),
      options_(options),
      accepted_(std::move(accepted)),
      fd_(std::move(fd)),
      reserve_(open("/dev/null", O_RDONLY | O_CLOEXEC)),
      census_(std::make_shared<Census>()) {
  if (options_.address.kind == StreamAddress::Kind::kUnix) {
    inode_ = InodeOf(options_.address.path);
  } else {
    options_.address.port = PortOf(fd_.get());
  }
}

StreamListener::~StreamListener() {
  loop_->Cancel(resume_);
  loop_->Unwatch(fd_.get());
  if (inode_ != 0 && InodeOf(options_.address.path) == inode_) {
    unlink(options_.address.path.c_str());
  }
}

size_t StreamListener::connections() const { return census_->open.size(); }

void StreamListener::OnReady() {
  for (int i = 0; i < kAcceptBatch; ++i) {
    UniqueFd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      Take(std::move(fd));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      OutOfDescriptors(errno);
    }
    // Others (ECONNABORTED) are of a caller that is gone.
    if (errno != ECONNABORTED && errno != EINTR) return;
  }
}

void StreamListener::Take(UniqueFd fd) {
  if (census_->open.size() >= options_.max_connections && !MakeRoom()) {
    ++turned_away_;
    log_.Warn(fmt::format("{}: {} connections are open, all in use; a new one is refused",
                          options_.address.ToString(), census_->open.size()));
    return;
  }
  auto connection = StreamConnection::Adopt(
      loop_, std::move(fd),
      options_.address.kind == StreamAddress::Kind::kTls ? options_.tls : nullptr, options_.limits);
  if (!connection.ok()) {
    log_.Warn(fmt::format("{}: {}", options_.address.ToString(), Message(connection.status())));
    return;
  }
  const uint64_t number = census_->next++;
  census_->open.emplace(number, connection->get());
  (*connection)->set_on_end([census = census_, number] { census->open.erase(number); });
  accepted_(std::move(*connection));
}

bool StreamListener::MakeRoom() {
  // Nobody becomes silent again, so the search goes on where it ended.
  auto next = census_->open.lower_bound(census_->heard_before);
  while (next != census_->open.end() && next->second->heard()) ++next;
  census_->heard_before = next == census_->open.end() ? census_->next : next->first;
  if (next == census_->open.end()) return false;
  ++turned_away_;
  StreamConnection* const silent = next->second;
  log_.Warn(
      fmt::format("{}: {} connections are open; the oldest that never said anything is closed",
                  options_.address.ToString(), census_->open.size()));
  silent->Fail(absl::ResourceExhaustedError("closed unused, to make room for another"));
  return true;
}

void StreamListener::OutOfDescriptors(int error) {
  log_.Warn(fmt::format("{}: {}; raise LimitNOFILE", options_.address.ToString(),
                        Message(ErrnoStatus(error, "accept"))));
  reserve_.Reset();
  { const UniqueFd refused(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  reserve_ = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ++turned_away_;
  // The socket stays ready all the while: not to spin, it is looked at again in a moment.
  loop_->SetEvents(fd_.get(), 0);
  loop_->Cancel(resume_);
  resume_ = loop_->PostAfter(kPause, [this] { loop_->SetEvents(fd_.get(), EPOLLIN); });
}

}  // namespace outrider::stream
