// Key, certificate and authority of TLS streams, as OVSDB's SSL table names them: both sides show a
// certificate of the authority, no others are spoken to. Owns OpenSSL's context. Immutable; any
// thread.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_TLS_CONTEXT_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "vswitch/types/status.h"

namespace outrider::stream {

// PEM files.
struct TlsFiles {
  std::string private_key;
  std::string certificate;
  std::string ca_cert;
  bool operator==(const TlsFiles&) const = default;
};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, FreeSsl>;

class TlsContext {
 public:
  // TLS 1.2 or newer. FailedPrecondition names the file that is not there or does not fit.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Load(const TlsFiles& files);

  // One stream's state over `fd`, which it does not own. nullptr: no memory.
  SslPtr NewStream(int fd, bool server) const;

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  std::unique_ptr<SSL_CTX, FreeSsl> context_;
};

// The oldest error OpenSSL has for this thread, in words, and forgets all.
std::string TakeTlsError();

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_TLS_CONTEXT_H_
