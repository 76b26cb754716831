#include "controller/store/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "controller/model/names.h"
#include "controller/store/codec.h"

namespace outrider::controller {
namespace {

// Nobody is connected to a controller that has just started.
void ForgetPresence(google::protobuf::Message* object) {
  auto* host = static_cast<v1::Host*>(object);
  if (host->state() == v1::Host::STATE_CONNECTED) host->set_state(v1::Host::STATE_ENROLLED);
}

bool IsRetired(const DecodedObject& decoded) {
  return decoded.key.kind == Kind::kProfile &&
         static_cast<const v1::Profile&>(*decoded.object).state() == v1::Profile::STATE_RETIRED;
}

void AddPut(const std::string& key, const google::protobuf::Message& object, v1::ObjectMeta* meta,
            Txn* txn) {
  txn->ops.push_back({Op::Kind::kPut, key, EncodeValue(object, meta)});
}

void AddErase(const v1::Profile& revision, Txn* txn) {
  const std::string key = ProfileKey(revision.meta().name(), revision.profile_revision());
  txn->compares.push_back({key, revision.meta().revision()});
  txn->ops.push_back({Op::Kind::kDelete, key, {}});
}

// The revision that is in force no more is rewritten under its key.
void AddRetire(const v1::Profile& revision, Txn* txn) {
  v1::Profile retired = revision;
  retired.set_state(v1::Profile::STATE_RETIRED);
  const std::string key = ProfileKey(revision.meta().name(), revision.profile_revision());
  txn->compares.push_back({key, revision.meta().revision()});
  AddPut(key, retired, retired.mutable_meta(), txn);
}

// Each revision has a key: the old one is rewritten as retired, the new one added.
void AddProfileOps(const Model& model, const Change& change, v1::ObjectMeta* meta, Txn* txn) {
  const auto* before = change.Before<v1::Profile>();
  const auto* after = change.After<v1::Profile>();
  if (change.withdraws) return AddRetire(*before, txn);
  if (after == nullptr) {
    for (const auto& revision : model.Revisions(change.name)) AddErase(*revision, txn);
    return;
  }
  const std::string key = ProfileKey(change.name, after->profile_revision());
  const bool replaces =
      before != nullptr && before->profile_revision() != after->profile_revision();
  txn->compares.push_back({key, before == nullptr || replaces ? 0 : before->meta().revision()});
  AddPut(key, *after, meta, txn);
  if (before != nullptr && !replaces) return;
  if (before != nullptr) AddRetire(*before, txn);
  // After the puts: ChangesSince takes a delete alone for one of the profile.
  const auto revisions = model.Revisions(change.name);
  for (size_t i = 0; i < ExcessRevisions(revisions.size() + 1); ++i) AddErase(*revisions[i], txn);
}

// Every kind of object has a `meta`.
const v1::ObjectMeta& MetaOf(const google::protobuf::Message& object) {
  const auto* field = object.GetDescriptor()->FindFieldByName("meta");
  return static_cast<const v1::ObjectMeta&>(object.GetReflection()->GetMessage(object, field));
}

// Null when there was no object.
const v1::ObjectMeta* MetaBefore(const Change& change) {
  return change.before == nullptr ? nullptr : &MetaOf(*change.before);
}

// What the store must still have.
uint64_t RevisionBefore(const Change& change) {
  const v1::ObjectMeta* meta = MetaBefore(change);
  return meta == nullptr ? 0 : meta->revision();
}

bool Changes(const std::vector<Change>& changes, const DecodedKey& key) {
  return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
    return change.kind == key.kind && change.name == key.name;
  });
}

}  // namespace

void Transaction::Stage(Staged staged) {
  if (staged.meta != nullptr) {
    const v1::ObjectMeta* before = MetaBefore(staged.change);
    const bool port = staged.change.kind == Kind::kPort;
    staged.meta->set_uuid(before != nullptr ? before->uuid()
                          : port            ? staged.change.name
                                            : NewUuid());
    staged.meta->set_created_us(before != nullptr ? before->created_us() : now_us_);
    staged.meta->set_updated_us(now_us_);
  }
  for (Staged& other : staged_) {
    if (other.change.kind == staged.change.kind && other.change.name == staged.change.name) {
      other = std::move(staged);
      return;
    }
  }
  staged_.push_back(std::move(staged));
}

void Transaction::Withdraw(const std::string& profile) {
  Change change = MakeErase<v1::Profile>(model_, profile);
  if (change.before == nullptr) return;
  change.withdraws = true;
  Stage(Staged{std::move(change), nullptr, nullptr});
}

void Transaction::PutDraft(v1::Profile draft) {
  auto after = std::make_shared<v1::Profile>(std::move(draft));
  v1::ObjectMeta* meta = after->mutable_meta();
  const std::string name = meta->name();
  Stage(Staged{Change{Kind::kDraft, name, model_.Draft(name), after}, after, meta});
}

void Transaction::EraseDraft(const std::string& profile) {
  const auto before = model_.Draft(profile);
  if (before == nullptr) return;
  Stage(Staged{Change{Kind::kDraft, profile, before, nullptr}, nullptr, nullptr});
}

Subscription::~Subscription() {
  std::lock_guard lock(target_->mutex);
  target_->callback = nullptr;
}

absl::StatusOr<std::unique_ptr<Repository>> Repository::Create(Store* store, const Clock* clock) {
  std::unique_ptr<Repository> repository(new Repository(store, clock));
  RETURN_IF_ERROR(repository->Load());
  return repository;
}

absl::Status Repository::Load() {
  ASSIGN_OR_RETURN(const RangeResult all, store_->Range("/"));
  // Keys are ordered, so revisions of a profile come oldest first.
  for (const KeyValue& item : all.items) {
    ASSIGN_OR_RETURN(DecodedObject decoded, Decode(item));
    if (decoded.key.kind == Kind::kHost) ForgetPresence(decoded.object.get());
    if (IsRetired(decoded)) {
      model_.AddRetired(all.revision, std::static_pointer_cast<v1::Profile>(decoded.object));
      continue;
    }
    model_.Apply(all.revision,
                 Change{decoded.key.kind, decoded.key.name, nullptr, std::move(decoded.object)});
  }
  // An empty store has a revision as well.
  if (all.items.empty() && all.revision != 0) model_.SetRevision(all.revision);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Repository::Transact(
    const std::function<absl::Status(const Model&, Transaction*)>& fn) {
  uint64_t revision = 0;
  {
    std::lock_guard writer(write_mutex_);
    Transaction transaction(model_, clock_->NowUs());
    RETURN_IF_ERROR(fn(model_, &transaction));
    // A write that changes nothing costs no commit.
    if (transaction.staged_.empty()) return model_.revision();
    ASSIGN_OR_RETURN(revision, CommitStaged(&transaction));
    ChangeSet set{revision, true, {}};
    for (auto& staged : transaction.staged_) {
      if (staged.meta != nullptr) staged.meta->set_revision(revision);
      set.changes.push_back(std::move(staged.change));
    }
    Install(std::move(set));
  }
  Drain();
  return revision;
}

absl::StatusOr<uint64_t> Repository::CommitStaged(Transaction* transaction) {
  Txn txn;
  for (const auto& staged : transaction->staged_) {
    const Change& change = staged.change;
    if (change.kind == Kind::kProfile) {
      AddProfileOps(model_, change, staged.meta, &txn);
      continue;
    }
    const std::string key = KeyOf(change.kind, change.name);
    txn.compares.push_back({key, RevisionBefore(change)});
    if (staged.after == nullptr) {
      txn.ops.push_back({Op::Kind::kDelete, key, {}});
    } else {
      AddPut(key, *staged.after, staged.meta, &txn);
    }
  }
  return store_->Commit(txn);
}

absl::Status Repository::UpdatePresence(const std::string& host_id,
                                        const std::function<void(v1::Host*)>& change,
                                        bool publish) {
  {
    std::lock_guard writer(write_mutex_);
    const v1::Host* present = model_.Find<v1::Host>(host_id);
    if (present == nullptr) return NotFound(Kind::kHost, host_id);
    auto host = std::make_shared<v1::Host>(*present);
    change(host.get());
    // The stored object did not change, so the next compare must see its revision.
    *host->mutable_meta() = present->meta();
    ChangeSet set{model_.revision(),
                  false,
                  {MakePut(model_, std::shared_ptr<const v1::Host>(std::move(host)))}};
    if (publish) {
      Install(std::move(set));
    } else {
      std::unique_lock lock(model_mutex_);
      model_.Apply(set.revision, set.changes.front());
    }
  }
  Drain();
  return absl::OkStatus();
}

// Called by the writer, so the queue is in the order of commits.
void Repository::Install(ChangeSet set) {
  {
    std::unique_lock lock(model_mutex_);
    for (Change& change : set.changes) change.effects = model_.Apply(set.revision, change);
  }
  std::lock_guard lock(queue_mutex_);
  queue_.push_back(std::move(set));
}

void Repository::Drain() {
  std::unique_lock lock(queue_mutex_);
  // The thread that drains, maybe this one further up the stack, takes what is queued.
  if (draining_) return;
  draining_ = true;
  while (!queue_.empty()) {
    const ChangeSet set = std::move(queue_.front());
    queue_.pop_front();
    std::vector<std::shared_ptr<Subscription::Target>> targets;
    std::erase_if(subscribers_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : subscribers_) targets.push_back(weak.lock());
    lock.unlock();
    for (const auto& target : targets) {
      if (target == nullptr) continue;
      std::lock_guard target_lock(target->mutex);
      // A copy: the callback may end its own subscription.
      if (const auto callback = target->callback) callback(set);
    }
    targets.clear();
    lock.lock();
  }
  draining_ = false;
}

std::unique_ptr<Subscription> Repository::Subscribe(
    std::function<void(const ChangeSet&)> callback) {
  auto target = std::make_shared<Subscription::Target>();
  target->callback = std::move(callback);
  std::lock_guard lock(queue_mutex_);
  subscribers_.push_back(target);
  return std::unique_ptr<Subscription>(new Subscription(std::move(target)));
}

absl::StatusOr<std::vector<ChangeSet>> Repository::ChangesSince(uint64_t revision) const {
  ASSIGN_OR_RETURN(const std::vector<StoreEvent> events, store_->ChangesSince(revision));
  std::vector<ChangeSet> sets;
  for (const StoreEvent& event : events) {
    if (sets.empty() || sets.back().revision != event.revision) {
      sets.push_back({event.revision, true, {}});
    }
    std::vector<Change>* changes = &sets.back().changes;
    if (event.kind == Op::Kind::kDelete) {
      ASSIGN_OR_RETURN(const DecodedKey key, DecodeKey(event.item.key));
      // All revisions of a profile go at once, and are one deleted object.
      if (!Changes(*changes, key)) {
        changes->push_back({key.kind, key.name, nullptr, nullptr});
      }
      continue;
    }
    ASSIGN_OR_RETURN(DecodedObject decoded, Decode(event.item));
    if (IsRetired(decoded)) {
      // Replaced in the same commit, by the put before this; else withdrawn.
      if (!Changes(*changes, decoded.key)) {
        changes->push_back({decoded.key.kind, decoded.key.name, nullptr, nullptr});
      }
      continue;
    }
    changes->push_back({decoded.key.kind, decoded.key.name, nullptr, std::move(decoded.object)});
  }
  return sets;
}

absl::Status Repository::NotFound(Kind kind, const std::string& name) {
  return absl::NotFoundError(fmt::format("{} \"{}\" does not exist", KindName(kind), name));
}

}  // namespace outrider::controller
