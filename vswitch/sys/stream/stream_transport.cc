#include "vswitch/sys/stream/stream_transport.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace outrider::stream {
namespace {

using Step = StreamTransport::Step;
using Want = StreamTransport::Want;

class Clear final : public StreamTransport {
 public:
  explicit Clear(int fd) : fd_(fd) {}
  Step Handshake() override { return {}; }

  Step Read(char* data, size_t size) override {
    const ssize_t count = recv(fd_, data, size, 0);
    if (count == 0) return {.end = true};
    return StepOf(count, Want::kRead, "recv");
  }

  Step Write(const char* data, size_t size) override {
    return StepOf(send(fd_, data, size, MSG_NOSIGNAL), Want::kWrite, "send");
  }

 private:
  static Step StepOf(ssize_t count, Want want, const char* call) {
    if (count >= 0) return {.bytes = static_cast<size_t>(count)};
    if (errno == EAGAIN || errno == EINTR) return {.want = want};
    return {.status = ErrnoStatus(errno, call)};
  }

  const int fd_;
};

class Tls final : public StreamTransport {
 public:
  explicit Tls(SslPtr ssl) : ssl_(std::move(ssl)) {}

  Step Handshake() override {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    return result == 1 ? Step{} : Failed(result, "TLS handshake");
  }

  Step Read(char* data, size_t size) override {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), data, Bounded(size));
    return count > 0 ? Step{.bytes = static_cast<size_t>(count)} : Failed(count, "TLS read");
  }

  Step Write(const char* data, size_t size) override {
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), data, Bounded(size));
    return count > 0 ? Step{.bytes = static_cast<size_t>(count)} : Failed(count, "TLS write");
  }

 private:
  static int Bounded(size_t size) { return static_cast<int>(std::min<size_t>(size, INT_MAX)); }

  Step Failed(int result, const char* call) const {
    const int error = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {.want = Want::kRead};
      case SSL_ERROR_WANT_WRITE:
        return {.want = Want::kWrite};
      case SSL_ERROR_ZERO_RETURN:
        return {.end = true};
      case SSL_ERROR_SYSCALL:
        if (error != 0) return {.status = ErrnoStatus(error, call)};
        return {.end = true};
      default:
        return {.status = absl::UnauthenticatedError(std::string(call) + ": " + TakeTlsError())};
    }
  }

  const SslPtr ssl_;
};

}  // namespace

std::unique_ptr<StreamTransport> ClearTransport(int fd) { return std::make_unique<Clear>(fd); }

std::unique_ptr<StreamTransport> TlsTransport(SslPtr ssl) {
  return std::make_unique<Tls>(std::move(ssl));
}

}  // namespace outrider::stream
