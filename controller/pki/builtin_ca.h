// The built-in certificate authority: a self-signed EC P-256 root in a directory of the
// controller's state, and the controller's own server certificate signed by it. Owns these files:
//   ca.crt, ca.key (0600)  the root, made at the first start, 10 years; never written again
//   server.pem (0600)      server key and certificate, 1 year; made anew when it does not fit
// Must not know of tokens, the store or gRPC. Immutable after Create; thread-safe, but of
// RefreshServer one call at a time.
#ifndef OUTRIDER_CONTROLLER_PKI_BUILTIN_CA_H_
#define OUTRIDER_CONTROLLER_PKI_BUILTIN_CA_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "controller/model/clock.h"
#include "controller/pki/certificate_authority.h"
#include "controller/pki/openssl.h"

namespace outrider::controller {

inline constexpr int64_t kSecondUs = 1'000'000;
// DNS name in the server certificate that agents expect, whatever address they connect to.
inline constexpr char kServerDnsName[] = "outrider-controller";
// Certificates begin this much before the time of issue, for hosts whose clocks are late.
inline constexpr int64_t kClockSkewUs = 5 * 60 * kSecondUs;

struct BuiltinCaOptions {
  // Made (0700) when missing; its parent must exist.
  std::string directory;
  // Authority of the SPIFFE ids, e.g. "outrider.local".
  std::string trust_domain;
  // Life of a host's certificate, seconds.
  int64_t host_certificate_ttl_s = 30LL * 24 * 3600;
};

class BuiltinCa : public CertificateAuthority {
 public:
  // Reads the root, or makes it when neither of its files exists. FAILED_PRECONDITION, and nothing
  // written, when one file is missing, they do not belong together, the root has expired, is of
  // another trust domain, or the key is readable by others. `clock` must outlive the authority.
  static absl::StatusOr<std::unique_ptr<BuiltinCa>> Create(const BuiltinCaOptions& options,
                                                           const Clock* clock);

  absl::StatusOr<IssuedCertificate> IssueHostCertificate(const std::string& host_id,
                                                         const std::string& csr_pem) override;
  const std::string& RootsPem() const override { return root_pem_; }
  const std::string& TrustDomain() const override { return options_.trust_domain; }
  std::string ServerPath() const override { return Path("server.pem"); }
  absl::Status RefreshServer() override;
  int64_t ExpiresUs() const override { return NotAfter(); }

 private:
  BuiltinCa(const BuiltinCaOptions& options, const Clock* clock)
      : options_(options), clock_(clock) {}

  absl::Status MakeRoot();
  absl::Status LoadRoot(const std::string& certificate_pem, const std::string& key_pem);
  absl::Status IssueServer();
  // True when `pem` is a server identity of this root with more than a third of its life left.
  bool ServerStillFits(const std::string& pem) const;
  int64_t NotAfter() const;
  std::string Path(const char* file) const { return options_.directory + "/" + file; }

  const BuiltinCaOptions options_;
  const Clock* const clock_;
  X509Ptr root_;
  KeyPtr root_key_;
  std::string root_pem_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_BUILTIN_CA_H_
