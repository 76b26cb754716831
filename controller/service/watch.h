// The server side of every Watch call: present objects, then changes, as events of one kind. Must
// not know what the objects mean. Runs on the call's thread until the client leaves or the server
// stops.
#ifndef OUTRIDER_CONTROLLER_SERVICE_WATCH_H_
#define OUTRIDER_CONTROLLER_SERVICE_WATCH_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/service/change_queue.h"
#include "controller/service/status_mapping.h"
#include "controller/store/repository.h"
#include "outrider/v1/api.pb.h"

namespace outrider::controller {

// How soon a watch notices that its client has left, or that the server stops.
inline constexpr std::chrono::milliseconds kCancelPoll{200};

// Set when the server begins to stop: calls that wait end by themselves, with a reason.
using StopFlag = std::atomic<bool>;

// One watch of objects of type T, as events of type Event (SegmentChange, ...).
template <typename T, typename Event>
class Watch {
 public:
  Watch(Repository* repository, const StopFlag* stopping, const v1::WatchRequest& request,
        grpc::ServerContext* context, grpc::ServerWriter<Event>* writer)
      : repository_(repository),
        stopping_(stopping),
        request_(request),
        context_(context),
        writer_(writer) {}

  grpc::Status Run() {
    // Subscribing comes first: what is committed between that and the read below comes twice, and
    // is told by its revision.
    ChangeQueue queue(repository_);
    const absl::Status caught_up = request_.from_revision() == 0 ? SendPresent() : SendPast();
    if (!caught_up.ok()) return ToGrpc(caught_up);
    while (!context_->IsCancelled()) {
      if (*stopping_) {
        return ToGrpc(absl::UnavailableError(
            "the controller is stopping and ended the watch; watch again when it runs"));
      }
      auto next = queue.Next(kCancelPoll);
      if (!next.ok()) return ToGrpc(next.status());
      if (!next->has_value()) continue;
      const ChangeSet& set = **next;
      // What is not stored carries the revision it was made at, and may come with it again.
      if (set.durable ? set.revision <= revision_ : set.revision < revision_) continue;
      if (!SendChanges(set)) break;
    }
    return grpc::Status::CANCELLED;
  }

 private:
  bool Wanted(const std::string& name) const {
    return request_.name().empty() || request_.name() == name;
  }

  bool Send(v1::WatchKind kind, uint64_t revision, const T* object, const std::string& name) {
    Event event;
    event.set_kind(kind);
    event.set_revision(revision);
    if (object != nullptr) {
      *event.mutable_object() = *object;
    } else if (!name.empty()) {
      event.mutable_object()->mutable_meta()->set_name(name);
    }
    return writer_->Write(event);
  }

  bool SendChanges(const ChangeSet& set) {
    for (const Change& change : set.changes) {
      if (change.kind != KindOf<T>::value || !Wanted(change.name)) continue;
      const T* after = change.After<T>();
      const auto kind = after != nullptr ? v1::WATCH_KIND_PUT : v1::WATCH_KIND_DELETE;
      if (!Send(kind, set.revision, after, change.name)) return false;
    }
    revision_ = std::max(revision_, set.revision);
    return true;
  }

  // Returns the revision they are of.
  absl::StatusOr<uint64_t> SendObjects() {
    uint64_t revision = 0;
    std::vector<std::shared_ptr<const T>> objects;
    repository_->Read([&](const Model& model) {
      revision = model.revision();
      for (const auto& [name, object] : model.All<T>()) {
        if (Wanted(name)) objects.push_back(object);
      }
    });
    for (const auto& object : objects) {
      if (!Send(v1::WATCH_KIND_PUT, object->meta().revision(), object.get(), "")) {
        return absl::CancelledError("watch");
      }
    }
    return revision;
  }

  absl::Status SendPresent() {
    ASSIGN_OR_RETURN(revision_, SendObjects());
    if (!Send(v1::WATCH_KIND_SYNCED, revision_, nullptr, "")) return absl::CancelledError("watch");
    return absl::OkStatus();
  }

  absl::Status SendPast() {
    revision_ = request_.from_revision();
    const auto past = repository_->ChangesSince(revision_);
    if (!past.ok()) return past.status();
    for (const ChangeSet& set : *past) {
      if (!SendChanges(set)) return absl::CancelledError("watch");
    }
    // Of hosts the log has only what is stored. What was committed meanwhile is queued: revision_
    // stays, so that deletes come too.
    if constexpr (KindOf<T>::value == Kind::kHost) return SendObjects().status();
    return absl::OkStatus();
  }

  Repository* const repository_;
  const StopFlag* const stopping_;
  const v1::WatchRequest& request_;
  grpc::ServerContext* const context_;
  grpc::ServerWriter<Event>* const writer_;
  // What the client has.
  uint64_t revision_ = 0;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_WATCH_H_
