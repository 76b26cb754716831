#include "vswitch/sys/bpf/ring_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "vswitch/sys/bpf/libbpf_log.h"

namespace outrider::sys {

absl::StatusOr<UniqueFd> CreateRing(const std::string& name, uint32_t bytes) {
  UniqueFd ring(bpf_map_create(BPF_MAP_TYPE_RINGBUF, name.c_str(), 0, 0, bytes, nullptr));
  if (ring.get() < 0) return ErrnoStatus(errno, "create ring buffer " + name);
  return ring;
}

absl::StatusOr<std::unique_ptr<RingReader>> RingReader::Start(int map_fd, Sink sink) {
  InstallLibbpfLog();
  std::unique_ptr<RingReader> reader(new RingReader(std::move(sink)));
  reader->stop_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  if (reader->stop_.get() < 0) return ErrnoStatus(errno, "eventfd");
  reader->map_ = UniqueFd(fcntl(map_fd, F_DUPFD_CLOEXEC, 0));
  if (reader->map_.get() < 0) return ErrnoStatus(errno, "duplicate ring buffer descriptor");
  auto forward = [](void* context, void* data, size_t size) {
    static_cast<RingReader*>(context)->sink_({static_cast<const uint8_t*>(data), size});
    return 0;
  };
  reader->ring_ = ring_buffer__new(reader->map_.get(), forward, reader.get(), nullptr);
  if (reader->ring_ == nullptr) return ErrnoStatus(errno, "map ring buffer");
  reader->thread_ = std::thread([raw = reader.get()] { raw->Run(); });
  return reader;
}

RingReader::~RingReader() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    // Cannot fail: the counter of a fresh eventfd is far from its limit.
    [[maybe_unused]] ssize_t written = write(stop_.get(), &one, sizeof(one));
    thread_.join();
  }
  ring_buffer__free(ring_);
}

void RingReader::Run() {
  std::array<pollfd, 2> waits = {
      {{stop_.get(), POLLIN, 0}, {ring_buffer__epoll_fd(ring_), POLLIN, 0}}};
  while (waits[0].revents == 0) {
    if (int result = ring_buffer__consume(ring_); result < 0) {
      spdlog::error("ring buffer: {}", strerrordesc_np(-result));
      return;
    }
    if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
      spdlog::error("ring buffer: poll: {}", strerrordesc_np(errno));
      return;
    }
  }
}

}  // namespace outrider::sys
