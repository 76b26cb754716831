// Ownership of OpenSSL 3 objects and the translation of its error queue to Status. Knows nothing of
// certificates' meaning. The error queue is per thread; everything else is as thread-safe as the
// object.
#ifndef OUTRIDER_CONTROLLER_PKI_OPENSSL_H_
#define OUTRIDER_CONTROLLER_PKI_OPENSSL_H_

#include <absl/status/status.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace outrider::controller {

struct OpenSslDeleter {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_REQ* p) const { X509_REQ_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free_all(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};

template <typename T>
using OpenSslPtr = std::unique_ptr<T, OpenSslDeleter>;
using X509Ptr = OpenSslPtr<X509>;
using X509RequestPtr = OpenSslPtr<X509_REQ>;
using KeyPtr = OpenSslPtr<EVP_PKEY>;

// INTERNAL "<what>: <OpenSSL's first reason>"; empties the thread's error queue.
absl::Status OpenSslError(const std::string& what);
// Empties the thread's error queue after a failure that was an answer.
void ClearOpenSslErrors();

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_OPENSSL_H_
