// Small secret files that must be there whole or not at all after a crash. Knows nothing of what
// they hold. Any thread; two writers of one path are the caller's mistake.
#ifndef OUTRIDER_CONTROLLER_PKI_DURABLE_FILE_H_
#define OUTRIDER_CONTROLLER_PKI_DURABLE_FILE_H_

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <optional>
#include <string>

namespace outrider::controller {

// Replaces `path` atomically: temporary file beside it, fsync, rename, fsync of the directory.
absl::Status WriteFileDurably(const std::string& path, const std::string& contents, mode_t mode);

// The contents; nullopt when there is no such file.
absl::StatusOr<std::optional<std::string>> ReadFileIfExists(const std::string& path);

// FAILED_PRECONDITION when someone beside the owner may read or write `path`.
absl::Status CheckPrivate(const std::string& path);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_DURABLE_FILE_H_
