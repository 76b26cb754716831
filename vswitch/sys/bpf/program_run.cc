#include "vswitch/sys/bpf/program_run.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <array>

namespace outrider::sys {
namespace {

// The least the kernel takes is an Ethernet header; this is the shortest frame without its FCS.
constexpr size_t kFrameBytes = 60;

}  // namespace

absl::StatusOr<uint32_t> RunProgram(int program_fd, const ProgramInput& input) {
  const std::array<uint8_t, kFrameBytes> empty{};
  const ByteSpan frame = input.frame.empty() ? ByteSpan(empty) : input.frame;
  __sk_buff context = {};
  context.mark = input.mark;
  context.cb[0] = input.cb0;
  context.cb[1] = input.cb1;
  context.cb[2] = input.cb2;
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<uint32_t>(frame.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof(context);
  options.repeat = 1;
  if (const int error = -bpf_prog_test_run_opts(program_fd, &options); error != 0) {
    return ErrnoStatus(error, "program run");
  }
  return options.retval;
}

}  // namespace outrider::sys
