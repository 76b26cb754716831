// Status as gRPC carries it. Codes are the same numbers in both. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_SERVICE_STATUS_MAPPING_H_
#define OUTRIDER_CONTROLLER_SERVICE_STATUS_MAPPING_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/support/status.h>

#include <utility>

namespace outrider::controller {

grpc::Status ToGrpc(const absl::Status& status);

// Moves the value into `out`, or returns the error.
template <typename T>
grpc::Status ToGrpc(absl::StatusOr<T> result, T* out) {
  if (result.ok()) *out = std::move(*result);
  return ToGrpc(result.status());
}

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_STATUS_MAPPING_H_
