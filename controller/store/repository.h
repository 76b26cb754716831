// The model over a store: loads it, guards it, and is the only way to change it. Every write is
// validated by its caller against the present model, committed by compare-and-swap, then applied to
// the model and published. Must not know hosts' sessions or what the changes cause.
//
// Thread-safe. Readers share; writers are one at a time and do not keep readers waiting while the
// store makes a commit durable. Subscribers are called without any lock held, in revision order, on
// the thread of some writer: they may read and write the repository; a write made there is
// published after they return.
#ifndef OUTRIDER_CONTROLLER_STORE_REPOSITORY_H_
#define OUTRIDER_CONTROLLER_STORE_REPOSITORY_H_

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "controller/model/clock.h"
#include "controller/model/model.h"
#include "controller/model/status.h"
#include "controller/store/store.h"

namespace outrider::controller {

// What a write wants to do: objects to put and to erase, all or nothing. Lives only inside
// Transact.
class Transaction {
 public:
  // Creates or replaces the object of that name. The repository fills in meta: uuid and created_us
  // are kept or made, updated_us and revision set. Of profiles, `object` is the new revision. A
  // second Put of the same object replaces the first.
  template <typename T>
  void Put(T object);
  // Nothing happens when there is none. Of profiles, all revisions go.
  template <typename T>
  void Erase(const std::string& name);

  // The profile is in force no more; its revisions stay.
  void Withdraw(const std::string& profile);

  // As Put and Erase, of the revision that is saved and not in force.
  void PutDraft(v1::Profile draft);
  void EraseDraft(const std::string& profile);

  // Time of the write, as put into updated_us.
  int64_t now_us() const { return now_us_; }

 private:
  friend class Repository;
  struct Staged {
    Change change;
    // The message `change.after` points to, until it is published.
    std::shared_ptr<google::protobuf::Message> after;
    v1::ObjectMeta* meta = nullptr;
  };
  Transaction(const Model& model, int64_t now_us) : model_(model), now_us_(now_us) {}
  void Stage(Staged staged);

  const Model& model_;
  const int64_t now_us_;
  std::vector<Staged> staged_;
};

// Ends when destroyed: the callback is not running then and is not called again (unless the
// destruction happens inside the callback itself).
class Subscription {
 public:
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  friend class Repository;
  struct Target {
    std::recursive_mutex mutex;
    std::function<void(const ChangeSet&)> callback;
  };
  explicit Subscription(std::shared_ptr<Target> target) : target_(std::move(target)) {}
  const std::shared_ptr<Target> target_;
};

class Repository {
 public:
  // Loads all objects. `store` and `clock` must outlive the repository. DataLoss: a stored object
  // cannot be read.
  static absl::StatusOr<std::unique_ptr<Repository>> Create(Store* store, const Clock* clock);

  // Calls fn(const Model&) with the model held still, and returns what it returns. Keep it short;
  // do not write from inside.
  template <typename Fn>
  auto Read(Fn&& fn) const {
    std::shared_lock lock(model_mutex_);
    return fn(static_cast<const Model&>(model_));
  }

  // A copy of one object. NotFound names kind and object.
  template <typename T>
  absl::StatusOr<T> Get(const std::string& name) const {
    const auto object = Read([&](const Model& model) { return model.Share<T>(name); });
    if (object == nullptr) return NotFound(KindOf<T>::value, name);
    return *object;
  }

  // Runs `fn` with the present model, to which no other write happens meanwhile; then commits what
  // it staged, applies it and publishes it. Returns the commit's revision, which is also the
  // meta.revision of every object put; when nothing was staged, the present revision. Errors of
  // `fn` and of the store are passed on; nothing has changed then. `fn` must not call the
  // repository.
  absl::StatusOr<uint64_t> Transact(
      const std::function<absl::Status(const Model&, Transaction*)>& fn);

  // Changes fields of a host that are not stored (state CONNECTED, applied and desired generation,
  // last_seen_us): no commit, lost at restart (CONNECTED becomes ENROLLED). Published as not
  // durable when `publish`. NotFound.
  absl::Status UpdatePresence(const std::string& host_id,
                              const std::function<void(v1::Host*)>& change, bool publish);

  // `callback` is called with every ChangeSet committed after this returns, and maybe with earlier
  // ones whose publication was under way.
  std::unique_ptr<Subscription> Subscribe(std::function<void(const ChangeSet&)> callback);

  // What was committed after `revision`, for watches that resume. `before` is never set. OutOfRange
  // as of Store::ChangesSince.
  absl::StatusOr<std::vector<ChangeSet>> ChangesSince(uint64_t revision) const;

  std::string store_id() const { return store_->store_id(); }
  uint64_t revision() const {
    return Read([](const Model& model) { return model.revision(); });
  }

  // `port "x" does not exist`.
  static absl::Status NotFound(Kind kind, const std::string& name);

 private:
  Repository(Store* store, const Clock* clock) : store_(store), clock_(clock) {}
  absl::Status Load();
  absl::StatusOr<uint64_t> CommitStaged(Transaction* transaction);
  void Install(ChangeSet set);
  void Drain();

  Store* const store_;
  const Clock* const clock_;
  // Held by the one writer, from validation to the entry into queue_.
  std::mutex write_mutex_;
  // Held exclusively only while a commit is applied. Only the writer changes model_.
  mutable std::shared_mutex model_mutex_;
  Model model_;

  std::mutex queue_mutex_;
  std::deque<ChangeSet> queue_;
  // Some thread is calling subscribers; it will take what is queued meanwhile.
  bool draining_ = false;
  std::vector<std::weak_ptr<Subscription::Target>> subscribers_;
};

template <typename T>
void Transaction::Put(T object) {
  auto after = std::make_shared<T>(std::move(object));
  v1::ObjectMeta* meta = after->mutable_meta();
  Change change = MakePut<T>(model_, std::shared_ptr<const T>(after));
  Stage(Staged{std::move(change), std::move(after), meta});
}

template <typename T>
void Transaction::Erase(const std::string& name) {
  bool exists = model_.Find<T>(name) != nullptr;
  if constexpr (std::is_same_v<T, v1::Profile>) exists = !model_.Revisions(name).empty();
  if (!exists) return;
  Stage(Staged{MakeErase<T>(model_, name), nullptr, nullptr});
}

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_REPOSITORY_H_
