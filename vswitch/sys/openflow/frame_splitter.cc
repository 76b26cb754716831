#include "vswitch/sys/openflow/frame_splitter.h"

#include <fmt/format.h>

#include <algorithm>

#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {
namespace {

absl::StatusOr<size_t> LengthOf(ByteSpan header) {
  const size_t length = static_cast<size_t>(header[2]) << 8 | header[3];
  if (length < kHeaderBytes) {
    return absl::InvalidArgumentError(
        fmt::format("OpenFlow message of type {} says it has {} bytes, fewer than its header",
                    header[1], length));
  }
  return length;
}

}  // namespace

absl::Status FrameSplitter::Feed(ByteSpan bytes, const OnFrame& on_frame) {
  // What began in an earlier call is completed first, in our own buffer; the rest is read in place.
  while (!partial_.empty() && !bytes.empty()) {
    size_t wanted = kHeaderBytes;
    if (partial_.size() >= kHeaderBytes) {
      ASSIGN_OR_RETURN(wanted, LengthOf(partial_));
    }
    const size_t taken = std::min(bytes.size(), wanted - partial_.size());
    partial_.insert(partial_.end(), bytes.begin(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    bytes = bytes.subspan(taken);
    if (partial_.size() < kHeaderBytes) continue;
    ASSIGN_OR_RETURN(wanted, LengthOf(partial_));
    if (partial_.size() < wanted) continue;
    RETURN_IF_ERROR(on_frame(partial_));
    partial_.clear();
  }
  while (bytes.size() >= kHeaderBytes) {
    ASSIGN_OR_RETURN(const size_t length, LengthOf(bytes));
    if (bytes.size() < length) break;
    RETURN_IF_ERROR(on_frame(bytes.first(length)));
    bytes = bytes.subspan(length);
  }
  partial_.insert(partial_.end(), bytes.begin(), bytes.end());
  return absl::OkStatus();
}

}  // namespace outrider::openflow
