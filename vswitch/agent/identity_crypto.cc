// The OpenSSL part of identity_files.h.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "vswitch/agent/identity_files.h"
#include "vswitch/agent/openssl_owner.h"
#include "vswitch/types/ids.h"

namespace outrider::agent {
namespace {

using openssl::Bio;
using openssl::Certificate;
using openssl::Key;
using openssl::Names;
using openssl::Request;

absl::Status OpensslError(const std::string& what) {
  char text[256] = "no details";
  if (const unsigned long error = ERR_get_error(); error != 0) {
    ERR_error_string_n(error, text, sizeof(text));
  }
  ERR_clear_error();
  return absl::InternalError(what + ": " + text);
}

Bio Reader(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string TextOf(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<Key> ReadKey(const std::string& pem) {
  Key key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, nullptr, nullptr));
  if (key == nullptr) return OpensslError("host.key is no private key");
  return key;
}

absl::StatusOr<int64_t> Micros(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return OpensslError("a time of the certificate");
  return static_cast<int64_t>(timegm(&fields)) * 1000000;
}

// The part after "/host/" of the one SPIFFE id.
std::string HostIdOf(X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* value = name->d.uniformResourceIdentifier;
    const std::string uri(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                          static_cast<size_t>(ASN1_STRING_length(value)));
    const size_t path = uri.rfind("/host/");
    if (uri.rfind("spiffe://", 0) == 0 && path != std::string::npos) return uri.substr(path + 6);
  }
  return "";
}

}  // namespace

absl::StatusOr<std::string> GenerateKey() {
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpensslError("generate a key");
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
      1) {
    return OpensslError("write a key");
  }
  return TextOf(bio);
}

absl::StatusOr<std::string> MakeSigningRequest(const std::string& key_pem) {
  ASSIGN_OR_RETURN(const Key key, ReadKey(key_pem));
  const Request request(X509_REQ_new());
  const Bio bio(BIO_new(BIO_s_mem()));
  if (X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return OpensslError("make a certificate signing request");
  }
  return TextOf(bio);
}

absl::StatusOr<CertificateFacts> InspectCertificate(const std::string& certificate_pem,
                                                    const std::string& key_pem) {
  const Certificate certificate(
      PEM_read_bio_X509(Reader(certificate_pem).get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    ERR_clear_error();
    return absl::FailedPreconditionError("the host's certificate cannot be read");
  }
  ASSIGN_OR_RETURN(const Key key, ReadKey(key_pem));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::FailedPreconditionError("the host's certificate is not that of host.key");
  }
  CertificateFacts facts;
  facts.host_id = HostIdOf(certificate.get());
  if (!ValidateHostId(facts.host_id).ok()) {
    return absl::FailedPreconditionError(
        "the certificate names no host (URI SAN spiffe://<domain>/host/<id>)");
  }
  ASSIGN_OR_RETURN(facts.not_before_us, Micros(X509_get0_notBefore(certificate.get())));
  ASSIGN_OR_RETURN(facts.not_after_us, Micros(X509_get0_notAfter(certificate.get())));
  return facts;
}

}  // namespace outrider::agent
