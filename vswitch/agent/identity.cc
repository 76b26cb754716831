#include "vswitch/agent/identity.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>

#include "outrider/v1/session.grpc.pb.h"
#include "vswitch/agent/controller_channel.h"

namespace outrider::agent {
namespace {

constexpr auto kCallTime = std::chrono::seconds(10);
// Between attempts to renew: often enough for a certificate of a minute, rarely enough for a
// month's.
constexpr int64_t kMinRenewGapUs = 1'000'000;
constexpr int64_t kMaxRenewGapUs = 3'600'000'000;

// A certificate that does not fit the key, the host or the request is not put in place.
absl::StatusOr<CertificateFacts> CheckIssued(const v1::EnrollResponse& response,
                                             const std::string& key_pem,
                                             const std::string& host_id) {
  ASSIGN_OR_RETURN(CertificateFacts facts, InspectCertificate(response.certificate_pem(), key_pem));
  if (facts.host_id != host_id) {
    return absl::FailedPreconditionError(fmt::format(
        "the controller gave a certificate for host \"{}\", not \"{}\"", facts.host_id, host_id));
  }
  if (response.ca_pem().empty()) {
    return absl::FailedPreconditionError("the controller gave no certificate authority");
  }
  return facts;
}

absl::Status Enroll(const JoinToken& token, const IdentityFiles& files, LocalStore* store) {
  ASSIGN_OR_RETURN(const std::string key, files.EnsureKey());
  v1::EnrollRequest request;
  request.set_token_secret(token.secret);
  request.set_host_id(token.host_id);
  ASSIGN_OR_RETURN(*request.mutable_csr_pem(), MakeSigningRequest(key));

  const auto channel =
      MakeChannel(token.endpoint, {.key_pem = "", .certificate_pem = "", .ca_pem = token.ca_pem});
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTime);
  v1::EnrollResponse response;
  const grpc::Status answer =
      v1::EnrollmentService::NewStub(channel)->Enroll(&context, request, &response);
  if (!answer.ok()) {
    return Annotate(FromGrpc(answer), fmt::format("host \"{}\" could not join the controller at {}",
                                                  token.host_id, token.endpoint));
  }
  RETURN_IF_ERROR(CheckIssued(response, key, token.host_id).status());
  RETURN_IF_ERROR(store->SaveEnrollment({.host_id = token.host_id, .endpoint = token.endpoint}));
  RETURN_IF_ERROR(files.Save(response.certificate_pem(), response.ca_pem()));
  spdlog::info("joined the controller at {} as host \"{}\"", token.endpoint, token.host_id);
  return absl::OkStatus();
}

absl::StatusOr<Identity> WithCertificate(const Identity& identity,
                                         const absl::StatusOr<v1::EnrollResponse>& answer) {
  RETURN_IF_ERROR(answer.status());
  return Identity{.key_pem = identity.key_pem,
                  .certificate_pem = answer->certificate_pem(),
                  .ca_pem = answer->ca_pem()};
}

// Facts of the identity on disk; nothing when the host has none.
absl::StatusOr<std::optional<CertificateFacts>> Present(const IdentityFiles& files) {
  ASSIGN_OR_RETURN(const std::optional<Identity> identity, files.Load());
  if (!identity) return std::optional<CertificateFacts>();
  auto facts = InspectCertificate(identity->certificate_pem, identity->key_pem);
  if (!facts.ok()) {
    return Annotate(facts.status(),
                    "host.crt in the state directory (remove it and join again with a "
                    "new token)");
  }
  return std::optional<CertificateFacts>(*std::move(facts));
}

}  // namespace

absl::StatusOr<Enrollment> Join(const std::string& token_text, const IdentityFiles& files,
                                LocalStore* store, int64_t now_us) {
  ASSIGN_OR_RETURN(const std::optional<CertificateFacts> present, Present(files));
  ASSIGN_OR_RETURN(std::optional<Enrollment> enrollment, store->LoadEnrollment());
  const bool enrolled = present && enrollment && present->host_id == enrollment->host_id;
  if (token_text.empty()) {
    if (enrolled) return *std::move(enrollment);
    return absl::FailedPreconditionError(
        "this host has no identity yet: start the agent with --join TOKEN; `outrider host enroll "
        "NAME` on the controller prints the token");
  }
  ASSIGN_OR_RETURN(const JoinToken token, ParseJoinToken(token_text));
  if (enrolled && token.host_id != enrollment->host_id) {
    return absl::FailedPreconditionError(fmt::format(
        "the join token is for host \"{}\", but this host is \"{}\"; use a token for \"{}\", or "
        "another --state-dir for another host",
        token.host_id, enrollment->host_id, enrollment->host_id));
  }
  if (enrolled && present->not_after_us > now_us) {
    spdlog::info("already enrolled as host \"{}\": the join token is ignored", enrollment->host_id);
    return *std::move(enrollment);
  }
  RETURN_IF_ERROR(Enroll(token, files, store));
  return Enrollment{.host_id = token.host_id, .endpoint = token.endpoint};
}

// One call of EnrollmentService.Renew. The destructor cancels it and waits until it is over.
class IdentityKeeper::RenewCall {
 public:
  using Done = std::function<void(absl::StatusOr<v1::EnrollResponse>)>;

  RenewCall(const std::string& endpoint, const Identity& identity, const std::string& csr_pem,
            Done done)
      : stub_(v1::EnrollmentService::NewStub(MakeChannel(endpoint, identity))) {
    request_.set_csr_pem(csr_pem);
    context_.set_deadline(std::chrono::system_clock::now() + kCallTime);
    stub_->async()->Renew(&context_, &request_, &response_,
                          [this, done = std::move(done)](const grpc::Status& status) {
                            if (status.ok()) {
                              done(response_);
                            } else {
                              done(FromGrpc(status));
                            }
                            const std::lock_guard lock(mutex_);
                            over_ = true;
                            changed_.notify_all();
                          });
  }

  ~RenewCall() {
    context_.TryCancel();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return over_; });
  }

 private:
  std::unique_ptr<v1::EnrollmentService::Stub> stub_;
  grpc::ClientContext context_;
  v1::RenewRequest request_;
  v1::EnrollResponse response_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
};

absl::StatusOr<std::unique_ptr<IdentityKeeper>> IdentityKeeper::Create(Enrollment enrollment,
                                                                       IdentityFiles files,
                                                                       Executor* executor,
                                                                       WallClock clock) {
  ASSIGN_OR_RETURN(std::optional<Identity> identity, files.Load());
  if (!identity) return absl::FailedPreconditionError("this host has no identity yet");
  ASSIGN_OR_RETURN(CertificateFacts facts,
                   InspectCertificate(identity->certificate_pem, identity->key_pem));
  return std::unique_ptr<IdentityKeeper>(
      new IdentityKeeper(std::move(enrollment), std::move(files), executor, std::move(clock),
                         *std::move(identity), std::move(facts)));
}

IdentityKeeper::IdentityKeeper(Enrollment enrollment, IdentityFiles files, Executor* executor,
                               WallClock clock, Identity identity, CertificateFacts facts)
    : enrollment_(std::move(enrollment)),
      files_(std::move(files)),
      executor_(executor),
      clock_(std::move(clock)),
      identity_(std::move(identity)),
      facts_(std::move(facts)) {}

IdentityKeeper::~IdentityKeeper() = default;

void IdentityKeeper::Start(OnRenewed on_renewed) {
  on_renewed_ = std::move(on_renewed);
  executor_->Post([this] { Schedule(); });
}

void IdentityKeeper::Stop() {
  RunOn(executor_, [this] {
    stopped_ = true;
    call_.reset();
  });
}

Identity IdentityKeeper::identity() const {
  const std::lock_guard lock(mutex_);
  return identity_;
}

CertificateFacts IdentityKeeper::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

// At half of the lifetime; after a failure again and again in small parts of what is left. A
// renewal needs a valid certificate: once it has expired only a new token helps.
void IdentityKeeper::Schedule() {
  const CertificateFacts facts = this->facts();
  const int64_t now = clock_();
  const int64_t half = facts.not_before_us + (facts.not_after_us - facts.not_before_us) / 2;
  int64_t wait = std::clamp((facts.not_after_us - now) / 20, kMinRenewGapUs, kMaxRenewGapUs);
  if (now < half) wait = std::max(half - now, kMinRenewGapUs);
  if (now > facts.not_after_us) {
    spdlog::error(
        "the certificate of host \"{}\" has expired: start the agent with --join and a new "
        "token (outrider host enroll {})",
        facts.host_id, facts.host_id);
    return;
  }
  executor_->PostAfter(std::chrono::microseconds(wait), [this] { Renew(); });
}

void IdentityKeeper::Renew() {
  if (stopped_) return;
  const Identity present = identity();
  const auto csr = MakeSigningRequest(present.key_pem);
  if (!csr.ok()) return HandleRenewed(csr.status());
  call_.reset();
  call_ = std::make_unique<RenewCall>(
      enrollment_.endpoint, present, *csr,
      [this, present](absl::StatusOr<v1::EnrollResponse> answer) {
        absl::StatusOr<Identity> renewed = WithCertificate(present, answer);
        executor_->Post([this, renewed = std::move(renewed)] { HandleRenewed(renewed); });
      });
}

void IdentityKeeper::HandleRenewed(const absl::StatusOr<Identity>& renewed) {
  if (stopped_) return;
  absl::Status status = renewed.status();
  if (status.ok()) {
    v1::EnrollResponse issued;
    issued.set_certificate_pem(renewed->certificate_pem);
    issued.set_ca_pem(renewed->ca_pem);
    const auto facts = CheckIssued(issued, renewed->key_pem, enrollment_.host_id);
    status = facts.ok() ? files_.Save(renewed->certificate_pem, renewed->ca_pem) : facts.status();
    if (status.ok()) {
      const std::lock_guard lock(mutex_);
      identity_ = *renewed;
      facts_ = *facts;
    }
  }
  if (status.ok()) {
    spdlog::info("certificate renewed");
    if (on_renewed_) on_renewed_();
  } else {
    spdlog::warn("the certificate could not be renewed yet: {}", Message(status));
  }
  Schedule();
}

}  // namespace outrider::agent
