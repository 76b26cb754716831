// Decides who a peer is from the certificate it showed in the TLS handshake. The handshake itself
// proves that the peer holds the key; it is configured not to judge the chain, so that a refusal is
// a gRPC status and an audit line rather than a broken connection. Must not know of gRPC or the
// store. Immutable; thread-safe.
#ifndef OUTRIDER_CONTROLLER_PKI_PEER_VERIFIER_H_
#define OUTRIDER_CONTROLLER_PKI_PEER_VERIFIER_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "controller/model/clock.h"
#include "controller/pki/openssl.h"

namespace outrider::controller {

// A peer whose certificate held.
struct PeerIdentity {
  std::string host_id;
  // Of the certificate: SHA-256 of its DER form, hex, and validity, microseconds.
  std::string certificate_sha256;
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
};

class PeerVerifier {
 public:
  // `roots_pem`: what chains must end in. `clock` must outlive the verifier.
  static absl::StatusOr<std::unique_ptr<PeerVerifier>> Create(const std::string& roots_pem,
                                                              const std::string& trust_domain,
                                                              const Clock* clock);

  // Verifies chain, time, client use, and that the leaf carries exactly one URI name and that it is
  // a host of the trust domain. `leaf_pem` is empty when the peer showed no certificate;
  // `chain_pem` may be empty, or repeat the leaf. Every failure is UNAUTHENTICATED with reason and
  // remedy.
  absl::StatusOr<PeerIdentity> Verify(const std::string& leaf_pem,
                                      const std::string& chain_pem) const;

 private:
  PeerVerifier(const std::string& trust_domain, const Clock* clock)
      : trust_domain_(trust_domain), clock_(clock) {}
  // OK, or why the chain does not hold; `claimed` names the host for the message.
  absl::Status VerifyChain(X509* leaf, const std::string& chain_pem,
                           const std::string& claimed) const;

  const std::string trust_domain_;
  const Clock* const clock_;
  OpenSslPtr<X509_STORE> roots_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_PEER_VERIFIER_H_
