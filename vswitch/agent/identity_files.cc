#include "vswitch/agent/identity_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "vswitch/types/unique_fd.h"

namespace outrider::agent {
namespace {

absl::StatusOr<std::optional<std::string>> ReadFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<std::string>();
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return absl::UnavailableError(path + ": cannot be read");
  return std::optional<std::string>(std::move(text));
}

absl::Status WriteAll(int fd, const std::string& text, const std::string& path) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t count = write(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno != EINTR) return ErrnoStatus(errno, "write " + path);
    if (count > 0) done += static_cast<size_t>(count);
  }
  if (fsync(fd) != 0) return ErrnoStatus(errno, "fsync " + path);
  return absl::OkStatus();
}

// Either the old content or the new one is there, at any moment and after a power failure.
absl::Status WriteFile(const std::string& directory, const std::string& name,
                       const std::string& text) {
  const std::string path = directory + "/" + name;
  const std::string temporary = path + ".new";
  {
    const UniqueFd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return ErrnoStatus(errno, "open " + temporary);
    RETURN_IF_ERROR(WriteAll(file.get(), text, temporary));
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, "rename to " + path);
  const UniqueFd folder(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return ErrnoStatus(errno, "open " + directory);
  if (fsync(folder.get()) != 0) return ErrnoStatus(errno, "fsync " + directory);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<Identity>> IdentityFiles::Load() const {
  ASSIGN_OR_RETURN(const auto certificate, ReadFile(directory_ + "/host.crt"));
  if (!certificate) return std::optional<Identity>();
  ASSIGN_OR_RETURN(const auto key, ReadFile(directory_ + "/host.key"));
  ASSIGN_OR_RETURN(const auto ca, ReadFile(directory_ + "/ca.crt"));
  if (!key || !ca) {
    return absl::FailedPreconditionError(
        directory_ +
        ": host.crt is there, host.key or ca.crt is missing; remove host.crt and join "
        "again with a new token (outrider host enroll)");
  }
  return std::optional<Identity>({.key_pem = *key, .certificate_pem = *certificate, .ca_pem = *ca});
}

absl::StatusOr<std::string> IdentityFiles::EnsureKey() const {
  ASSIGN_OR_RETURN(const auto present, ReadFile(directory_ + "/host.key"));
  if (present) return *present;
  ASSIGN_OR_RETURN(const std::string key, GenerateKey());
  RETURN_IF_ERROR(WriteFile(directory_, "host.key", key));
  return key;
}

absl::Status IdentityFiles::Save(const std::string& certificate_pem,
                                 const std::string& ca_pem) const {
  RETURN_IF_ERROR(WriteFile(directory_, "ca.crt", ca_pem));
  return WriteFile(directory_, "host.crt", certificate_pem);
}

}  // namespace outrider::agent
