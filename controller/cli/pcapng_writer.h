// Capture files as tcpdump and Wireshark read them (draft-ietf-opsawg-pcapng): one section, an
// interface per point of the datapath, nanoseconds, and comments. Knows no messages. Thread rule:
// one thread.
#ifndef OUTRIDER_CONTROLLER_CLI_PCAPNG_WRITER_H_
#define OUTRIDER_CONTROLLER_CLI_PCAPNG_WRITER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

namespace outrider::controller::cli {

struct CapturedPacket {
  // By name; what is not there yet is added.
  std::string interface;
  // Since the Unix epoch, nanoseconds.
  int64_t time_ns = 0;
  std::string data;
  // Of the whole frame.
  uint32_t length = 0;
  // Empty: none.
  std::string comment;
};

class PcapngWriter {
 public:
  // "-": standard output. What a file held is replaced with the first packet or by Finish.
  // `snap_length` 0: frames are whole. PermissionDenied or NotFound names the file.
  static absl::StatusOr<std::unique_ptr<PcapngWriter>> Create(const std::string& path,
                                                              uint32_t snap_length);

  // Each block is in the file when this returns: another may read along. DataLoss: disk full, or
  // the reader of a pipe has gone.
  absl::Status Write(const CapturedPacket& packet);
  // Nothing more is written: without a packet too the file is a capture.
  absl::Status Finish() { return Begin(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const;
  };

  PcapngWriter(std::string path, uint32_t snap_length, std::FILE* file)
      : path_(std::move(path)), snap_length_(snap_length), file_(file) {}
  // Once.
  absl::Status Begin();
  absl::StatusOr<uint32_t> Interface(const std::string& name);
  absl::Status Put(uint32_t type, const std::string& body);

  const std::string path_;
  const uint32_t snap_length_;
  const std::unique_ptr<std::FILE, Close> file_;
  bool begun_ = false;
  std::map<std::string, uint32_t> interfaces_;
};

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_PCAPNG_WRITER_H_
