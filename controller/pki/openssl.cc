#include "controller/pki/openssl.h"

#include <openssl/err.h>

namespace outrider::controller {

absl::Status OpenSslError(const std::string& what) {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof(text));
  }
  ERR_clear_error();
  return absl::InternalError(what + ": " + text);
}

void ClearOpenSslErrors() { ERR_clear_error(); }

}  // namespace outrider::controller
