#include "vswitch/sys/bpf/frame_run.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <cerrno>

namespace outrider::sys {

absl::StatusOr<uint32_t> RunOnFrame(int program_fd, uint32_t ifindex, ByteSpan frame) {
  __sk_buff context = {};
  context.ifindex = ifindex;
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<uint32_t>(frame.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof(context);
  options.repeat = 1;
  const int error = -bpf_prog_test_run_opts(program_fd, &options);
  if (error == ENODEV) {
    return absl::NotFoundError(fmt::format("device with index {}: gone", ifindex));
  }
  if (error == EINVAL || error == EMSGSIZE || error == ENOMEM) {
    return absl::InvalidArgumentError(
        fmt::format("frame of {} bytes: the kernel runs programs on frames of 14 to about 3500 "
                    "bytes",
                    frame.size()));
  }
  if (error != 0) return ErrnoStatus(error, "program run");
  return options.retval;
}

}  // namespace outrider::sys
