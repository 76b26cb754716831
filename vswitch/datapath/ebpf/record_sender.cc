#include "vswitch/datapath/ebpf/record_sender.h"

#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "vswitch/datapath/ebpf/guest_sender.h"
#include "vswitch/datapath/ebpf/move_commands.h"
#include "vswitch/datapath/ebpf/move_record.h"
#include "vswitch/datapath/ebpf/recorded_frame.h"
#include "vswitch/sys/netlink/offload_sender.h"

namespace outrider::datapath::ebpf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(1);
// Frames between two notes of how far it is, for whoever restarts in the middle.
constexpr uint64_t kNoteEvery = 64;
constexpr uint64_t kNoAside = std::numeric_limits<uint64_t>::max();

// Reads a port's record from a number on, and counts what is missing. What was recorded aside
// (OR_RECORDED_ASIDE) is read from a time on.
class FrameQueue {
 public:
  // `aside_from_ns`: CLOCK_BOOTTIME.
  FrameQueue(const DatapathMaps* maps, uint32_t index, MoveRecord record, uint64_t first,
             uint64_t aside_from_ns)
      : maps_(maps),
        index_(index),
        record_(std::move(record)),
        next_(first),
        aside_from_ns_(aside_from_ns) {}

  // The next frame of number `first` or later, and whole; nullopt: none yet.
  absl::StatusOr<std::optional<MoveRecord::Frame>> Next(std::vector<uint8_t>* bytes) {
    ASSIGN_OR_RETURN(abi::or_move move, maps_->moves.Lookup(index_));
    while (true) {
      const auto frame = record_.Next(move.place);
      if (!frame) return std::optional<MoveRecord::Frame>();
      const bool aside = (frame->head.flags & OR_RECORDED_ASIDE) != 0;
      if (aside ? frame->head.boot_ns < aside_from_ns_ : frame->head.sequence < next_) continue;
      *bytes = record_.BytesOf(*frame);
      ASSIGN_OR_RETURN(move, maps_->moves.Lookup(index_));
      const bool whole =
          MoveRecord::IsKept(*frame, move.place) && (frame->head.flags & OR_RECORDED_LOST) == 0;
      if (!aside) {
        lost_ += frame->head.sequence - next_;
        next_ = frame->head.sequence + 1;
      }
      if (whole) return frame;
      ++lost_;
    }
  }

  // Number behind the last frame that was seen.
  uint64_t next() const { return next_; }
  void Lose() { ++lost_; }
  uint64_t lost() const { return lost_; }

 private:
  const DatapathMaps* const maps_;
  const uint32_t index_;
  MoveRecord record_;
  uint64_t next_;
  const uint64_t aside_from_ns_;
  uint64_t lost_ = 0;
};

// See OR_ETHERTYPE_LEAD.
std::vector<uint8_t> LeadFrame(const abi::or_port& port) {
  constexpr size_t kShortest = 60;
  constexpr std::array<uint8_t, 8> kFrom{
      0x02, 0, 0, 0, 0, 0, OR_ETHERTYPE_LEAD >> 8, OR_ETHERTYPE_LEAD & 0xff};
  std::vector<uint8_t> bytes(std::begin(port.mac), std::end(port.mac));
  bytes.insert(bytes.end(), kFrom.begin(), kFrom.end());
  bytes.resize(kShortest);
  return bytes;
}

class Follower {
 public:
  Follower(const DatapathMaps* maps, const ProgramSet* programs, uint32_t index,
           const abi::or_port& port, const abi::or_move& move, FrameQueue queue,
           std::unique_ptr<sys::OffloadSender> sender)
      : maps_(maps),
        programs_(programs),
        index_(index),
        port_(port),
        counted_before_(move.redirected_from),
        queue_(std::move(queue)),
        sender_(std::move(sender)) {}

  absl::Status Run() {
    const absl::Status status = SendAll();
    RETURN_IF_ERROR(RunMove(*programs_, index_, abi::OR_MOVE_LOST, queue_.lost()).status());
    RETURN_IF_ERROR(RunMove(*programs_, index_, abi::OR_MOVE_REPLAYED, sent_).status());
    return status;
  }

 private:
  absl::Status SendAll() {
    const auto deadline = Clock::now() + kPatience;
    std::vector<uint8_t> bytes;
    while (true) {
      ASSIGN_OR_RETURN(const auto frame, queue_.Next(&bytes));
      ASSIGN_OR_RETURN(const bool goes_on, GoesOn());
      if (!goes_on) return absl::OkStatus();
      if (frame) {
        Send(frame->head, std::move(bytes));
        if (sent_ % kNoteEvery == 0) {
          RETURN_IF_ERROR(RunMove(*programs_, index_, abi::OR_MOVE_SENT, queue_.next()).status());
        }
      } else if (until_) {
        return absl::OkStatus();
      } else {
        Lead(port_.vni);
        ASSIGN_OR_RETURN(const bool caught_up,
                         RunMove(*programs_, index_, abi::OR_MOVE_CAUGHT_UP, queue_.next()));
        if (caught_up) return absl::OkStatus();
      }
      if (!until_ && Clock::now() > deadline) RETURN_IF_ERROR(LetPass());
    }
  }

  // Frames go straight from now on; what was recorded before is still to be sent.
  absl::Status LetPass() {
    RETURN_IF_ERROR(RunMove(*programs_, index_, abi::OR_MOVE_GO_STRAIGHT).status());
    ASSIGN_OR_RETURN(const abi::or_move move, maps_->moves.Lookup(index_));
    spdlog::warn("port index {}: more frames come than can be sent after it; order is not kept",
                 index_);
    until_ = move.next;
    return absl::OkStatus();
  }

  // Whether there is more to send: the port was not taken back, and those before `until_` have not
  // all been seen.
  absl::StatusOr<bool> GoesOn() {
    if (until_) return queue_.next() <= *until_;
    ASSIGN_OR_RETURN(const abi::or_move move, maps_->moves.Lookup(index_));
    return move.mode == abi::OR_MOVE_QUEUED;
  }

  // Before the first frame, once. A trunk without a segment of its own has none until a frame
  // comes.
  void Lead(uint32_t vni) {
    if (vni == 0 || std::exchange(led_, true)) return;
    const absl::Status status =
        sender_->Send(static_cast<uint32_t>(programs_->constants().tunnel_ifindex),
                      {.mark = OR_MARK_MOVE | index_, .priority = vni | OR_PRIORITY_COUNTED},
                      {.bytes = LeadFrame(port_)});
    if (!status.ok()) {
      spdlog::warn("port index {}: the frame before all others is not sent: {}", index_,
                   Message(status));
    }
  }

  void Send(const abi::or_record_head& head, std::vector<uint8_t> bytes) {
    Lead(head.vni);
    const absl::Status status =
        sender_->Send(static_cast<uint32_t>(programs_->constants().tunnel_ifindex),
                      {.mark = OR_MARK_MOVE | index_, .priority = head.vni | Told(head)},
                      RestoreFrame(head, std::move(bytes), 0));
    if (status.ok()) {
      ++sent_;
      return;
    }
    if (queue_.lost() == 0) {
      spdlog::warn("port index {}: a recorded frame is not sent: {}", index_, Message(status));
    }
    queue_.Lose();
  }

  uint32_t Told(const abi::or_record_head& head) const {
    if ((head.flags & OR_RECORDED_REFUSED) != 0) return OR_PRIORITY_REFUSED;
    return head.sequence < counted_before_ ? OR_PRIORITY_COUNTED : 0;
  }

  const DatapathMaps* const maps_;
  const ProgramSet* const programs_;
  const uint32_t index_;
  const abi::or_port port_;
  // Frames before this number were delivered and counted here.
  const uint64_t counted_before_;
  FrameQueue queue_;
  const std::unique_ptr<sys::OffloadSender> sender_;
  uint64_t sent_ = 0;
  bool led_ = false;
  // Set when frames go straight: the number behind the last one that did not.
  std::optional<uint64_t> until_;
};

// Gives a guest that runs on here what came for it while it was thought gone.
class Returner {
 public:
  Returner(const DatapathMaps* maps, const ProgramSet* programs, uint32_t index,
           const abi::or_port& port, FrameQueue queue, std::unique_ptr<sys::OffloadSender> sender)
      : maps_(maps),
        programs_(programs),
        index_(index),
        port_(port),
        queue_(std::move(queue)),
        sender_(std::move(sender)) {}

  // `until`: the number behind the last frame to give. Without it frames wait meanwhile, and it
  // ends when it has caught up with them.
  absl::Status Run(std::optional<uint64_t> until) {
    const auto deadline = Clock::now() + kPatience;
    std::vector<uint8_t> bytes;
    while (!until || queue_.next() < *until) {
      ASSIGN_OR_RETURN(const auto frame, queue_.Next(&bytes));
      ASSIGN_OR_RETURN(const abi::or_move move, maps_->moves.Lookup(index_));
      // It took too long, and newer frames have gone to the device.
      if (!until && move.mode != abi::OR_MOVE_RETURNING) until = move.redirected_to;
      if (frame && until && frame->head.sequence >= *until) break;
      if (frame) {
        Give(frame->head, std::move(bytes));
      } else if (until) {
        break;
      } else {
        ASSIGN_OR_RETURN(const bool caught_up,
                         RunMove(*programs_, index_, abi::OR_MOVE_GIVEN, queue_.next()));
        if (caught_up) break;
      }
      if (!until && Clock::now() > deadline) {
        ASSIGN_OR_RETURN(until, LetPass());
      }
    }
    return RunMove(*programs_, index_, abi::OR_MOVE_LOST, queue_.lost()).status();
  }

 private:
  // Frames go to the device from now on; what was recorded before is still to be given.
  absl::StatusOr<uint64_t> LetPass() {
    RETURN_IF_ERROR(RunMove(*programs_, index_, abi::OR_MOVE_SETTLED).status());
    ASSIGN_OR_RETURN(const abi::or_move move, maps_->moves.Lookup(index_));
    return move.redirected_to;
  }

  void Give(const abi::or_record_head& head, std::vector<uint8_t> bytes) {
    if ((head.flags & OR_RECORDED_REFUSED) != 0) return;
    const auto tag = GuestTag(*maps_, index_, port_, head.vni);
    // The port has left the segment.
    if (!tag.ok()) return;
    const absl::Status status =
        sender_->Send(port_.ifindex, {.mark = OR_MARK_MAGIC | index_},
                      RestoreFrame(head, std::move(bytes), static_cast<uint16_t>(*tag)));
    if (!status.ok()) queue_.Lose();
  }

  const DatapathMaps* const maps_;
  const ProgramSet* const programs_;
  const uint32_t index_;
  const abi::or_port port_;
  FrameQueue queue_;
  const std::unique_ptr<sys::OffloadSender> sender_;
};

absl::Status GiveRecorded(const DatapathMaps& maps, const ProgramSet& programs, uint32_t index,
                          const abi::or_move& move, std::optional<uint64_t> until) {
  ASSIGN_OR_RETURN(const abi::or_port port, maps.ports.Lookup(index));
  if (port.phase != abi::OR_PORT_ACTIVE || port.ifindex == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(MoveRecord record, MoveRecord::Open(maps, index));
  ASSIGN_OR_RETURN(auto sender, sys::OffloadSender::Create());
  return Returner(&maps, &programs, index, port,
                  FrameQueue(&maps, index, std::move(record), move.redirected_from, kNoAside),
                  std::move(sender))
      .Run(until);
}

}  // namespace

absl::Status SendAfterGuest(const DatapathMaps& maps, const ProgramSet& programs, uint32_t index,
                            uint64_t paused_boot_ns) {
  ASSIGN_OR_RETURN(const abi::or_move move, maps.moves.Lookup(index));
  if (move.mode != abi::OR_MOVE_QUEUED) return absl::OkStatus();
  const auto port = maps.ports.Lookup(index);
  auto record = MoveRecord::Open(maps, index);
  auto sender = sys::OffloadSender::Create();
  absl::Status status = port.status();
  status.Update(record.status());
  status.Update(sender.status());
  if (!status.ok()) {
    // What comes must not wait for what cannot be sent.
    RETURN_IF_ERROR(RunMove(programs, index, abi::OR_MOVE_GO_STRAIGHT).status());
    return status;
  }
  return Follower(&maps, &programs, index, *port, move,
                  FrameQueue(&maps, index, *std::move(record), move.sent, paused_boot_ns),
                  *std::move(sender))
      .Run();
}

absl::Status GiveToGuest(const DatapathMaps& maps, const ProgramSet& programs, uint32_t index) {
  ASSIGN_OR_RETURN(abi::or_move move, maps.moves.Lookup(index));
  if (move.mode == abi::OR_MOVE_RETURNING) {
    // It has begun without us, or under one that died: frames wait for this one now.
    RETURN_IF_ERROR(RunMove(programs, index, abi::OR_MOVE_TAKE_BACK, ReturnDeadline()).status());
    ASSIGN_OR_RETURN(move, maps.moves.Lookup(index));
  }
  if (move.mode == abi::OR_MOVE_RETURNING) {
    absl::Status status = GiveRecorded(maps, programs, index, move, std::nullopt);
    // Whatever became of it, frames wait no longer.
    status.Update(RunMove(programs, index, abi::OR_MOVE_SETTLED).status());
    return status;
  }
  if (move.mode != abi::OR_MOVE_WATCHED || move.redirected_from >= move.redirected_to) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(RunMove(programs, index, abi::OR_MOVE_SETTLED).status());
  return GiveRecorded(maps, programs, index, move, move.redirected_to);
}

}  // namespace outrider::datapath::ebpf
