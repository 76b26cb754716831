#include "vswitch/sys/bpf/tc_filters.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <string>

#include "vswitch/sys/bpf/libbpf_log.h"

namespace outrider::sys {
namespace {

bpf_tc_hook Hook(int ifindex, TcDirection direction) {
  bpf_tc_hook hook = {};
  hook.sz = sizeof(hook);
  hook.ifindex = ifindex;
  hook.attach_point = direction == TcDirection::kIngress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts OurFilter(uint32_t handle) {
  bpf_tc_opts options = {};
  options.sz = sizeof(options);
  options.handle = handle;
  options.priority = kTcPriority;
  return options;
}

std::string Describe(const char* call, int ifindex, TcDirection direction) {
  return fmt::format("tc {} ifindex {} {}", call, ifindex,
                     direction == TcDirection::kIngress ? "ingress" : "egress");
}

}  // namespace

absl::StatusOr<std::unique_ptr<KernelTcFilters>> KernelTcFilters::Create(uint32_t handle) {
  InstallLibbpfLog();
  return std::unique_ptr<KernelTcFilters>(new KernelTcFilters(handle));
}

absl::Status KernelTcFilters::Attach(int ifindex, TcDirection direction, int program_fd) {
  bpf_tc_hook hook = Hook(ifindex, direction);
  int error = -bpf_tc_hook_create(&hook);
  if (error != 0 && error != EEXIST) {
    return ErrnoStatus(error, Describe("add clsact", ifindex, direction));
  }
  bpf_tc_opts options = OurFilter(handle_);
  options.prog_fd = program_fd;
  options.flags = BPF_TC_F_REPLACE;
  error = -bpf_tc_attach(&hook, &options);
  if (error != 0) return ErrnoStatus(error, Describe("attach", ifindex, direction));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<uint32_t>> KernelTcFilters::Query(int ifindex, TcDirection direction) {
  bpf_tc_hook hook = Hook(ifindex, direction);
  bpf_tc_opts options = OurFilter(handle_);
  int error = -bpf_tc_query(&hook, &options);
  if (error == 0) return std::optional<uint32_t>(options.prog_id);
  // ENOENT: no such filter; EINVAL: no clsact qdisc.
  if (ifindex > 0 && (error == ENOENT || error == EINVAL)) return std::optional<uint32_t>();
  return ErrnoStatus(error, Describe("query", ifindex, direction));
}

absl::Status KernelTcFilters::Detach(int ifindex, TcDirection direction) {
  bpf_tc_hook hook = Hook(ifindex, direction);
  bpf_tc_opts options = OurFilter(handle_);
  int error = -bpf_tc_detach(&hook, &options);
  if (error == 0 || (ifindex > 0 && (error == ENOENT || error == EINVAL || error == ENODEV))) {
    return absl::OkStatus();
  }
  return ErrnoStatus(error, Describe("detach", ifindex, direction));
}

}  // namespace outrider::sys
