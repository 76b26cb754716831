// Pins in a bpffs: mount, open, list, remove. Knows no layout: which names mean what is the
// datapath's. Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_BPFFS_H_
#define OUTRIDER_VSWITCH_SYS_BPF_BPFFS_H_

#include <string>
#include <vector>

#include "vswitch/types/status.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::sys {

// Makes `dir` a directory on a bpffs, with its parents. Where it is not on one yet, a bpffs is
// mounted: on /sys/fs/bpf for paths below it, else on `dir` itself. A mount belongs to the caller's
// mount namespace: pins of a bpffs mounted in a private one vanish with it.
absl::Status EnsureBpffs(const std::string& dir);

// Descriptor of a pinned map or program. NotFound when there is no such pin.
absl::StatusOr<UniqueFd> OpenPin(const std::string& path);

// Pins a map or program; AlreadyExists when the path is taken.
absl::Status Pin(int fd, const std::string& path);

// Names in `dir`, sorted; empty when the directory does not exist.
absl::StatusOr<std::vector<std::string>> ListPins(const std::string& dir);

// Removes one pin; no error when there is none.
absl::Status Unpin(const std::string& path);

// Removes every pin in `dir` and its subdirectories, and `dir`. No error when it does not exist.
// FailedPrecondition when `dir` is not on a bpffs.
absl::Status RemovePins(const std::string& dir);

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_BPFFS_H_
