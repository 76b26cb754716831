#include "controller/service/status_mapping.h"

#include "controller/model/status.h"

namespace outrider::controller {

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(static_cast<int>(status.code())),
                      Message(status));
}

}  // namespace outrider::controller
