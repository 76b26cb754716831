#include "controller/pki/enrollment.h"

#include <fmt/format.h>

#include "controller/model/validate.h"
#include "controller/pki/audit.h"
#include "controller/pki/builtin_ca.h"
#include "controller/pki/join_token.h"
#include "controller/pki/pem.h"

namespace outrider::controller {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr uint32_t kDefaultTtlS = 3600;
constexpr uint32_t kMinTtlS = 10;
constexpr uint32_t kMaxTtlS = 604800;

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
  if (host != nullptr && issued_us >= host->meta().created_us()) return absl::OkStatus();
  return absl::PermissionDeniedError(fmt::format(
      "host \"{}\" {}; run `outrider host enroll {}` on the controller and join with the token",
      identity.host_id,
      host == nullptr ? "is not known to this controller"
                      : "was deleted and made again after this certificate was issued",
      identity.host_id));
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

absl::Status Enrollment::CheckToken(const Model& model, const v1::EnrollRequest& request) const {
  const std::string remedy = fmt::format(
      "run `outrider host enroll {}` on the controller for a new one", request.host_id());
  const auto refuse = [&](const std::string& why) {
    return absl::UnauthenticatedError(fmt::format("token {}; {}", why, remedy));
  };
  const auto* token = model.Find<v1::EnrollmentToken>(request.host_id());
  if (token == nullptr || !TokenSecretMatches(request.token_secret(), token->secret_sha256())) {
    // Whoever holds the secret may know whose it is: it stands in the token.
    for (const auto& [host, other] : model.All<v1::EnrollmentToken>()) {
      if (TokenSecretMatches(request.token_secret(), other->secret_sha256())) {
        return refuse(
            fmt::format("was made for host \"{}\", not for \"{}\"", host, request.host_id()));
      }
    }
    return refuse("is wrong or was replaced by a newer one");
  }
  if (token->used()) return refuse("was used before");
  if (clock_->NowUs() >= token->expires_us()) {
    return refuse("expired at " + FormatUtc(token->expires_us()));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::EnrollResponse> Enrollment::Enroll(const v1::EnrollRequest& request,
                                                      const std::string& peer) {
  const std::string what = fmt::format("enroll host \"{}\" from {}", request.host_id(), peer);
  IssuedCertificate issued;
  // Check, issue and mark used inside one transaction: of two enrolments with one token, one wins.
  const auto stage = [&](const Model& model, Transaction* transaction) -> absl::Status {
    RETURN_IF_ERROR(CheckToken(model, request));
    const auto* host = model.Find<v1::Host>(request.host_id());
    if (host == nullptr) return Repository::NotFound(Kind::kHost, request.host_id());
    ASSIGN_OR_RETURN(issued,
                     authority_->IssueHostCertificate(request.host_id(), request.csr_pem()));
    v1::EnrollmentToken token = *model.Find<v1::EnrollmentToken>(request.host_id());
    token.set_used(true);
    transaction->Put(std::move(token));
    PutCertificate(*host, issued, transaction);
    return absl::OkStatus();
  };
  const auto committed = repository_->Transact(stage);
  if (!committed.ok()) return AuditRefused(what, committed.status());
  AuditGranted(fmt::format("{}, certificate {} until {}", what, issued.sha256,
                           FormatUtc(issued.not_after_us)));
  return Answer(issued);
}

absl::StatusOr<v1::EnrollResponse> Enrollment::Renew(const PeerIdentity& identity,
                                                     const v1::RenewRequest& request,
                                                     const std::string& peer) {
  const std::string what =
      fmt::format("renew certificate of host \"{}\" from {}", identity.host_id, peer);
  IssuedCertificate issued;
  const auto stage = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const auto* host = model.Find<v1::Host>(identity.host_id);
    RETURN_IF_ERROR(CheckEnrolled(host, identity));
    ASSIGN_OR_RETURN(issued, authority_->IssueHostCertificate(identity.host_id, request.csr_pem()));
    PutCertificate(*host, issued, transaction);
    return absl::OkStatus();
  };
  const auto committed = repository_->Transact(stage);
  if (!committed.ok()) return AuditRefused(what, committed.status());
  AuditGranted(fmt::format("{}, certificate {} until {}", what, issued.sha256,
                           FormatUtc(issued.not_after_us)));
  return Answer(issued);
}

v1::EnrollResponse Enrollment::Answer(const IssuedCertificate& issued) const {
  v1::EnrollResponse response;
  response.set_certificate_pem(issued.chain_pem);
  response.set_ca_pem(authority_->RootsPem());
  return response;
}

}  // namespace outrider::controller
