#include "controller/store/objects.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <memory>

#include "controller/model/validate.h"
#include "controller/store/profile_life.h"
#include "proto/digest.h"

namespace outrider::controller {
namespace {

template <typename T>
std::string Subject(const std::string& name) {
  return fmt::format("{} \"{}\"", KindName(KindOf<T>::value), name);
}

// Output-only fields are what the model has, whatever the client sent.
template <typename T>
void TakeOutputs(const Model&, T*) {}

// Not stored: it follows the hosts.
void TakeOutputs(const Model&, v1::Segment* candidate) { candidate->clear_mtu_in_force(); }

void TakeOutputs(const Model& model, v1::Port* candidate) {
  const v1::Port* present = model.Find<v1::Port>(candidate->meta().name());
  static const v1::Port* const kNone = new v1::Port();
  const v1::Port& from = present == nullptr ? *kNone : *present;
  candidate->clear_location();
  if (from.has_location()) *candidate->mutable_location() = from.location();
  candidate->set_phase(present == nullptr ? v1::PORT_PHASE_UNBOUND : from.phase());
  candidate->set_device(from.device());
  candidate->clear_receipt();
  if (from.has_receipt()) *candidate->mutable_receipt() = from.receipt();
  candidate->set_problem(from.problem());
  candidate->set_attached_profile(from.attached_profile());
  candidate->clear_made_by_host();
  *candidate->mutable_unplanned_moves_us() = from.unplanned_moves_us();
  candidate->set_frozen_us(from.frozen_us());
}

void TakeOutputs(const Model& model, v1::Profile* candidate) {
  candidate->set_state(v1::Profile::STATE_ACTIVE);
  candidate->set_profile_revision(NextProfileRevision(model, candidate->meta().name()));
  candidate->set_digest(v1::ProfileDigest(*candidate));
}

// Whether the object says already what the write would have it say.
template <typename T>
bool IsInForce(const T& present, T candidate) {
  *candidate.mutable_meta() = present.meta();
  return google::protobuf::util::MessageDifferencer::Equals(present, candidate);
}

bool IsInForce(const v1::Profile& present, const v1::Profile& candidate) {
  return present.digest() == candidate.digest();
}

template <typename T>
absl::Status CheckRevision(const T& present, uint64_t revision) {
  if (revision == 0 || revision == present.meta().revision()) return absl::OkStatus();
  return absl::AbortedError(
      fmt::format("{} has moved on from revision {} to {}; read it again and repeat the change",
                  Subject<T>(present.meta().name()), revision, present.meta().revision()));
}

enum class Mode { kCreate, kUpdate, kApply };

template <typename T>
// Create must not find the object, Update must, Apply takes either.
absl::Status CheckMode(const T* present, const T& candidate, Mode mode) {
  const std::string& name = candidate.meta().name();
  if (present == nullptr) {
    return mode == Mode::kUpdate ? Repository::NotFound(KindOf<T>::value, name) : absl::OkStatus();
  }
  if (mode == Mode::kCreate) {
    return absl::AlreadyExistsError(
        fmt::format("{} exists already; update it instead", Subject<T>(name)));
  }
  return CheckRevision(*present, candidate.meta().revision());
}

template <typename T>
// The one path of all writes: everything is decided inside the transaction, against the model the
// commit will apply to.
absl::StatusOr<T> Write(Repository* repository, T candidate, Mode mode) {
  Normalize(&candidate);
  T written;
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const T* present = model.Find<T>(candidate.meta().name());
    RETURN_IF_ERROR(CheckMode(present, candidate, mode));
    TakeOutputs(model, &candidate);
    RETURN_IF_ERROR(Validate(model, candidate));
    if (present != nullptr && IsInForce(*present, candidate)) {
      written = *present;
    } else {
      transaction->Put(candidate);
    }
    return absl::OkStatus();
  };
  ASSIGN_OR_RETURN(const uint64_t revision, repository->Transact(fn));
  if (!written.meta().name().empty()) return written;
  // Read back for the meta the repository filled in; another write may have come since.
  const auto stored = repository->Get<T>(candidate.meta().name());
  if (stored.ok()) return *stored;
  candidate.mutable_meta()->set_revision(revision);
  return candidate;
}

// What goes with an object.
template <typename T>
void EraseCompanions(const std::string&, Transaction*) {}

template <>
void EraseCompanions<v1::Host>(const std::string& name, Transaction* transaction) {
  transaction->Erase<v1::EnrollmentToken>(name);
}

template <>
void EraseCompanions<v1::Profile>(const std::string& name, Transaction* transaction) {
  transaction->EraseDraft(name);
}

// What a delete looks at; of a profile that is not in force its newest revision, or its draft.
// Null: there is nothing to delete.
template <typename T>
std::shared_ptr<const T> Deletable(const Model& model, const std::string& name) {
  return model.Share<T>(name);
}

template <>
std::shared_ptr<const v1::Profile> Deletable<v1::Profile>(const Model& model,
                                                          const std::string& name) {
  const auto revisions = model.Revisions(name);
  return revisions.empty() ? model.Draft(name) : revisions.back();
}

}  // namespace

template <typename T>
absl::StatusOr<T> CreateObject(Repository* repository, T candidate) {
  return Write(repository, std::move(candidate), Mode::kCreate);
}

template <typename T>
absl::StatusOr<T> UpdateObject(Repository* repository, T candidate) {
  return Write(repository, std::move(candidate), Mode::kUpdate);
}

absl::StatusOr<v1::Profile> ApplyProfile(Repository* repository, v1::Profile candidate) {
  return Write(repository, std::move(candidate), Mode::kApply);
}

template <typename T>
absl::StatusOr<uint64_t> DeleteObject(Repository* repository, const std::string& name,
                                      uint64_t revision) {
  return repository->Transact([&](const Model& model, Transaction* transaction) -> absl::Status {
    const std::shared_ptr<const T> present = Deletable<T>(model, name);
    if (present == nullptr) return Repository::NotFound(KindOf<T>::value, name);
    RETURN_IF_ERROR(CheckRevision(*present, revision));
    RETURN_IF_ERROR(ValidateDelete(model, *present));
    transaction->Erase<T>(name);
    EraseCompanions<T>(name, transaction);
    return absl::OkStatus();
  });
}

#define OUTRIDER_INSTANTIATE(T)                               \
  template absl::StatusOr<T> CreateObject<T>(Repository*, T); \
  template absl::StatusOr<T> UpdateObject<T>(Repository*, T); \
  template absl::StatusOr<uint64_t> DeleteObject<T>(Repository*, const std::string&, uint64_t)
OUTRIDER_INSTANTIATE(v1::Segment);
OUTRIDER_INSTANTIATE(v1::AddressGroup);
OUTRIDER_INSTANTIATE(v1::PortGroup);
OUTRIDER_INSTANTIATE(v1::Gateway);
OUTRIDER_INSTANTIATE(v1::Profile);
OUTRIDER_INSTANTIATE(v1::Port);
#undef OUTRIDER_INSTANTIATE
template absl::StatusOr<uint64_t> DeleteObject<v1::Host>(Repository*, const std::string&, uint64_t);
template absl::StatusOr<uint64_t> DeleteObject<v1::Migration>(Repository*, const std::string&,
                                                              uint64_t);

}  // namespace outrider::controller
