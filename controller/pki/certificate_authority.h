// The interface to whoever signs host certificates, and what it hands out. The built-in authority
// implements it now; a subordinate or an outside one can without a change above. Must not know of
// tokens, sessions or gRPC. Implementations are thread-safe.
#ifndef OUTRIDER_CONTROLLER_PKI_CERTIFICATE_AUTHORITY_H_
#define OUTRIDER_CONTROLLER_PKI_CERTIFICATE_AUTHORITY_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

namespace outrider::controller {

struct IssuedCertificate {
  // The certificate followed by intermediates up to, and without, the root.
  std::string chain_pem;
  // SHA-256 of the certificate's DER form, lower-case hex.
  std::string sha256;
  // Microseconds since the Unix epoch.
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
};

// The URI that names a host: spiffe://<trust_domain>/host/<host_id>.
std::string SpiffeHostUri(const std::string& trust_domain, const std::string& host_id);

class CertificateAuthority {
 public:
  virtual ~CertificateAuthority() = default;

  // A client certificate for `host_id` over the key of the PKCS#10 request `csr_pem`. Of the
  // request only the key and the proof that its sender holds it count: subject and extensions are
  // ignored. INVALID_ARGUMENT for a request that is damaged, not self-signed, or of a key that is
  // not P-256.
  virtual absl::StatusOr<IssuedCertificate> IssueHostCertificate(const std::string& host_id,
                                                                 const std::string& csr_pem) = 0;
  // Roots that agents and the controller trust, PEM.
  virtual const std::string& RootsPem() const = 0;
  virtual const std::string& TrustDomain() const = 0;
  // File with what the controller itself shows to agents: private key and certificate chain, PEM.
  // It is replaced whole while the controller runs, so read it anew now and then.
  virtual std::string ServerPath() const = 0;
  // Replaces that file when what is in it does not fit or is in the last third of its life.
  virtual absl::Status RefreshServer() = 0;
  // When the authority itself ends, microseconds since the Unix epoch.
  virtual int64_t ExpiresUs() const = 0;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_CERTIFICATE_AUTHORITY_H_
