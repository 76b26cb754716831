#include "controller/pki/audit.h"

#include <spdlog/spdlog.h>

#include "controller/model/status.h"

namespace outrider::controller {
namespace {

// What a peer sent is part of these lines; a line break in it must not forge another line.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

void AuditGranted(const std::string& what) { spdlog::info("audit: granted: {}", OneLine(what)); }

absl::Status AuditRefused(const std::string& what, const absl::Status& reason) {
  spdlog::warn("audit: refused: {}: {}: {}", OneLine(what), absl::StatusCodeToString(reason.code()),
               OneLine(Message(reason)));
  return reason;
}

}  // namespace outrider::controller
