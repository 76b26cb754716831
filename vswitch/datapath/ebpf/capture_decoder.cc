#include "vswitch/datapath/ebpf/capture_decoder.h"

#include <linux/if_ether.h>

#include <algorithm>
#include <utility>

#include "vswitch/abi/or_capture.h"
#include "vswitch/datapath/ebpf/counters.h"
#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::datapath::ebpf {
namespace {

CapturePoint PointOf(uint16_t point) {
  switch (point) {
    case abi::OR_CAPTURE_FROM_GUEST:
      return CapturePoint::kFromGuest;
    case abi::OR_CAPTURE_FROM_GUEST_OUT:
      return CapturePoint::kFromGuestOut;
    case abi::OR_CAPTURE_TO_GUEST:
      return CapturePoint::kToGuest;
    default:
      return CapturePoint::kToGuestOut;
  }
}

// The kernel keeps the outermost tag beside the bytes.
void InsertTag(const abi::or_captured& head, CapturedFrame* frame) {
  if (head.tagged == 0) return;
  frame->length += 4;
  if (frame->data.size() < 2 * ETH_ALEN) return;
  const uint8_t tag[] = {static_cast<uint8_t>(head.tag_type >> 8),
                         static_cast<uint8_t>(head.tag_type), static_cast<uint8_t>(head.tag >> 8),
                         static_cast<uint8_t>(head.tag)};
  frame->data.insert(frame->data.begin() + 2 * ETH_ALEN, std::begin(tag), std::end(tag));
}

}  // namespace

void CaptureDecoder::OnRecord(std::span<const uint8_t> record) {
  if (record.size() < sizeof(abi::or_captured)) return;
  const auto head = sys::FromBytes<abi::or_captured>(record.first(sizeof(abi::or_captured)));
  if (const auto before = waiting_.find(head.cpu); before != waiting_.end()) {
    Waiting waiting = std::move(before->second);
    waiting_.erase(before);
    if (head.point == abi::OR_CAPTURE_DROP && head.port == waiting.port) {
      waiting.frame.drop_reason = DropReasonName(head.reason);
    }
    sink_(waiting.port, std::move(waiting.frame));
  }
  if (head.point == abi::OR_CAPTURE_DROP) return;
  const std::span<const uint8_t> bytes = record.subspan(sizeof(abi::or_captured));
  const size_t kept = std::min<size_t>(bytes.size(), head.kept);
  CapturedFrame frame;
  frame.point = PointOf(head.point);
  frame.time_ns = static_cast<int64_t>(head.boot_ns) + clock_offset_ns_;
  frame.data.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(kept));
  frame.length = head.length;
  frame.vni = head.vni;
  frame.missed = head.missed;
  InsertTag(head, &frame);
  const bool may_be_dropped =
      head.point == abi::OR_CAPTURE_FROM_GUEST || head.point == abi::OR_CAPTURE_TO_GUEST;
  if (may_be_dropped) {
    waiting_[head.cpu] = {.port = head.port, .frame = std::move(frame)};
  } else {
    sink_(head.port, std::move(frame));
  }
}

void CaptureDecoder::Flush() {
  for (auto& [cpu, waiting] : waiting_) sink_(waiting.port, std::move(waiting.frame));
  waiting_.clear();
}

}  // namespace outrider::datapath::ebpf
