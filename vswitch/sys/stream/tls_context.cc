#include "vswitch/sys/stream/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

namespace outrider::stream {
namespace {

absl::Status WrongFile(const char* what, const std::string& file) {
  return absl::FailedPreconditionError(
      fmt::format("TLS {} \"{}\": {}; give a readable PEM file", what, file, TakeTlsError()));
}

}  // namespace

std::string TakeTlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : fmt::format("error {}", code);
}

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Load(const TlsFiles& files) {
  ERR_clear_error();
  SSL_CTX* const context = SSL_CTX_new(TLS_method());
  if (context == nullptr) return absl::InternalError("TLS context: " + TakeTlsError());
  std::shared_ptr<const TlsContext> result(new TlsContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // What is queued may move in memory between two tries of a write.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return WrongFile("certificate", files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return WrongFile("private key", files.private_key);
  }
  if (SSL_CTX_load_verify_locations(context, files.ca_cert.c_str(), nullptr) != 1) {
    return WrongFile("CA certificate", files.ca_cert);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return result;
}

SslPtr TlsContext::NewStream(int fd, bool server) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  if (server) {
    SSL_set_accept_state(ssl.get());
  } else {
    SSL_set_connect_state(ssl.get());
  }
  return ssl;
}

}  // namespace outrider::stream
