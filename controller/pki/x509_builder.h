// Makes keys and certificates: X.509 v3, EC P-256, ECDSA with SHA-256 (RFC 5280, RFC 5480). Knows
// how a certificate is put together, not who may have one. Pure but for the random source; any
// thread.
#ifndef OUTRIDER_CONTROLLER_PKI_X509_BUILDER_H_
#define OUTRIDER_CONTROLLER_PKI_X509_BUILDER_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "controller/pki/openssl.h"

namespace outrider::controller {

struct CertificateSpec {
  std::string common_name;
  // As X509V3 configuration: "URI:spiffe://d/host/h" or "DNS:a,DNS:b". Empty: none.
  std::string subject_alt_name;
  // As X509V3 configuration, e.g. "critical,digitalSignature".
  std::string key_usage;
  // E.g. "clientAuth". Empty: none.
  std::string extended_key_usage;
  // Makes a CA that may sign leaf certificates only (path length 0).
  bool is_ca = false;
  // Microseconds since the Unix epoch; stored as whole seconds.
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
};

// A fresh P-256 key pair.
absl::StatusOr<KeyPtr> GenerateKey();

// A certificate for `subject_key` with a random 128-bit serial. `issuer` is null for a self-signed
// one.
absl::StatusOr<X509Ptr> BuildCertificate(const CertificateSpec& spec, EVP_PKEY* subject_key,
                                         X509* issuer, EVP_PKEY* issuer_key);

// OK when the key is one this project accepts: EC P-256. INVALID_ARGUMENT names what it is instead.
absl::Status CheckKeyIsP256(EVP_PKEY* key, const std::string& what);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_X509_BUILDER_H_
