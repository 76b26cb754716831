// The calls that are the same for every kind of object: get, list, delete, watch; create and
// update. Map requests to the repository and Status to gRPC, and do nothing else. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_OBJECT_SERVICE_H_
#define OUTRIDER_CONTROLLER_SERVICE_OBJECT_SERVICE_H_

#include "controller/service/watch.h"
#include "controller/store/objects.h"

namespace outrider::controller {

// Base: the generated sync service of objects of type T, whose List answers `Listing` and whose
// Watch streams `Event`.
template <typename Base, typename T, typename Listing, typename Event>
class ReadService : public Base {
 public:
  // Both must outlive the service.
  ReadService(Repository* repository, const StopFlag* stopping)
      : repository_(repository), stopping_(stopping) {}

  grpc::Status Get(grpc::ServerContext*, const v1::GetRequest* request, T* response) override {
    return ToGrpc(repository_->template Get<T>(request->name()), response);
  }

  grpc::Status List(grpc::ServerContext*, const v1::ListRequest*, Listing* response) override {
    repository_->Read([response](const Model& model) {
      for (const auto& [name, object] : model.All<T>()) *response->add_items() = *object;
      response->set_revision(model.revision());
    });
    return grpc::Status::OK;
  }

  grpc::Status Delete(grpc::ServerContext*, const v1::DeleteRequest* request,
                      v1::DeleteResponse* response) override {
    const auto revision = DeleteObject<T>(repository_, request->name(), request->revision());
    if (revision.ok()) response->set_revision(*revision);
    return ToGrpc(revision.status());
  }

  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     grpc::ServerWriter<Event>* writer) override {
    return controller::Watch<T, Event>(repository_, stopping_, *request, context, writer).Run();
  }

 protected:
  Repository* repository() const { return repository_; }
  bool stopping() const { return *stopping_; }

 private:
  Repository* const repository_;
  const StopFlag* const stopping_;
};

template <typename Base, typename T, typename Listing, typename Event>
class ObjectService : public ReadService<Base, T, Listing, Event> {
 public:
  using ReadService<Base, T, Listing, Event>::ReadService;

  grpc::Status Create(grpc::ServerContext*, const T* request, T* response) override {
    return ToGrpc(CreateObject<T>(this->repository(), *request), response);
  }

  grpc::Status Update(grpc::ServerContext*, const T* request, T* response) override {
    return ToGrpc(UpdateObject<T>(this->repository(), *request), response);
  }
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_OBJECT_SERVICE_H_
