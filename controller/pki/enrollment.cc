#include "controller/pki/enrollment.h"

#include <fmt/format.h>

#include "controller/model/names.h"
#include "controller/model/one_line.h"
#include "controller/model/validate.h"
#include "controller/pki/audit.h"
#include "controller/pki/builtin_ca.h"
#include "controller/pki/join_token.h"
#include "controller/pki/pem.h"

namespace outrider::controller {
namespace {

constexpr uint32_t kDefaultTtlS = 3600;
constexpr uint32_t kMinTtlS = 10;
constexpr uint32_t kMaxTtlS = 604800;
// A request over a P-256 key with a subject is some 500 bytes of PEM.
constexpr size_t kMaxCsrBytes = 8192;

// host:port with a host that another machine can use and a port in range. IPv6 in brackets.
absl::Status CheckEndpoint(const std::string& host_id, const std::string& endpoint) {
  const size_t colon = endpoint.rfind(':');
  const std::string port = colon == std::string::npos ? "" : endpoint.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (colon != std::string::npos && colon > 0 && digits && std::stoi(port) >= 1 &&
      std::stoi(port) <= 65535) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format(
      "host \"{}\": endpoint \"{}\" is not host:port; name where agents reach the controller, or "
      "start it with --advertise host:port",
      host_id, endpoint));
}

absl::StatusOr<uint32_t> Ttl(const v1::EnrollHostRequest& request) {
  const uint32_t ttl_s = request.ttl_s() == 0 ? kDefaultTtlS : request.ttl_s();
  if (ttl_s < kMinTtlS || ttl_s > kMaxTtlS) {
    return absl::InvalidArgumentError(fmt::format("host \"{}\": ttl_s {} is outside {}..{}",
                                                  request.host_id(), ttl_s, kMinTtlS, kMaxTtlS));
  }
  return ttl_s;
}

absl::Status CheckCsrSize(const std::string& csr_pem) {
  if (csr_pem.size() <= kMaxCsrBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("csr_pem: {} bytes are more than {}; make a plain request for an EC P-256 key",
                  csr_pem.size(), kMaxCsrBytes));
}

absl::Status TokenRefused(const std::string& host_id, const std::string& why) {
  return absl::UnauthenticatedError(fmt::format(
      "token {}; run `outrider host enroll {}` on the controller for a new one", why, host_id));
}

// What can be told from the request alone. Anybody may send one, as large as a message may be.
absl::Status CheckShape(const v1::EnrollRequest& request) {
  if (!IsHostId(request.host_id())) {
    return absl::InvalidArgumentError(
        fmt::format("host_id \"{}\" is not a DNS label; use the one in the join token",
                    OneLine(request.host_id())));
  }
  if (request.token_secret().size() != kTokenSecretSize) {
    return TokenRefused(request.host_id(), "is wrong or was replaced by a newer one");
  }
  return CheckCsrSize(request.csr_pem());
}

// Records a new certificate with the host.
void PutCertificate(v1::Host host, const IssuedCertificate& issued, Transaction* transaction) {
  if (host.state() == v1::Host::STATE_INVITED) host.set_state(v1::Host::STATE_ENROLLED);
  host.set_certificate_sha256(issued.sha256);
  host.set_certificate_expires_us(issued.not_after_us);
  transaction->Put(std::move(host));
}

}  // namespace

absl::Status CheckEnrolled(const v1::Host* host, const PeerIdentity& identity) {
  // Certificates have whole seconds, hence the second of tolerance.
  const int64_t issued_us = identity.not_before_us + kClockSkewUs + kSecondUs;
  std::string why;
  if (host == nullptr) {
    why = "is not known to this controller";
  } else if (issued_us < host->meta().created_us()) {
    why = "was deleted and made again after this certificate was issued";
  } else if (issued_us < host->enrolled_us() &&
             identity.certificate_sha256 != host->certificate_sha256()) {
    // The newest certificate is good even if the clock went back before it was issued.
    why = "was enrolled again after this certificate was issued";
  } else {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(fmt::format(
      "host \"{0}\" {1}; run `outrider host enroll {0}` on the controller and join with "
      "the token",
      identity.host_id, why));
}

absl::StatusOr<v1::EnrollHostResponse> Enrollment::Invite(const v1::EnrollHostRequest& request,
                                                          const std::string& default_endpoint) {
  ASSIGN_OR_RETURN(const uint32_t ttl_s, Ttl(request));
  JoinToken token;
  token.endpoint = request.endpoint().empty() ? default_endpoint : request.endpoint();
  RETURN_IF_ERROR(CheckEndpoint(request.host_id(), token.endpoint));
  token.host_id = request.host_id();
  token.ca_pem = authority_->RootsPem();
  ASSIGN_OR_RETURN(token.secret, GenerateTokenSecret());
  const int64_t expires_us = clock_->NowUs() + ttl_s * kSecondUs;

  const auto stage = [&](const Model& model, Transaction* transaction) -> absl::Status {
    if (model.Find<v1::Host>(token.host_id) == nullptr) {
      v1::Host host;
      host.mutable_meta()->set_name(token.host_id);
      host.set_state(v1::Host::STATE_INVITED);
      RETURN_IF_ERROR(Validate(model, host));
      transaction->Put(std::move(host));
    }
    v1::EnrollmentToken record;
    record.mutable_meta()->set_name(token.host_id);
    record.set_secret_sha256(TokenSecretHash(token.secret));
    record.set_expires_us(expires_us);
    transaction->Put(std::move(record));
    return absl::OkStatus();
  };
  const auto committed = repository_->Transact(stage);
  const std::string what = fmt::format("invite host \"{}\"", token.host_id);
  if (!committed.ok()) return AuditRefused(what, committed.status());
  AuditGranted(fmt::format("{} until {}", what, FormatUtc(expires_us)));
  v1::EnrollHostResponse response;
  response.set_token(EncodeJoinToken(token));
  response.set_expires_us(expires_us);
  return response;
}

absl::Status Enrollment::CheckToken(const Model& model, const std::string& host_id,
                                    const std::string& secret_sha256) const {
  const auto* token = model.Find<v1::EnrollmentToken>(host_id);
  if (token == nullptr || !SameTokenSecret(secret_sha256, token->secret_sha256())) {
    // Whoever holds the secret may know whose it is: it stands in the token.
    for (const auto& [host, other] : model.All<v1::EnrollmentToken>()) {
      if (SameTokenSecret(secret_sha256, other->secret_sha256())) {
        return TokenRefused(host_id,
                            fmt::format("was made for host \"{}\", not for \"{}\"", host, host_id));
      }
    }
    return TokenRefused(host_id, "is wrong or was replaced by a newer one");
  }
  if (token->used()) return TokenRefused(host_id, "was used before");
  if (clock_->NowUs() >= token->expires_us()) {
    return TokenRefused(host_id, "expired at " + FormatUtc(token->expires_us()));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::EnrollResponse> Enrollment::Enroll(const v1::EnrollRequest& request,
                                                      const std::string& peer) {
  const std::string& host_id = request.host_id();
  const std::string what = fmt::format("enroll host \"{}\" from {}", OneLine(host_id), peer);
  if (const absl::Status shape = CheckShape(request); !shape.ok()) return AuditRefused(what, shape);
  const std::string secret_sha256 = TokenSecretHash(request.token_secret());
  const auto check = [&](const Model& model) { return CheckToken(model, host_id, secret_sha256); };
  // Who has no token must not keep writers waiting.
  if (const absl::Status early = repository_->Read(check); !early.ok()) {
    return AuditRefused(what, early);
  }
  IssuedCertificate issued;
  // Check, issue and mark used inside one transaction: of two enrolments with one token, one wins.
  const auto stage = [&](const Model& model, Transaction* transaction) -> absl::Status {
    RETURN_IF_ERROR(check(model));
    const auto* present = model.Find<v1::Host>(host_id);
    if (present == nullptr) return Repository::NotFound(Kind::kHost, host_id);
    ASSIGN_OR_RETURN(issued, authority_->IssueHostCertificate(host_id, request.csr_pem()));
    v1::EnrollmentToken token = *model.Find<v1::EnrollmentToken>(host_id);
    token.set_used(true);
    transaction->Put(std::move(token));
    v1::Host host = *present;
    host.set_enrolled_us(transaction->now_us());
    PutCertificate(std::move(host), issued, transaction);
    return absl::OkStatus();
  };
  return Finish(what, repository_->Transact(stage).status(), issued);
}

absl::StatusOr<v1::EnrollResponse> Enrollment::Renew(const PeerIdentity& identity,
                                                     const v1::RenewRequest& request,
                                                     const std::string& peer) {
  const std::string what =
      fmt::format("renew certificate of host \"{}\" from {}", identity.host_id, peer);
  if (const absl::Status size = CheckCsrSize(request.csr_pem()); !size.ok()) {
    return AuditRefused(what, size);
  }
  IssuedCertificate issued;
  const auto stage = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const auto* host = model.Find<v1::Host>(identity.host_id);
    RETURN_IF_ERROR(CheckEnrolled(host, identity));
    ASSIGN_OR_RETURN(issued, authority_->IssueHostCertificate(identity.host_id, request.csr_pem()));
    PutCertificate(*host, issued, transaction);
    return absl::OkStatus();
  };
  return Finish(what, repository_->Transact(stage).status(), issued);
}

absl::StatusOr<v1::EnrollResponse> Enrollment::Finish(const std::string& what,
                                                      const absl::Status& committed,
                                                      const IssuedCertificate& issued) const {
  if (!committed.ok()) return AuditRefused(what, committed);
  AuditGranted(fmt::format("{}, certificate {} until {}", what, issued.sha256,
                           FormatUtc(issued.not_after_us)));
  v1::EnrollResponse response;
  response.set_certificate_pem(issued.chain_pem);
  response.set_ca_pem(authority_->RootsPem());
  return response;
}

}  // namespace outrider::controller
