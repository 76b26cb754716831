#include "tests/sys/stream/test_certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>

namespace outrider::stream {
namespace {

X509* MakeCertificate(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  static long serial = 1;
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
  if (issuer == nullptr) {
    X509_EXTENSION* const is_ca =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
    X509_add_ext(certificate, is_ca, -1);
    X509_EXTENSION_free(is_ca);
  }
  X509_sign(certificate, issuer_key, EVP_sha256());
  return certificate;
}

void WriteCertificate(const std::string& file, X509* certificate) {
  std::FILE* const out = std::fopen(file.c_str(), "w");
  PEM_write_X509(out, certificate);
  std::fclose(out);
}

}  // namespace

TestAuthority::TestAuthority(const std::string& folder, const std::string& name)
    : folder_(folder),
      ca_file_(folder + "/" + name + ".pem"),
      key_(EVP_EC_gen("P-256")),
      certificate_(MakeCertificate(name, key_, nullptr, key_)) {
  WriteCertificate(ca_file_, certificate_);
}

TestAuthority::~TestAuthority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

TlsFiles TestAuthority::Issue(const std::string& name) const {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = MakeCertificate(name, key, certificate_, key_);
  const TlsFiles files{folder_ + "/" + name + ".key", folder_ + "/" + name + ".crt", ca_file_};
  WriteCertificate(files.certificate, certificate);
  std::FILE* const out = std::fopen(files.private_key.c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

}  // namespace outrider::stream
