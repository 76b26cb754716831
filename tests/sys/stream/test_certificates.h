// Authorities and certificates for tests of TLS, made on the spot.
#ifndef OUTRIDER_TESTS_SYS_STREAM_TEST_CERTIFICATES_H_
#define OUTRIDER_TESTS_SYS_STREAM_TEST_CERTIFICATES_H_

#include <openssl/x509.h>

#include <memory>
#include <string>

#include "vswitch/sys/stream/tls_context.h"

namespace outrider::stream {

// An authority of its own, with all its files in `folder`.
class TestAuthority {
 public:
  TestAuthority(const std::string& folder, const std::string& name);
  ~TestAuthority();
  // Key and certificate of `name`, signed by this authority, and its own certificate.
  TlsFiles Issue(const std::string& name) const;

 private:
  std::string folder_;
  std::string ca_file_;
  EVP_PKEY* key_;
  X509* certificate_;
};

}  // namespace outrider::stream

#endif  // OUTRIDER_TESTS_SYS_STREAM_TEST_CERTIFICATES_H_
