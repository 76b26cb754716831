// TLS by OpenSSL, which is loaded when the first ssl: remote is used and not before: relocating it
// would take longer than everything else a command does.
#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "vswitch/cli/channel.h"

namespace outrider::cli {
namespace {

// The functions that are used, by their names in the library.
struct OpenSsl {
  decltype(&TLS_client_method) client_method;
  decltype(&SSL_CTX_new) ctx_new;
  decltype(&SSL_CTX_free) ctx_free;
  decltype(&SSL_CTX_set_verify) ctx_set_verify;
  decltype(&SSL_CTX_use_PrivateKey_file) use_key;
  decltype(&SSL_CTX_use_certificate_chain_file) use_certificate;
  decltype(&SSL_CTX_load_verify_locations) load_ca;
  decltype(&SSL_new) new_session;
  decltype(&SSL_free) free_session;
  decltype(&SSL_set_fd) set_fd;
  decltype(&SSL_connect) connect;
  decltype(&SSL_read) read;
  decltype(&SSL_write) write;
  decltype(&SSL_get_error) get_error;
  decltype(&SSL_get_peer_cert_chain) peer_chain;
  decltype(&OPENSSL_sk_num) stack_size;
  decltype(&OPENSSL_sk_value) stack_value;
  decltype(&PEM_write_X509) write_certificate;
};

template <typename Function>
bool Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

absl::StatusOr<OpenSsl> Load() {
  void* const library = dlopen("libssl.so.3", RTLD_NOW);
  OpenSsl ssl = {};
  const bool complete =
      library != nullptr && Find(library, "TLS_client_method", &ssl.client_method) &&
      Find(library, "SSL_CTX_new", &ssl.ctx_new) && Find(library, "SSL_CTX_free", &ssl.ctx_free) &&
      Find(library, "SSL_CTX_set_verify", &ssl.ctx_set_verify) &&
      Find(library, "SSL_CTX_use_PrivateKey_file", &ssl.use_key) &&
      Find(library, "SSL_CTX_use_certificate_chain_file", &ssl.use_certificate) &&
      Find(library, "SSL_CTX_load_verify_locations", &ssl.load_ca) &&
      Find(library, "SSL_new", &ssl.new_session) && Find(library, "SSL_free", &ssl.free_session) &&
      Find(library, "SSL_set_fd", &ssl.set_fd) && Find(library, "SSL_connect", &ssl.connect) &&
      Find(library, "SSL_read", &ssl.read) && Find(library, "SSL_write", &ssl.write) &&
      Find(library, "SSL_get_error", &ssl.get_error) &&
      Find(library, "SSL_get_peer_cert_chain", &ssl.peer_chain) &&
      Find(library, "OPENSSL_sk_num", &ssl.stack_size) &&
      Find(library, "OPENSSL_sk_value", &ssl.stack_value) &&
      Find(library, "PEM_write_X509", &ssl.write_certificate);
  if (complete) return ssl;
  return absl::FailedPreconditionError("ssl: remotes need OpenSSL 3 (libssl.so.3)");
}

class TlsChannel : public Channel {
 public:
  TlsChannel(const OpenSsl& ssl, int fd) : ssl_(ssl), fd_(fd) {}
  ~TlsChannel() override {
    if (session_ != nullptr) ssl_.free_session(session_);
    if (context_ != nullptr) ssl_.ctx_free(context_);
    close(fd_);
  }

  absl::Status Start(const TlsFiles& files) {
    context_ = ssl_.ctx_new(ssl_.client_method());
    if (context_ == nullptr) return absl::UnavailableError("Protocol error");
    RETURN_IF_ERROR(UseFiles(files));
    const bool bootstrap = files.bootstrap && access(files.ca_certificate.c_str(), R_OK) != 0;
    ssl_.ctx_set_verify(context_, bootstrap ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
    session_ = ssl_.new_session(context_);
    if (session_ == nullptr || ssl_.set_fd(session_, fd_) != 1 || ssl_.connect(session_) != 1) {
      return absl::UnavailableError("Protocol error");
    }
    return bootstrap ? KeepAuthority(files.ca_certificate) : absl::OkStatus();
  }

  absl::Status Write(const std::string& bytes) override {
    for (size_t done = 0; done < bytes.size();) {
      static constexpr size_t kMost = 1U << 30;
      const size_t size = std::min(bytes.size() - done, kMost);
      const int sent = ssl_.write(session_, bytes.data() + done, static_cast<int>(size));
      if (sent <= 0) return absl::UnavailableError("Protocol error");
      done += static_cast<size_t>(sent);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Read(char* into, size_t size) override {
    const int got = ssl_.read(session_, into, static_cast<int>(size));
    if (got > 0) return static_cast<size_t>(got);
    const bool ended = ssl_.get_error(session_, got) == SSL_ERROR_ZERO_RETURN;
    return absl::UnavailableError(ended ? "End of file" : "Protocol error");
  }

 private:
  absl::Status UseFiles(const TlsFiles& files) {
    const auto wrong = [](const char* option, const std::string& file) {
      return absl::InvalidArgumentError(std::string(option) + ": " + file + " cannot be used");
    };
    if (files.private_key.empty() || files.certificate.empty() || files.ca_certificate.empty()) {
      return absl::InvalidArgumentError(
          "ssl: needs --private-key, --certificate and --ca-cert (or --bootstrap-ca-cert)");
    }
    if (ssl_.use_key(context_, files.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
      return wrong("--private-key", files.private_key);
    }
    if (ssl_.use_certificate(context_, files.certificate.c_str()) != 1) {
      return wrong("--certificate", files.certificate);
    }
    const std::string& ca = files.ca_certificate;
    if (files.bootstrap && access(ca.c_str(), R_OK) != 0) return absl::OkStatus();
    if (ssl_.load_ca(context_, ca.c_str(), nullptr) != 1) return wrong("--ca-cert", ca);
    return absl::OkStatus();
  }

  // The last certificate of the server's chain is trusted from now on.
  absl::Status KeepAuthority(const std::string& path) {
    const auto* const chain = reinterpret_cast<const OPENSSL_STACK*>(ssl_.peer_chain(session_));
    const int size = chain == nullptr ? 0 : ssl_.stack_size(chain);
    std::FILE* const file = size > 0 ? std::fopen(path.c_str(), "wx") : nullptr;
    if (file == nullptr) {
      return absl::InvalidArgumentError("--bootstrap-ca-cert: " + path + " cannot be written");
    }
    auto* const certificate = static_cast<X509*>(ssl_.stack_value(chain, size - 1));
    const bool written = ssl_.write_certificate(file, certificate) == 1;
    if (std::fclose(file) == 0 && written) return absl::OkStatus();
    return absl::InvalidArgumentError("--bootstrap-ca-cert: " + path + " cannot be written");
  }

  const OpenSsl ssl_;
  const int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* session_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Channel>> StartTls(int fd, const TlsFiles& files) {
  const absl::StatusOr<OpenSsl> ssl = Load();
  if (!ssl.ok()) {
    close(fd);
    return ssl.status();
  }
  auto channel = std::make_unique<TlsChannel>(*ssl, fd);
  RETURN_IF_ERROR(channel->Start(files));
  return channel;
}

}  // namespace outrider::cli
