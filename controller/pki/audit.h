// The audit trail: one log line for every decision about who may be or do what. Lines carry the
// word "audit:" so that they can be picked out of the log. A peer's text goes into them through
// OneLine (model/one_line.h). Thread-safe, as the log is.
#ifndef OUTRIDER_CONTROLLER_PKI_AUDIT_H_
#define OUTRIDER_CONTROLLER_PKI_AUDIT_H_

#include <absl/status/status.h>

#include <string>

namespace outrider::controller {

// Logs "audit: granted: <what>" for something that was allowed.
void AuditGranted(const std::string& what);

// Logs "audit: refused: <what>: <reason>" and returns `reason`, so that a refusal and its line are
// one expression.
absl::Status AuditRefused(const std::string& what, const absl::Status& reason);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_AUDIT_H_
