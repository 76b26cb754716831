// The frames that a moving port's programs have recorded, as they stand in or_records, oldest
// first. Reads while the programs write: what is overwritten meanwhile shows as a gap.
//
// Thread rule: an object belongs to one thread; any thread may have one.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_RECORD_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_RECORD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/sys/bpf/mapped_array.h"
#include "vswitch/types/ids.h"

namespace outrider::datapath::ebpf {

class MoveRecord {
 public:
  struct Frame {
    uint64_t place = 0;
    abi::or_record_head head = {};
  };

  // NotFound when the port has none.
  static absl::StatusOr<MoveRecord> Open(const DatapathMaps& maps, uint32_t index);

  // The next frame that stands before `end` (or_move.place, read just now); nullopt: there is none
  // yet. A frame that is being written is waited for, but not for long.
  std::optional<Frame> Next(uint64_t end);
  // Of a frame that Next returned. Whole only if IsKept says so afterwards.
  std::vector<uint8_t> BytesOf(const Frame& frame) const;
  // The same of its first bytes.
  MacAddress DestinationOf(const Frame& frame) const;
  // Whether the frame's slots were not taken by others while the record's end is `end`.
  static bool IsKept(const Frame& frame, uint64_t end) {
    return end - frame.place <= OR_RECORD_SLOTS;
  }

 private:
  explicit MoveRecord(std::unique_ptr<const sys::MappedArray> slots) : slots_(std::move(slots)) {}
  const uint8_t* SlotAt(uint64_t place) const {
    return slots_->bytes() + (place % OR_RECORD_SLOTS) * sizeof(abi::or_record_slot);
  }
  // or_record_head.frame, before the rest is read.
  uint64_t FrameAt(uint64_t place) const;
  // Waits until a frame begins at `place_` or goes on there. False: nobody has written it.
  bool AwaitWriter() const;

  std::unique_ptr<const sys::MappedArray> slots_;
  uint64_t place_ = 0;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_RECORD_H_
