// Cuts a stream of bytes into OpenFlow messages. Knows only the header's length field. Holds at
// most one incomplete message (65,535 bytes), whatever the peer sends. One thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_FRAME_SPLITTER_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_FRAME_SPLITTER_H_

#include <functional>

#include "vswitch/sys/openflow/wire.h"
#include "vswitch/types/status.h"

namespace outrider::openflow {

class FrameSplitter {
 public:
  // Calls `on_frame` for each message that `bytes` completes, in order; the span is valid during
  // the call. An error of `on_frame` ends it and is returned. InvalidArgument: a length below that
  // of a header; the stream cannot be read any further. After an error the splitter is not used
  // again.
  using OnFrame = std::function<absl::Status(ByteSpan frame)>;
  absl::Status Feed(ByteSpan bytes, const OnFrame& on_frame);

  // Of the message that is not complete.
  size_t pending() const { return partial_.size(); }

 private:
  Bytes partial_;
};

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_FRAME_SPLITTER_H_
