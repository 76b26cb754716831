#include "controller/pki/audit.h"

#include <spdlog/spdlog.h>

#include "controller/model/one_line.h"
#include "controller/model/status.h"

namespace outrider::controller {
namespace {

// What a peer sent may be part of these lines, and callers cut each piece of it; this is for one
// that was forgotten.
constexpr size_t kMaxPart = 1000;

}  // namespace

void AuditGranted(const std::string& what) {
  spdlog::info("audit: granted: {}", OneLine(what, kMaxPart));
}

absl::Status AuditRefused(const std::string& what, const absl::Status& reason) {
  spdlog::warn("audit: refused: {}: {}: {}", OneLine(what, kMaxPart),
               absl::StatusCodeToString(reason.code()), OneLine(Message(reason), kMaxPart));
  return reason;
}

}  // namespace outrider::controller
