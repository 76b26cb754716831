#include "controller/cli/pcapng_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "controller/model/status.h"

namespace outrider::controller::cli {
namespace {

// Blocks and options, by their names in the draft.
constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kOptionEnd = 0;
constexpr uint16_t kOptionComment = 1;
constexpr uint16_t kOptionName = 2;
constexpr uint16_t kOptionResolution = 9;
constexpr uint16_t kOptionApplication = 4;
constexpr uint16_t kEthernet = 1;
constexpr size_t kMaxOption = 65535;

// In the byte order of this machine, as the magic says.
template <typename Number>
void Put(std::string* to, Number value) {
  to->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void Pad(std::string* to) { to->resize((to->size() + 3) & ~size_t{3}); }

void PutOption(std::string* to, uint16_t code, const std::string& value) {
  Put(to, code);
  Put(to, static_cast<uint16_t>(value.size()));
  *to += value;
  Pad(to);
}

void EndOptions(std::string* to) { PutOption(to, kOptionEnd, ""); }

// What the file holds stays for now; null: errno says why.
std::FILE* OpenAsIs(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return nullptr;
  std::FILE* file = fdopen(fd, "wb");
  if (file == nullptr) close(fd);
  return file;
}

std::string SectionBody() {
  std::string body;
  Put(&body, kByteOrderMagic);
  Put(&body, uint16_t{1});
  Put(&body, uint16_t{0});
  Put(&body, int64_t{-1});  // length not known
  PutOption(&body, kOptionApplication, "outrider");
  EndOptions(&body);
  return body;
}

}  // namespace

void PcapngWriter::Close::operator()(std::FILE* file) const {
  if (file != stdout) std::fclose(file);
}

absl::StatusOr<std::unique_ptr<PcapngWriter>> PcapngWriter::Create(const std::string& path,
                                                                   uint32_t snap_length) {
  std::FILE* file = path == "-" ? stdout : OpenAsIs(path);
  if (file == nullptr) {
    return absl::ErrnoToStatus(errno, fmt::format("{}: cannot be written", path));
  }
  return std::unique_ptr<PcapngWriter>(new PcapngWriter(path, snap_length, file));
}

absl::Status PcapngWriter::Begin() {
  if (std::exchange(begun_, true)) return absl::OkStatus();
  struct stat status = {};
  const int fd = fileno(file_.get());
  // Standard output may be a file that somebody else has begun.
  if (path_ != "-" && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && ftruncate(fd, 0) != 0) {
    return absl::ErrnoToStatus(errno, fmt::format("{}: cannot be replaced", path_));
  }
  return Put(kSectionHeader, SectionBody());
}

absl::Status PcapngWriter::Put(uint32_t type, const std::string& body) {
  std::string block;
  const auto length = static_cast<uint32_t>(body.size() + 12);
  cli::Put(&block, type);
  cli::Put(&block, length);
  block += body;
  cli::Put(&block, length);
  if (std::fwrite(block.data(), 1, block.size(), file_.get()) == block.size() &&
      std::fflush(file_.get()) == 0) {
    return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format("{}: {}", path_, std::strerror(errno)));
}

absl::StatusOr<uint32_t> PcapngWriter::Interface(const std::string& name) {
  const auto [at, is_new] =
      interfaces_.try_emplace(name, static_cast<uint32_t>(interfaces_.size()));
  if (!is_new) return at->second;
  std::string body;
  cli::Put(&body, kEthernet);
  cli::Put(&body, uint16_t{0});
  cli::Put(&body, snap_length_);
  PutOption(&body, kOptionName, name);
  PutOption(&body, kOptionResolution, std::string(1, '\x09'));
  EndOptions(&body);
  RETURN_IF_ERROR(Put(kInterfaceDescription, body));
  return at->second;
}

absl::Status PcapngWriter::Write(const CapturedPacket& packet) {
  RETURN_IF_ERROR(Begin());
  ASSIGN_OR_RETURN(const uint32_t interface, Interface(packet.interface));
  const auto time = static_cast<uint64_t>(packet.time_ns);
  std::string body;
  cli::Put(&body, interface);
  cli::Put(&body, static_cast<uint32_t>(time >> 32));
  cli::Put(&body, static_cast<uint32_t>(time));
  cli::Put(&body, static_cast<uint32_t>(packet.data.size()));
  cli::Put(&body, packet.length);
  body += packet.data;
  Pad(&body);
  if (!packet.comment.empty()) {
    PutOption(&body, kOptionComment, packet.comment.substr(0, kMaxOption));
    EndOptions(&body);
  }
  return Put(kEnhancedPacket, body);
}

}  // namespace outrider::controller::cli
