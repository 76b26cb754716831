// How this host gets and keeps its identity: enrolment with a join token, renewal at half of the
// certificate's lifetime. Owns the present identity. Knows nothing of ports or sessions.
//
// Thread rule: Join on the thread that starts the agent; the rest of IdentityKeeper on any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_IDENTITY_H_
#define OUTRIDER_VSWITCH_AGENT_IDENTITY_H_

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/identity_files.h"
#include "vswitch/agent/join_token.h"
#include "vswitch/agent/local_store.h"

namespace outrider::agent {

// Brings an identity about: the one on disk, or a new one by `token_text` (empty: none given). An
// enrolled host ignores a token for itself, unless its certificate has expired.
//
// Errors: FailedPrecondition (no identity and no token; a token for another host), what the
// controller says of the token (PermissionDenied, Unauthenticated), Unavailable (not reached).
absl::StatusOr<Enrollment> Join(const std::string& token_text, const IdentityFiles& files,
                                LocalStore* store, int64_t now_us);

class IdentityKeeper {
 public:
  // Called on the executor after each renewal.
  using OnRenewed = std::function<void()>;

  // `executor` outlives the keeper and is stopped before it is destroyed.
  static absl::StatusOr<std::unique_ptr<IdentityKeeper>> Create(Enrollment enrollment,
                                                                IdentityFiles files,
                                                                Executor* executor,
                                                                WallClock clock);
  // Waits for a renewal under way.
  ~IdentityKeeper();

  void Start(OnRenewed on_renewed);
  // Cancels a renewal under way and begins no other; returns when none runs. Not from the executor.
  void Stop();
  Identity identity() const;
  CertificateFacts facts() const;

 private:
  class RenewCall;
  IdentityKeeper(Enrollment enrollment, IdentityFiles files, Executor* executor, WallClock clock,
                 Identity identity, CertificateFacts facts);
  void Schedule();
  void Renew();
  void HandleRenewed(const absl::StatusOr<Identity>& renewed);

  const Enrollment enrollment_;
  const IdentityFiles files_;
  Executor* const executor_;
  const WallClock clock_;
  OnRenewed on_renewed_;
  bool stopped_ = false;
  std::unique_ptr<RenewCall> call_;

  mutable std::mutex mutex_;
  Identity identity_;
  CertificateFacts facts_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_IDENTITY_H_
