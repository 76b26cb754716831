// Bytes over a connected descriptor, in clear or by TLS, without blocking. Knows no queue and no
// loop. One thread.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_STREAM_TRANSPORT_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_STREAM_TRANSPORT_H_

#include <cstddef>
#include <memory>

#include "vswitch/sys/stream/tls_context.h"
#include "vswitch/types/status.h"

namespace outrider::stream {

class StreamTransport {
 public:
  enum class Want { kNothing, kRead, kWrite };
  // Bytes that went, or, of none: what the descriptor must become before another try, or why there
  // will be none. `end`: the peer has closed its side.
  struct Step {
    size_t bytes = 0;
    Want want = Want::kNothing;
    bool end = false;
    absl::Status status = absl::OkStatus();
  };

  virtual ~StreamTransport() = default;
  // Until it wants nothing, before the first Read or Write.
  virtual Step Handshake() = 0;
  virtual Step Read(char* data, size_t size) = 0;
  virtual Step Write(const char* data, size_t size) = 0;
};

// Neither owns `fd`.
std::unique_ptr<StreamTransport> ClearTransport(int fd);
std::unique_ptr<StreamTransport> TlsTransport(SslPtr ssl);

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_STREAM_TRANSPORT_H_
