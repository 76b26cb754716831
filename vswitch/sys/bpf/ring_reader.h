// Reads an eBPF ring buffer map on a thread of its own. Owns the thread and the mapping, not the
// map.
//
// Thread rule: the sink is called from the reader's thread, one record at a time; it must not
// destroy the reader. Destroying the reader returns after the last call.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_RING_READER_H_
#define OUTRIDER_VSWITCH_SYS_BPF_RING_READER_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "vswitch/types/status.h"
#include "vswitch/types/unique_fd.h"

struct ring_buffer;

namespace outrider::sys {

// A ring buffer map of `bytes`, a power of two and a multiple of the page size. At most 15 bytes of
// name.
absl::StatusOr<UniqueFd> CreateRing(const std::string& name, uint32_t bytes);

class RingReader {
 public:
  // The bytes are valid during the call only.
  using Sink = std::function<void(std::span<const uint8_t> record)>;

  // `map_fd` is a BPF_MAP_TYPE_RINGBUF; it may be closed after the call. Records that were written
  // before are delivered first.
  static absl::StatusOr<std::unique_ptr<RingReader>> Start(int map_fd, Sink sink);
  ~RingReader();
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;

 private:
  explicit RingReader(Sink sink) : sink_(std::move(sink)) {}
  void Run();

  Sink sink_;
  UniqueFd stop_;
  UniqueFd map_;
  ring_buffer* ring_ = nullptr;
  std::thread thread_;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_RING_READER_H_
