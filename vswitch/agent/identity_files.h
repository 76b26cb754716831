// This host's TLS identity on disk: host.key, host.crt and ca.crt in the state directory, 0600
// each, replaced by atomic rename and synced. The key is made once and kept over renewals, so that
// no crash can pair a new key with an old certificate.
//
// Thread rule: one thread at a time.
#ifndef OUTRIDER_VSWITCH_AGENT_IDENTITY_FILES_H_
#define OUTRIDER_VSWITCH_AGENT_IDENTITY_FILES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "vswitch/types/status.h"

namespace outrider::agent {

// PEM texts. Without a certificate only the controller is verified (enrolment).
struct Identity {
  std::string key_pem;
  // The host's certificate, then intermediates.
  std::string certificate_pem;
  std::string ca_pem;
};

// What a certificate says; times in microseconds since the Unix epoch.
struct CertificateFacts {
  // Of the URI SAN spiffe://<domain>/host/<id>.
  std::string host_id;
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
};

class IdentityFiles {
 public:
  explicit IdentityFiles(std::string directory) : directory_(std::move(directory)) {}

  // Nothing when no certificate is there. FailedPrecondition names a file that is missing or does
  // not fit the others.
  absl::StatusOr<std::optional<Identity>> Load() const;
  // The key, made and stored if there is none.
  absl::StatusOr<std::string> EnsureKey() const;
  // The certificate goes last: with it the identity is complete.
  absl::Status Save(const std::string& certificate_pem, const std::string& ca_pem) const;

 private:
  std::string directory_;
};

// EC P-256 key, PKCS#8 PEM.
absl::StatusOr<std::string> GenerateKey();
// PKCS#10 PEM with an empty subject, signed by the key.
absl::StatusOr<std::string> MakeSigningRequest(const std::string& key_pem);
// Facts of the first certificate. FailedPrecondition when it is no host's, or not that of the key.
absl::StatusOr<CertificateFacts> InspectCertificate(const std::string& certificate_pem,
                                                    const std::string& key_pem);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_IDENTITY_FILES_H_
