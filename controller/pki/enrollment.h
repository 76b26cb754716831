// How a host gets its identity: invitation by the operator (a token), enrolment by the agent (token
// and request for certificate), renewal. Owns the rules of tokens: 256 bits, only their hash
// stored, bound to one host, a time to live, good once. Every attempt leaves an audit line. Must
// not know of gRPC or sessions.
//
// Thread-safe.
#ifndef OUTRIDER_CONTROLLER_PKI_ENROLLMENT_H_
#define OUTRIDER_CONTROLLER_PKI_ENROLLMENT_H_

#include <absl/status/statusor.h>

#include <string>

#include "controller/model/clock.h"
#include "controller/pki/certificate_authority.h"
#include "controller/pki/peer_verifier.h"
#include "controller/store/repository.h"
#include "outrider/v1/api.pb.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

// Whether the host a certificate names is one of ours now. PERMISSION_DENIED when it is unknown
// (`host` null), was deleted and made again after the certificate was issued (an old certificate is
// no key to a new host of the same name), or enrolled again with a token since (the machine was
// replaced). Certificates have whole seconds: one issued in the last second before still counts.
absl::Status CheckEnrolled(const v1::Host* host, const PeerIdentity& identity);

class Enrollment {
 public:
  // All must outlive it.
  Enrollment(Repository* repository, CertificateAuthority* authority, const Clock* clock)
      : repository_(repository), authority_(authority), clock_(clock) {}

  // Makes the host known (INVITED) when it is not, and a token for it, which replaces an earlier
  // one. An empty request.endpoint becomes `default_endpoint`. INVALID_ARGUMENT: host id, ttl_s or
  // endpoint.
  absl::StatusOr<v1::EnrollHostResponse> Invite(const v1::EnrollHostRequest& request,
                                                const std::string& default_endpoint);

  // Trades the token for a certificate; the token is marked used in the commit that records the
  // certificate, after which earlier certificates of the host are refused (CheckEnrolled).
  // UNAUTHENTICATED: the token is wrong, used, expired or of another host; found out without
  // holding up writers. INVALID_ARGUMENT: the host id is none, or the request for the certificate
  // is bad; the token stays good. `peer` is the caller's address, for the audit line.
  absl::StatusOr<v1::EnrollResponse> Enroll(const v1::EnrollRequest& request,
                                            const std::string& peer);

  // A new certificate for a host that has a good one. PERMISSION_DENIED as of CheckEnrolled.
  absl::StatusOr<v1::EnrollResponse> Renew(const PeerIdentity& identity,
                                           const v1::RenewRequest& request,
                                           const std::string& peer);

 private:
  absl::Status CheckToken(const Model& model, const std::string& host_id,
                          const std::string& secret_sha256) const;
  // The audit line, and the answer when it was committed.
  absl::StatusOr<v1::EnrollResponse> Finish(const std::string& what, const absl::Status& committed,
                                            const IssuedCertificate& issued) const;

  Repository* const repository_;
  CertificateAuthority* const authority_;
  const Clock* const clock_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_ENROLLMENT_H_
