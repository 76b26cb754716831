// Programs on the clsact ingress and egress of network devices, one of ours per device, direction
// and handle. The seam has a real implementation (libbpf's netlink) and a fake in tests.
//
// Ours is the direct-action bpf filter with kTcPriority and the handle; filters of others are left
// alone. An error on a device that is gone is NotFound.
//
// Thread rule: any thread; works in the network namespace of the calling thread.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_TC_FILTERS_H_
#define OUTRIDER_VSWITCH_SYS_BPF_TC_FILTERS_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "vswitch/types/status.h"

namespace outrider::sys {

enum class TcDirection { kIngress, kEgress };

// Before whatever an administrator adds with tc's automatic priorities (49152 and below).
inline constexpr uint32_t kTcPriority = 1;
inline constexpr uint32_t kTcHandle = 0x0e0f;
// Another one on the same device. Each leaves to the other what it does not want.
inline constexpr uint32_t kUnderlayTcHandle = 0x0e0e;

class TcFilters {
 public:
  virtual ~TcFilters() = default;

  // Attaches or replaces; a replacement is atomic for frames. Adds the clsact qdisc where missing.
  virtual absl::Status Attach(int ifindex, TcDirection direction, int program_fd) = 0;

  // Id of our program, nullopt when there is none.
  virtual absl::StatusOr<std::optional<uint32_t>> Query(int ifindex, TcDirection direction) = 0;

  // No error when there is none, or no device.
  virtual absl::Status Detach(int ifindex, TcDirection direction) = 0;
};

class KernelTcFilters : public TcFilters {
 public:
  // Ours have this handle.
  static absl::StatusOr<std::unique_ptr<KernelTcFilters>> Create(uint32_t handle = kTcHandle);

  absl::Status Attach(int ifindex, TcDirection direction, int program_fd) override;
  absl::StatusOr<std::optional<uint32_t>> Query(int ifindex, TcDirection direction) override;
  absl::Status Detach(int ifindex, TcDirection direction) override;

 private:
  explicit KernelTcFilters(uint32_t handle) : handle_(handle) {}
  const uint32_t handle_;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_TC_FILTERS_H_
