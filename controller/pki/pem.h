// PEM text to and from certificates, keys and requests. Knows no policy: what may be in a
// certificate is x509_builder's and peer_verifier's business. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_PKI_PEM_H_
#define OUTRIDER_CONTROLLER_PKI_PEM_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "controller/pki/openssl.h"

namespace outrider::controller {

// All certificates of a PEM text, in order. INVALID_ARGUMENT when there is none, or one is damaged.
absl::StatusOr<std::vector<X509Ptr>> CertificatesFromPem(const std::string& pem);
absl::StatusOr<std::string> CertificateToPem(X509* certificate);

// An unencrypted private key (PKCS#8). INVALID_ARGUMENT when the text holds none.
absl::StatusOr<KeyPtr> PrivateKeyFromPem(const std::string& pem);
absl::StatusOr<std::string> PrivateKeyToPem(EVP_PKEY* key);

// A PKCS#10 request. INVALID_ARGUMENT when the text holds none.
absl::StatusOr<X509RequestPtr> RequestFromPem(const std::string& pem);

// SHA-256 of the DER form, lower-case hex.
std::string CertificateSha256(X509* certificate);
// Validity, microseconds since the Unix epoch (whole seconds).
int64_t NotBeforeUs(const X509* certificate);
int64_t NotAfterUs(const X509* certificate);

// "2026-03-01 12:00:00 UTC", for messages.
std::string FormatUtc(int64_t time_us);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_PEM_H_
