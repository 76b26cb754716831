// A connected byte stream to a server: a unix socket, TCP, or TLS over it. Knows nothing of what is
// said.
//
// Thread rule: one thread; calls block.
#ifndef OUTRIDER_VSWITCH_CLI_CHANNEL_H_
#define OUTRIDER_VSWITCH_CLI_CHANNEL_H_

#include <cstddef>
#include <memory>
#include <string>

#include "vswitch/types/status.h"

namespace outrider::cli {

class Channel {
 public:
  virtual ~Channel() = default;
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // All of it. Unavailable: the peer is gone; the message is the system's word for why.
  virtual absl::Status Write(const std::string& bytes) = 0;
  // What is there, at least one byte. Unavailable: "End of file", or the system's word.
  virtual absl::StatusOr<size_t> Read(char* into, size_t size) = 0;
};

// Files of a TLS client, by path; empty: not given.
struct TlsFiles {
  std::string private_key;
  std::string certificate;
  std::string ca_certificate;
  // The authority's certificate is taken from the first server and kept in ca_certificate.
  bool bootstrap = false;
};

// `path`: relative ones are below the run directory. Longer than a socket address may be: all
// right.
absl::StatusOr<std::unique_ptr<Channel>> ConnectUnix(const std::string& path);
// "unix:PATH", "tcp:HOST[:PORT]", "ssl:HOST[:PORT]", hosts as numbers, those of IPv6 in brackets,
// or as names; or several of them with commas between, of which the first that answers is taken.
// The message is the last one's error in the system's words.
absl::StatusOr<std::unique_ptr<Channel>> Connect(const std::string& remote, const TlsFiles& files);

// Takes `fd`. Loads OpenSSL. InvalidArgument names the file that is missing or wrong.
absl::StatusOr<std::unique_ptr<Channel>> StartTls(int fd, const TlsFiles& files);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_CHANNEL_H_
