#include "tests/agent/test_authority.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

#include "vswitch/agent/identity_files.h"

namespace outrider::agent {
namespace {

void Check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

std::string PemOf(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  Check(PEM_write_bio_X509(bio, certificate) == 1, "write certificate");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free_all(bio);
  return pem;
}

EVP_PKEY* ReadKey(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free_all(bio);
  Check(key != nullptr, "read key");
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Check(extension != nullptr, "make extension");
  Check(X509_add_ext(certificate, extension, -1) == 1, "add extension");
  X509_EXTENSION_free(extension);
}

void SetName(X509_NAME* name, const char* text) {
  Check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(text), -1, -1, 0) == 1,
        "set name");
}

void SetCommon(X509* certificate, long serial, int begin_s, int end_s, EVP_PKEY* key) {
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), begin_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), end_s);
  Check(X509_set_pubkey(certificate, key) == 1, "set key");
}

}  // namespace

TestAuthority::TestAuthority() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
  SetCommon(certificate_.get(), 1, -3600, 3600, key_.get());
  SetName(X509_get_subject_name(certificate_.get()), "test authority");
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  AddExtension(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  Check(X509_sign(certificate_.get(), key_.get(), EVP_sha256()) != 0, "sign");
  ca_pem_ = PemOf(certificate_.get());
  server_key_pem_ = *GenerateKey();
  const Key server(ReadKey(server_key_pem_));
  server_certificate_pem_ = Issue(server.get(), "DNS:outrider-controller", -3600, 3600);
}

std::string TestAuthority::Issue(EVP_PKEY* key, const std::string& san, int begin_s, int end_s) {
  const Certificate certificate(X509_new());
  SetCommon(certificate.get(), serial_++, begin_s, end_s, key);
  SetName(X509_get_subject_name(certificate.get()), "test");
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  AddExtension(certificate.get(), certificate_.get(), NID_subject_alt_name, san);
  Check(X509_sign(certificate.get(), key_.get(), EVP_sha256()) != 0, "sign");
  return PemOf(certificate.get());
}

std::string TestAuthority::Sign(const std::string& csr_pem, const std::string& uri, int begin_s,
                                int end_s) {
  BIO* bio = BIO_new_mem_buf(csr_pem.data(), static_cast<int>(csr_pem.size()));
  X509_REQ* request = PEM_read_bio_X509_REQ(bio, nullptr, nullptr, nullptr);
  BIO_free_all(bio);
  Check(request != nullptr, "read request");
  const Key key(X509_REQ_get_pubkey(request));
  Check(X509_REQ_verify(request, key.get()) == 1, "the request is signed by its key");
  X509_REQ_free(request);
  return Issue(key.get(), "URI:" + uri, begin_s, end_s);
}

}  // namespace outrider::agent
