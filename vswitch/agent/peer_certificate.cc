#include "vswitch/agent/peer_certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <vector>

#include "vswitch/agent/openssl_owner.h"
#include "vswitch/types/ids.h"

namespace outrider::agent {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Context;
using openssl::Names;
using openssl::Store;

// A leaf, intermediates, and room: more is no chain of ours.
constexpr size_t kMaxCertificates = 8;

// Those before the first that cannot be read.
std::vector<Certificate> ReadCertificates(const std::string& pem) {
  std::vector<Certificate> certificates;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (certificates.size() < kMaxCertificates) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    certificates.push_back(std::move(next));
  }
  ERR_clear_error();
  return certificates;
}

// The only URI name; empty when there is none or more than one.
std::string UriOf(X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string uri;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    if (!uri.empty()) return "";
    const ASN1_IA5STRING* text = name->d.uniformResourceIdentifier;
    uri.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
               static_cast<size_t>(ASN1_STRING_length(text)));
  }
  return uri;
}

// "spiffe://<domain>/host/" of our own certificate.
absl::StatusOr<std::string> OwnPrefix(const Identity& own) {
  const auto certificates = ReadCertificates(own.certificate_pem);
  const std::string uri = certificates.empty() ? "" : UriOf(certificates.front().get());
  const size_t path = uri.rfind("/host/");
  if (uri.rfind("spiffe://", 0) != 0 || path == std::string::npos) {
    return absl::FailedPreconditionError("this host's own certificate names no host");
  }
  return uri.substr(0, path + 6);
}

absl::Status VerifyChain(const std::vector<Certificate>& chain, const Identity& own,
                         int64_t now_us) {
  const Store roots(X509_STORE_new());
  for (const Certificate& root : ReadCertificates(own.ca_pem)) {
    X509_STORE_add_cert(roots.get(), root.get());
  }
  STACK_OF(X509)* const between = sk_X509_new_null();
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> owner(
      between, [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(between, chain[i].get());
  const Context context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), roots.get(), chain.front().get(), between) != 1) {
    ERR_clear_error();
    return absl::InternalError("the peer's certificate: cannot be verified");
  }
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, now_us / 1'000'000);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT);
  if (X509_verify_cert(context.get()) == 1) return absl::OkStatus();
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  return absl::PermissionDeniedError(std::string("the peer's certificate: ") +
                                     X509_verify_cert_error_string(error));
}

}  // namespace

absl::StatusOr<std::string> IdentifyHost(const std::string& chain_pem, const Identity& own,
                                         int64_t now_us) {
  const auto chain = ReadCertificates(chain_pem);
  if (chain.empty()) return absl::PermissionDeniedError("the peer shows no certificate");
  RETURN_IF_ERROR(VerifyChain(chain, own, now_us));
  ASSIGN_OR_RETURN(const std::string prefix, OwnPrefix(own));
  const std::string uri = UriOf(chain.front().get());
  const std::string host = uri.rfind(prefix, 0) == 0 ? uri.substr(prefix.size()) : "";
  if (!ValidateHostId(host).ok()) {
    return absl::PermissionDeniedError("the peer's certificate: names no host of " + prefix);
  }
  return host;
}

}  // namespace outrider::agent
