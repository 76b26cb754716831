#include "tests/controller/pki/test_keys.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "controller/pki/pem.h"

namespace outrider::controller {

KeyPtr MakeTestKey(TestKey type) {
  switch (type) {
    case TestKey::kP384:
      return KeyPtr(EVP_EC_gen("P-384"));
    case TestKey::kRsa2048:
      return KeyPtr(EVP_RSA_gen(2048));
    case TestKey::kP256:
      break;
  }
  return KeyPtr(EVP_EC_gen("P-256"));
}

std::string TestKeyPem(EVP_PKEY* key) { return PrivateKeyToPem(key).value(); }

std::string MakeCsr(EVP_PKEY* key, const std::string& common_name, EVP_PKEY* signer) {
  const X509RequestPtr request(X509_REQ_new());
  X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_REQ_set_pubkey(request.get(), key);
  X509_REQ_sign(request.get(), signer != nullptr ? signer : key, EVP_sha256());
  const OpenSslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace outrider::controller
