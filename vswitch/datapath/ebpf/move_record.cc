#include "vswitch/datapath/ebpf/move_record.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <thread>
#include <utility>

namespace outrider::datapath::ebpf {
namespace {

// A program writes a frame in microseconds, unless the host has taken its CPU away.
constexpr auto kPatience = std::chrono::milliseconds(20);

}  // namespace

absl::StatusOr<MoveRecord> MoveRecord::Open(const DatapathMaps& maps, uint32_t index) {
  ASSIGN_OR_RETURN(auto slots, maps.records.Map(index));
  if (slots->size() != size_t{OR_RECORD_SLOTS} * sizeof(abi::or_record_slot)) {
    return absl::FailedPreconditionError("map or_records: a record of another size");
  }
  return MoveRecord(std::move(slots));
}

uint64_t MoveRecord::FrameAt(uint64_t place) const {
  const auto* frame = reinterpret_cast<const uint64_t*>(SlotAt(place));
  return __atomic_load_n(frame, __ATOMIC_ACQUIRE);
}

bool MoveRecord::AwaitWriter() const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    // Of one round before, or of none: far below.
    if (const uint64_t frame = FrameAt(place_);
        frame > place_ + 1 || (frame != 0 && place_ + 1 - frame < OR_RECORD_MAX_PARTS)) {
      return true;
    }
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

std::optional<MoveRecord::Frame> MoveRecord::Next(uint64_t end) {
  if (end > OR_RECORD_SLOTS) place_ = std::max(place_, end - OR_RECORD_SLOTS);
  while (place_ < end) {
    if (!AwaitWriter() || FrameAt(place_) != place_ + 1) {
      // Nobody's, part of a frame whose beginning is gone, or a later one's already.
      ++place_;
      continue;
    }
    Frame frame{.place = place_, .head = {}};
    std::memcpy(&frame.head, SlotAt(place_), sizeof(frame.head));
    place_ += std::clamp<uint32_t>(frame.head.parts, 1, OR_RECORD_MAX_PARTS);
    return frame;
  }
  return std::nullopt;
}

MacAddress MoveRecord::DestinationOf(const Frame& frame) const {
  std::array<uint8_t, 6> bytes;
  std::memcpy(bytes.data(), SlotAt(frame.place) + offsetof(abi::or_record_slot, bytes),
              bytes.size());
  return MacAddress(bytes);
}

std::vector<uint8_t> MoveRecord::BytesOf(const Frame& frame) const {
  std::vector<uint8_t> bytes(
      std::min<size_t>(frame.head.length, size_t{OR_RECORD_MAX_PARTS} * OR_RECORD_BYTES));
  for (size_t offset = 0; offset < bytes.size(); offset += OR_RECORD_BYTES) {
    const uint8_t* slot = SlotAt(frame.place + offset / OR_RECORD_BYTES);
    std::memcpy(bytes.data() + offset, slot + offsetof(abi::or_record_slot, bytes),
                std::min<size_t>(OR_RECORD_BYTES, bytes.size() - offset));
  }
  return bytes;
}

}  // namespace outrider::datapath::ebpf
