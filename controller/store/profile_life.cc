#include "controller/store/profile_life.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controller/model/one_line.h"
#include "controller/model/validate.h"
#include "proto/digest.h"

namespace outrider::controller {
namespace {

template <typename... Args>
absl::Status Refuse(const std::string& name, fmt::format_string<Args...> format, Args&&... args) {
  return absl::FailedPreconditionError(fmt::format(
      "profile \"{}\": {}", OneLine(name), fmt::format(format, std::forward<Args>(args)...)));
}

absl::Status NoSuchRevision(const std::string& name, uint32_t revision) {
  return absl::NotFoundError(
      fmt::format("profile \"{0}\": there is no revision {1}; see: outrider profile history {0}",
                  name, revision));
}

// Makes `content` the newest revision, in force. What is in force already stays.
absl::Status PutInForce(const Model& model, uint32_t number, v1::Profile content,
                        Transaction* transaction, v1::Profile* result) {
  content.mutable_meta()->clear_revision();
  content.set_state(v1::Profile::STATE_ACTIVE);
  content.set_profile_revision(number);
  content.set_digest(v1::ProfileDigest(content));
  RETURN_IF_ERROR(Validate(model, content));
  const v1::Profile* present = model.Find<v1::Profile>(content.meta().name());
  if (present != nullptr && present->digest() == content.digest()) {
    *result = *present;
    return absl::OkStatus();
  }
  *result = content;
  transaction->Put(std::move(content));
  return absl::OkStatus();
}

// As stored, with the meta the repository filled in.
absl::StatusOr<v1::Profile> Stored(const Repository& repository, const v1::Profile& written) {
  const auto line = repository.Read(
      [&](const Model& model) { return ProfileLine(model, written.meta().name()); });
  for (const auto& revision : line) {
    if (revision->profile_revision() == written.profile_revision()) return *revision;
  }
  // Gone again: another write came since.
  return written;
}

using Write = std::function<absl::Status(const Model&, Transaction*, v1::Profile*)>;

absl::StatusOr<v1::Profile> Run(Repository* repository, const Write& write) {
  v1::Profile result;
  RETURN_IF_ERROR(repository
                      ->Transact([&](const Model& model, Transaction* transaction) {
                        return write(model, transaction, &result);
                      })
                      .status());
  return Stored(*repository, result);
}

// 0: the newest one that is not in force.
absl::StatusOr<v1::Profile> RevisionToRollBackTo(const Model& model, const std::string& name,
                                                 uint32_t number) {
  const auto revisions = model.Revisions(name);
  if (revisions.empty()) return Repository::NotFound(Kind::kProfile, name);
  for (auto each = revisions.rbegin(); each != revisions.rend(); ++each) {
    const bool wanted = number == 0 ? (*each)->state() == v1::Profile::STATE_RETIRED
                                    : (*each)->profile_revision() == number;
    if (wanted) return **each;
  }
  if (number != 0) return NoSuchRevision(name, number);
  return Refuse(name, "there is no revision before {}; nothing to roll back to",
                revisions.back()->profile_revision());
}

}  // namespace

uint32_t NextProfileRevision(const Model& model, const std::string& name) {
  uint32_t last = 0;
  for (const auto& revision : ProfileLine(model, name)) {
    last = std::max(last, revision->profile_revision());
  }
  return last + 1;
}

std::vector<std::shared_ptr<const v1::Profile>> ProfileLine(const Model& model,
                                                            const std::string& name) {
  auto line = model.Revisions(name);
  if (auto draft = model.Draft(name)) line.push_back(std::move(draft));
  std::sort(line.begin(), line.end(), [](const auto& a, const auto& b) {
    return a->profile_revision() < b->profile_revision();
  });
  return line;
}

absl::StatusOr<v1::Profile> SaveProfileDraft(Repository* repository, v1::Profile candidate) {
  Normalize(&candidate);
  const std::string name = candidate.meta().name();
  return Run(
      repository,
      [&](const Model& model, Transaction* transaction, v1::Profile* result) -> absl::Status {
        RETURN_IF_ERROR(Validate(model, candidate));
        const auto present = model.Draft(name);
        candidate.mutable_meta()->clear_revision();
        candidate.set_state(v1::Profile::STATE_DRAFT);
        candidate.set_digest(v1::ProfileDigest(candidate));
        // A draft may change: it keeps its number while that is the newest.
        const uint32_t next = NextProfileRevision(model, name);
        const bool newest = present != nullptr && present->profile_revision() + 1 == next;
        candidate.set_profile_revision(newest ? present->profile_revision() : next);
        if (newest && present->digest() == candidate.digest()) {
          *result = *present;
          return absl::OkStatus();
        }
        *result = candidate;
        transaction->PutDraft(candidate);
        return absl::OkStatus();
      });
}

absl::StatusOr<v1::Profile> ActivateProfile(Repository* repository, const std::string& name,
                                            uint32_t revision) {
  return Run(
      repository,
      [&](const Model& model, Transaction* transaction, v1::Profile* result) -> absl::Status {
        const auto draft = model.Draft(name);
        if (draft == nullptr) {
          return Refuse(name,
                        "there is no draft; save one with: outrider profile apply --draft -f FILE");
        }
        if (revision != 0 && revision != draft->profile_revision()) {
          return Refuse(name,
                        "revision {} is no draft, the draft is revision {}; roll back to others",
                        revision, draft->profile_revision());
        }
        const uint32_t next = NextProfileRevision(model, name);
        const bool newest = draft->profile_revision() + 1 == next;
        RETURN_IF_ERROR(PutInForce(model, newest ? draft->profile_revision() : next, *draft,
                                   transaction, result));
        transaction->EraseDraft(name);
        return absl::OkStatus();
      });
}

absl::StatusOr<v1::Profile> RollbackProfile(Repository* repository, const std::string& name,
                                            uint32_t revision) {
  return Run(
      repository,
      [&](const Model& model, Transaction* transaction, v1::Profile* result) -> absl::Status {
        ASSIGN_OR_RETURN(v1::Profile content, RevisionToRollBackTo(model, name, revision));
        return PutInForce(model, NextProfileRevision(model, name), std::move(content), transaction,
                          result);
      });
}

absl::StatusOr<v1::Profile> RetireProfile(Repository* repository, const std::string& name) {
  return Run(
      repository,
      [&](const Model& model, Transaction* transaction, v1::Profile* result) -> absl::Status {
        const v1::Profile* present = model.Find<v1::Profile>(name);
        if (present == nullptr) {
          return model.Revisions(name).empty() ? Repository::NotFound(Kind::kProfile, name)
                                               : Refuse(name, "is retired already");
        }
        RETURN_IF_ERROR(ValidateDelete(model, *present));
        *result = *present;
        transaction->Withdraw(name);
        return absl::OkStatus();
      });
}

}  // namespace outrider::controller
